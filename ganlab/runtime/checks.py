"""Checks of arguments: one clear error before any work is done."""


def whole_number(name: str, value: int, least: int) -> int:
    """Return `value` if it is a whole number >= `least`; raise ValueError naming the argument otherwise."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name}: got {value!r}, expected a whole number >= {least}")
    return value
