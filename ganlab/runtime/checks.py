"""Checks of arguments: one clear error before any work is done."""

import numbers


def whole_number(name: str, value: int, least: int) -> int:
    """Return `value`, an int or numpy's, as an int if it is >= `least`; raise ValueError naming the argument if not."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"{name}: got {value!r}, expected a whole number >= {least}")
    return int(value)
