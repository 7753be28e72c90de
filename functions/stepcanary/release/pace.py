"""Pace: how fast calls to AWS may follow each other, and whose turn it is where there are many.

A bucket of tokens is shared by all that run in an account and Region.
"""

from collections.abc import Sequence
from typing import TypeVar

from stepcanary import clock

T = TypeVar("T")
BURST = 10


class Pace:
    """At most so many calls a second, after a first few at once."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._tokens: float = BURST
        self._at = clock.now()

    def wait(self) -> None:
        now = clock.now()
        gained = (now - self._at).total_seconds() * self._per_second
        self._tokens = min(BURST, self._tokens + gained) - 1
        self._at = now
        if self._tokens < 0:
            clock.sleep(-self._tokens / self._per_second)


def in_turn(items: Sequence[T], most: int, turn: int) -> Sequence[T]:
    """Whose turn it is, of all of them one after the other: the next ones with the next turn."""
    if len(items) <= most:
        return items
    first = turn * most % len(items)
    twice = [*items, *items]
    return twice[first : first + most]
