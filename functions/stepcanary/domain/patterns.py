"""Patterns: names as whoever runs the stack allows them, as IAM matches them."""

import re
from collections.abc import Iterable


def fits(name: str, pattern: str) -> bool:
    """`*` stands for any characters and `?` for one."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), name, re.DOTALL) is not None


def is_among(name: str, patterns: Iterable[str]) -> bool:
    return any(fits(name, pattern) for pattern in patterns)
