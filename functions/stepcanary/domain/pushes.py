"""Pushes: which one is the newest, and which one comes too late to be obeyed."""

from dataclasses import dataclass, field, replace

OLDEST_SECONDS = 900
"""A push that comes later than this starts nothing: whoever made it does not wait for it any more.
EventBridge brings one within seconds, and Lambda's two further tries are over after five minutes;
then the alarm on them has called somebody."""


@dataclass(frozen=True, slots=True, order=True)
class Push:
    """`at` is when it was made, in epoch seconds. Of two in one second the digests tell which one
    counts as the newer: it is the same one in whatever order they come. `since` is when a push made
    its digest the newest: several tags of a digest are about one release, and so is a second
    delivery; a digest that is pushed again after another one is about a new release."""

    at: int
    digest: str
    since: int = field(default=0, compare=False)

    def after(self, newest: "Push | None") -> "Push":
        """As the one that follows upon the newest so far."""
        again = newest is not None and newest.digest == self.digest
        return replace(self, since=newest.since if newest and again else self.at)

    def is_too_old(self, now: int) -> bool:
        return now - self.at > OLDEST_SECONDS

    @property
    def rank(self) -> str:
        """Sorts as the push does."""
        return f"{self.at:012d} {self.digest}"
