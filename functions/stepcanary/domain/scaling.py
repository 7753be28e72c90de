"""Scaling: how far autoscaling may take a side while a release runs, and what it gets back."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from stepcanary.domain.schedules import ScheduleUnknown, next_run


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which counts Application Auto Scaling may take a service, and whether its scheduled
    actions are suspended. Whether its policies are is nobody's business here."""

    minimum: int
    maximum: int
    schedules_suspended: bool = False


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An action that sets other bounds at a time; None leaves what there is. `began` is when it
    was made, or is to start."""

    name: str
    schedule: str
    zone: str
    began: datetime
    ends: datetime | None = None
    minimum: int | None = None
    maximum: int | None = None

    @property
    def runs_once(self) -> bool:
        return self.schedule.strip().startswith("at")

    @property
    def is_readable(self) -> bool:
        """Whether this stack can tell when it runs."""
        try:
            next_run(self.schedule, self.zone, self.began, self.began, began=self.began)
        except ScheduleUnknown:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Floor:
    """The count below which autoscaling does not take a side. `before` is what its bounds would be
    at the time `since` if there were no floor, and `actions` are those that change them later.

    Scheduled actions are suspended while it lasts, for one of them might scale the side in.
    """

    tasks: int
    before: Bounds
    since: datetime
    actions: tuple[Scheduled, ...] = ()

    @property
    def bounds(self) -> Bounds:
        """What is right while it lasts: the side may scale out, and its maximum is not lowered."""
        minimum = max(self.before.minimum, self.tasks)
        return Bounds(minimum, max(self.before.maximum, minimum), schedules_suspended=True)

    def at(
        self,
        now: datetime,
        found: Bounds,
        ours: Iterable[tuple[int, int]],
        actions: Iterable[Scheduled],
    ) -> "Floor":
        """The floor with what has happened since: the actions that would have run, on top of what
        somebody else has set, if somebody has.

        `ours` are the minimums and maximums that the release may have set; others are theirs.
        `actions` are those that there are now. One that runs once is still known when it is gone:
        AWS removes those whose time is over.
        """
        there = {action.name: action for action in actions}
        once = {action.name: action for action in self.actions if action.runs_once}
        known = tuple((once | there).values())
        before = self.before
        if ours and (found.minimum, found.maximum) not in set(ours):
            before = replace(found, schedules_suspended=before.schedules_suspended)
        if not before.schedules_suspended:
            for _, action in last_runs(known, self.since, now):
                before = replace(
                    before,
                    minimum=before.minimum if action.minimum is None else action.minimum,
                    maximum=before.maximum if action.maximum is None else action.maximum,
                )
        return replace(self, before=before, since=now, actions=known)


def last_runs(
    actions: Iterable[Scheduled], since: datetime, until: datetime
) -> list[tuple[datetime, Scheduled]]:
    """Each action's last run in this time, in order; one that cannot be read has none."""
    found = []
    for action in actions:
        if (last := _last_run(action, since, until)) is not None:
            found.append((last, action))
    return sorted(found, key=lambda run: run[0])


def _last_run(action: Scheduled, since: datetime, until: datetime) -> datetime | None:
    last = None
    while (run := _next_run(action, last or since, until)) is not None:
        last = run
    return last


def next_run_of(actions: Iterable[Scheduled], since: datetime, until: datetime) -> datetime | None:
    """When the next of them runs; None where none does until then."""
    runs = (_next_run(action, since, until) for action in actions)
    return min((run for run in runs if run is not None), default=None)


def _next_run(action: Scheduled, since: datetime, until: datetime) -> datetime | None:
    end = until if action.ends is None else min(until, action.ends)
    try:
        return next_run(action.schedule, action.zone, since, end, began=action.began)
    except ScheduleUnknown:
        return None
