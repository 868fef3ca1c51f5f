"""The worked solutions of lesson 05."""

from ganlab.check.solutions import Solution


def optimistic(s, h):
    """Take (x, y, x_before, y_before) one step further; return the four new numbers."""
    x, y, x_before, y_before = s
    next_x = x - h * (2 * y - y_before)
    next_y = y + h * (2 * x - x_before)
    return next_x, next_y, x, y


def when_to_stop(values, patience):
    """Return (index to keep, index at which training stops) for a list of values."""
    best = 0
    for k in range(1, len(values)):
        if values[k] < values[best]:
            best = k
        if k - best == patience:
            return best, k
    return best, len(values) - 1


SOLUTIONS = {
    "05.1": Solution(
        ("optimistic",),
        why=r"""
            1. The game is $x y$. The gradient for $x$ is $y$, and the gradient for $y$ is $x$.
            2. The optimistic step replaces a gradient $g_t$ by $2 g_t - g_{t-1}$. For $x$ that is
               $2y - y_\text{before}$, for $y$ it is $2x - x_\text{before}$.
            3. $x$ descends, so its step is subtracted. $y$ climbs, so its step is added. Both use the old state, since
               they step together.
            4. The next step will need today's $x$ and $y$ as its "before". So the state hands them on.
            """,
        slip="""
            Computing the new x first and using it for y. Then the players move by turns, not together.
            """,
    ),
    "05.2": Solution(
        ("when_to_stop",),
        why="""
            1. Go through the values in the order in which they come in. `best` is the index of the smallest so far.
            2. A new value moves `best` only if it is smaller. An equal one does not.
            3. `k - best` says how many measurements have come since the best. When it is `patience`, training stops,
               and nobody sees the values that follow.
            4. If the loop ends without a stop, the last index is `len(values) - 1`.
            """,
        slip="""
            Comparing with the value just before. A curve that jumps up and down then looks as if it improved for ever.
            """,
    ),
}
