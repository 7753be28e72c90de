"""Capacity: how many tasks a side needs for its weight, by the release's own number, and has.

The number is the plan's, not the service's: an autoscaler changes what is desired in mid-release.
"""

from dataclasses import dataclass
from typing import Literal

Standing = Literal["enough", "short", "lost"]
"""Of the canary: it carries its weight, it does not just now, or traffic has to leave it."""


def tasks_for(full: int, weight: int) -> int:
    """How many of the tasks that carry all traffic a weight in percent needs, rounded up."""
    return -(-full * weight // 100)


@dataclass(frozen=True, slots=True)
class Capacity:
    """What an ECS service can carry now.

    `full` is how many tasks carry all traffic. `healthy` counts targets that the router would send
    requests to; it is None where nobody asked, or the router cannot tell.
    """

    service: str
    full: int
    running: int
    healthy: int | None = None

    @property
    def serving(self) -> int:
        return self.running if self.healthy is None else min(self.running, self.healthy)

    def shortage(self, weight: int) -> str | None:
        """What is missing for this weight, in a sentence; None when nothing is."""
        needed = tasks_for(self.full, weight)
        if self.serving >= needed:
            return None
        of = f"of {needed} tasks that {self.service} needs for {weight} %"
        if self.running < needed:
            return f"{self.running} {of} run"
        return f"{self.healthy} {of} are healthy targets"

    def stands(self, weight: int, short_since: int | None, now: int, grace: int) -> Standing:
        """How the side stands with this weight; `short_since` and `now` are in epoch seconds."""
        if self.shortage(weight) is None:
            return "enough"
        if self.serving == 0 or (short_since is not None and now - short_since >= grace):
            return "lost"
        return "short"


def can_take_over(primary: Capacity, canary: Capacity) -> bool:
    """Whether the primary is the side for traffic that the canary does not carry: it carries all,
    or more than the canary does."""
    return primary.shortage(100) is None or primary.serving > canary.serving
