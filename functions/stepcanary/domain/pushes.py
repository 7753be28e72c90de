"""Pushes: which one is the newest, and which one comes too late to be obeyed."""

from dataclasses import dataclass

OLDEST_SECONDS = 900
"""A push that comes later than this starts nothing: whoever made it does not wait for it any more.
EventBridge brings one within seconds, and Lambda's two further tries are over after five minutes;
then the alarm on them has called somebody."""


@dataclass(frozen=True, slots=True, order=True)
class Push:
    """`at` is when it was made, in epoch seconds. Of two in one second the digests tell which one
    counts as the newer: it is the same one in whatever order they come."""

    at: int
    digest: str

    def is_too_old(self, now: int) -> bool:
        return now - self.at > OLDEST_SECONDS

    @property
    def rank(self) -> str:
        """Sorts as the push does."""
        return f"{self.at:012d} {self.digest}"
