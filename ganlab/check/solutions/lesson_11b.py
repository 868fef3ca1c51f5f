"""The worked solutions of lesson 11b."""

from ganlab.check.solutions import Solution


def cycle_loss(generator, back, s, x):
    """Samples s and x, (B, ...), of different things. Return (11b.1), one number."""
    there_and_back = (back(generator(s)) - s).abs().mean()
    back_and_there = (generator(back(x)) - x).abs().mean()
    return there_and_back + back_and_there


def exchange(memory, fakes, coins, places):
    """Return what the critic is shown, (B, ...), and the new memory, (M, ...)."""
    shown = fakes.clone()
    shown[coins] = memory[places[coins]]
    kept = memory.clone()
    kept[places[coins]] = fakes[coins]
    return shown, kept


SOLUTIONS = {
    "11b.1": Solution(
        ("cycle_loss",),
        why=r"""
            1. A given sample $s$ goes to the other kind, $G(s)$, and back, $F(G(s))$. It should be where it began.
            2. A sample $x$ of the other kind goes the other way: $F(x)$, then $G(F(x))$.
            3. Each way is an L1 error of its own, a mean over the samples and their coordinates. Nothing is detached,
               so both networks learn from both ways.
            """,
        slip="""
            Comparing $G(s)$ with $x$. The two are of different things: there are no pairs.
            """,
    ),
    "11b.2": Solution(
        ("exchange",),
        why=r"""
            1. Where the coin is False, the critic is shown the new fake, so `shown` begins as a copy of the fakes.
            2. Where it is True, it is shown the past fake at the place drawn: `memory[places[coins]]`.
            3. The new fake then takes that place. `kept` is a copy, so the old memory can still be read, and the
               caller's tensors stay as they are.
            """,
        slip="""
            Writing into the memory before reading from it. The critic then gets the new fakes every time, and the
            memory serves nobody.
            """,
    ),
}
