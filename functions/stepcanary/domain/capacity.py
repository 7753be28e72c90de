"""Capacity: how many tasks a side needs for its weight, by the release's own number, and has.

The number is the plan's, not the service's: an autoscaler changes what is desired in mid-release.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Mode = Literal["proportional", "full", "fixed"]
"""Of the canary's size: it grows with its weight, it is the primary's from the start, or a count
that the profile names."""

Standing = Literal["enough", "short", "lost"]
"""Of the canary: it carries its weight, it does not just now, or traffic has to leave it."""


def tasks_for(full: int, weight: int) -> int:
    """How many of the tasks that carry all traffic a weight in percent needs, rounded up."""
    return -(-full * weight // 100)


@dataclass(frozen=True, slots=True)
class Sizing:
    """How large a canary is. `full` is how many of its tasks carry all traffic; where it grows with
    its weight it has so many percent of headroom, and never fewer tasks than the minimum."""

    mode: Mode
    full: int
    headroom_percent: int = 0
    minimum_tasks: int = 1

    def tasks(self, weight: int) -> int:
        """For this weight in percent."""
        if self.mode != "proportional":
            return self.full
        wanted = -(-self.full * weight * (100 + self.headroom_percent) // 10_000)
        return max(min(self.full, wanted), self.minimum_tasks)

    def before_shift(self, weight: int) -> int:
        """How many of them serve before the canary gets this weight in percent. Those that it has
        in advance, of the other sizes, need not."""
        return self.tasks(weight) if self.mode == "proportional" else tasks_for(self.full, weight)


START_SECONDS = 60
"""What the tasks of a deployment are taken to need until they serve."""

Stretch = tuple[int, int]
"""A step's weight, and the seconds that it lasts."""


def added_task_hours(sizing: Sizing, steps: Sequence[Stretch], after_seconds: int = 0) -> float:
    """What a release that nothing holds up adds in hours of tasks.

    The next step's tasks run while the one before it bakes, and all of them while the primary is
    deployed and so many seconds after: as the weights return, and as requests go on.
    """
    weights = [weight for weight, _ in steps]
    coming = [*weights[1:], weights[-1]]
    seconds = START_SECONDS * sizing.tasks(weights[0])
    seconds += (START_SECONDS + after_seconds) * sizing.tasks(weights[-1])
    seconds += sum(
        sizing.tasks(weight) * lasts for (_, lasts), weight in zip(steps, coming, strict=True)
    )
    return seconds / 3_600


HEADROOM_PERCENT = 10
"""What a profile has where it names none."""


def cost(
    sizing: Sizing,
    steps: Sequence[Stretch],
    primary_tasks: int,
    *,
    after_seconds: int = 0,
    kept_seconds: int = 0,
) -> str:
    """How large the canary gets and what that adds, in a sentence, beside the other sizes. A canary
    that is reverted is kept for `kept_seconds`."""
    counts = [(sizing.tasks(weight), weight) for weight, _ in steps]
    tasks = ", ".join(f"{n} task{'s' * (n != 1)} at {weight} %" for n, weight in counts)
    others = {
        "proportional": Sizing("proportional", primary_tasks, HEADROOM_PERCENT),
        "full": Sizing("full", primary_tasks),
    }
    beside = [
        f"{mode} {added_task_hours(other, steps, after_seconds):.1f}"
        for mode, other in others.items()
        if mode != sizing.mode
    ]
    most = sizing.tasks(steps[-1][0]) * kept_seconds / 3_600
    kept = f", and up to {most:.1f} more if it is reverted and kept" if kept_seconds else ""
    return (
        f"The canary gets {tasks}; that adds about"
        f" {added_task_hours(sizing, steps, after_seconds):.1f} task-hours ({', '.join(beside)})"
        f"{kept}"
    )


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
        return self.lacks(tasks_for(self.full, weight), weight)

    def lacks(self, needed: int, weight: int) -> str | None:
        """What is missing of so many tasks that this weight is to have; None when nothing is."""
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


@dataclass(frozen=True, slots=True)
class Rolling:
    """A primary whose tasks ECS replaces: how many run its `old` version, and whether its count is
    `kept`, for no task is stopped before another one runs in its place."""

    old: int
    kept: bool


def takes_back(rolling: Rolling, primary: Capacity) -> bool:
    """Whether the traffic of a canary in doubt is better off at a primary between two versions.

    On the canary all of it gets the version in doubt. At the primary the old tasks' share of it
    does not, and the rest is no worse off: it carries all of it, and still will as ECS goes on.
    """
    return rolling.old > 0 and rolling.kept and primary.shortage(100) is None


def can_take_over(primary: Capacity, canary: Capacity) -> bool:
    """Whether the primary is the side for traffic that the canary does not carry: it carries all,
    or more than the canary does."""
    return primary.shortage(100) is None or primary.serving > canary.serving
