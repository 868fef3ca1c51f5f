"""The worked solutions of lesson 17b."""

from ganlab.check.solutions import Solution


def heun_path(v, x, steps):
    """From noise x (n, D) at t = 0 to t = 1. Return the ends, (n, D)."""
    for k in range(steps):
        first = v(x, k / steps)
        trial = x + first / steps
        second = v(trial, (k + 1) / steps)
        x = x + (first + second) / (2 * steps)
    return x


def denoise_and_score(x_t, v, t):
    """Noisy x_t, velocities v (B, C, H, W), times t (B,). Return two (B, C, H, W)."""
    t = t.view(-1, 1, 1, 1)
    picture = x_t + (1 - t) * v
    score = (t * v - x_t) / (1 - t)
    return picture, score


SOLUTIONS = {
    "17b.1": Solution(
        ("heun_path",),
        why=r"""
            1. Each of the `steps` steps has the length $1 / \text{steps}$, and step $k$ begins at the time
               $k / \text{steps}$.
            2. The first look is at the place and time of the beginning. Euler's step leads to the trial place.
            3. The second look is at the trial place, one step later. The step itself goes from the old place, with the
               mean of both velocities.
            """,
        slip="""
            Taking the second look at the old time. For velocities that change with time Heun is then as bad as Euler.
            """,
    ),
    "17b.2": Solution(
        ("denoise_and_score",),
        why=r"""
            1. `view` gives each time three more axes of length 1, so that it multiplies its own picture.
            2. From $x_t = (1 - t) z + t x$ and $v = x - z$ follow $x = x_t + (1 - t) v$ and $z = x_t - t v$.
            3. The score is minus the mean noise, divided by the standard deviation $1 - t$ of the noise in $x_t$.
            """,
        slip="""
            Dividing by $(1 - t)^2$. The slope is $-(x_t - t x) / (1 - t)^2$, and $x_t - t x$ is $(1 - t) z$.
            """,
    ),
}
