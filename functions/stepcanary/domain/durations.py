"""Durations: as people read them."""

from itertools import pairwise

UNITS = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]


def duration(seconds: float | None) -> str:
    """To two units."""
    if seconds is None:
        return ""
    whole = int(seconds)
    for (size, name), (smaller, lesser) in pairwise(UNITS):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name}" + (f" {rest} {lesser}" if rest else "")
    return f"{whole} s"
