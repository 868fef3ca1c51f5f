"""The worked solutions of lesson 17c."""

from ganlab.check.solutions import Solution


def feature_gradients(a, b, c, x):
    """Weights a, b, c, data x (n,). Return slopes for encoder, decoder and critic."""
    common = 2 * c**2 * (a * b - 1) * (x**2).mean()
    return common * b, common * a, 0.0


def standardise(codes, drawn):
    """Codes (n, D), draws (k, D). Return standardised codes (n, D), draws as codes."""
    mean = codes.mean(0)
    deviation = codes.std(0)
    return (codes - mean) / deviation, mean + deviation * drawn


def break_even(steps, call, pairs, training):
    """Calls a picture, ms a call, pairs, seconds. Return a whole number of pictures."""
    import math

    spent = pairs * steps * call + 1000 * training
    return math.ceil(spent / ((steps - 1) * call))


SOLUTIONS = {
    "17c.1": Solution(
        ("feature_gradients",),
        why=r"""
            1. The difference of the features is $c\,(b a x) - c\, x = c\,(ab - 1)\, x$. The loss is the mean of its
               square, $c^2 (ab - 1)^2\, \overline{x^2}$.
            2. The slope for $a$ is $2 c^2 (ab - 1)\, b\, \overline{x^2}$, by the chain rule, and the slope for $b$ has
               $a$ in place of $b$.
            3. The critic is frozen for this loss, so it does not move by it: 0.
            """,
        slip="""
            Letting the critic move, too. It would make its features as small as it can, and see nothing any more.
            """,
    ),
    "17c.2": Solution(
        ("standardise",),
        why=r"""
            1. Each coordinate has its own mean and deviation, over the codes, so the average is along axis 0.
            2. There: subtract the mean, then divide by the deviation.
            3. Back: both steps are undone, and the last one first. Multiply by the deviation, then add the mean. Both
               are those of the *codes*, not of what was drawn.
            """,
        slip="""
            Handing the decoder what the flow drew, in standardised units. Nothing fails; the pictures are merely odd.
            """,
    ),
    "17c.3": Solution(
        ("break_even",),
        why=r"""
            1. Spent beforehand, in milliseconds: each pair costs the teacher `steps` calls, and the training
               1,000 milliseconds a second.
            2. Saved by each picture: `steps` calls less the student's one.
            3. The student has paid as soon as the savings reach what was spent: at the quotient of the two, rounded up,
               because pictures are whole.
            """,
        slip="""
            Leaving out the pairs. The student's own lessons are drawn by the slow teacher.
            """,
    ),
}
