"""Retiring: what is still to be done from outside once a release is over, until it is done.

A canary may not stay scaled in: its autoscaler's minimum starts it again, or the primary was short
of tasks when it was its turn.
"""

from dataclasses import dataclass

from stepcanary import clock
from stepcanary.access import entered
from stepcanary.domain.release import Release
from stepcanary.errors import (
    AwsRefused,
    AwsUnavailable,
    FixtureKept,
    NotEnoughCapacity,
    ReleaseError,
)
from stepcanary.observability import about, execution_name, logger
from stepcanary.release import fixtures, kept, resting, routes, telling, world
from stepcanary.release.fixtures import FixtureLeft
from stepcanary.store import due, leases, ledger
from stepcanary.store.due import RETIRE, TAKE_DOWN, Task

LOOKS_AFTER_SECONDS = (120, 1_200)
"""Application Auto Scaling brings a service back to its minimum when one of its policies is
invoked, which may be a while later."""
LONGEST_PAUSE_SECONDS = 600
TRIES_BEFORE_ALARM = 3
MOST_TRIES = 1_000
"""A week of them, in which an alarm has been on: what cannot be done by then never can, as for a
service that was deleted."""


def follow(release: Release, left: list[FixtureLeft]) -> None:
    """Look once more at a canary that was retired, and at what was not taken down."""
    now = clock.epoch_seconds()
    for seconds in LOOKS_AFTER_SECONDS:
        due.add(Task(now + seconds, RETIRE, release.split, release.execution))
    if left:
        due.add(Task(_when(left, now), TAKE_DOWN, release.split, release.execution))


def _when(left: list[FixtureLeft], now: int) -> int:
    """When to try again: at once, unless all of it is kept until a time."""
    return min(each.until or now for each in left)


@dataclass(frozen=True, slots=True)
class Left:
    """Why a task has to be looked at again. `is_new` where this try did what it was to do, for the
    first time: then that is nobody's trouble yet. `waits` where it was not its turn, which may be
    known to come `at` a time in epoch seconds."""

    why: str
    is_new: bool = False
    waits: bool = False
    at: int | None = None


def work_off() -> list[str]:
    """Do what is due; what is still left after several tries, in sentences."""
    left: list[str] = []
    now = clock.epoch_seconds()
    for task in due.until(now):
        try:
            with about(task.execution):
                rest = _do(task)
        except ReleaseError as error:
            logger.warning("a task is put off", extra={**_about(task), "error": str(error)})
            rest = Left(str(error))
        if rest is None:
            due.done(task)
            continue
        tries = task.tries if rest.is_new or rest.waits else task.tries + 1
        if tries > MOST_TRIES:
            logger.error("a task is given up", extra={**_about(task), "why": rest.why})
            due.done(task)
            continue
        pause = min(60 * 2 ** min(tries, 10), LONGEST_PAUSE_SECONDS)
        worked = task.worked or rest.is_new
        again = now + (LONGEST_PAUSE_SECONDS if rest.waits else pause)
        due.put_off(task, rest.at or again, tries=tries, worked=worked)
        if tries >= TRIES_BEFORE_ALARM and not rest.waits:
            left.append(f"{task.key}, {task.execution}: {rest.why}")
    return left


def _about(task: Task) -> dict[str, str]:
    return {"task": str(task), "release": execution_name(task.execution)}


def _do(task: Task) -> Left | None:
    """None when there is nothing more to do."""
    if leases.read(task.key).holder:
        # Whoever has the split now retires the canary itself, and has put up its own over this.
        return Left("another release has the split", waits=True)
    if task.what == RETIRE:
        return _retire(task)
    if task.what == TAKE_DOWN:
        return _take_down(task)
    return Left(f"{task.what}: put down by another version of this stack")


def _take_down(task: Task) -> Left | None:
    release = ledger.release_of(task.execution)
    with entered(release.access):
        left = fixtures.take_down(release)
    if not left:
        return None
    now = clock.epoch_seconds()
    at = _when(left, now)
    return Left("; ".join(each.why for each in left), waits=at > now, at=at if at > now else None)


def _retire(task: Task) -> Left | None:
    release = ledger.release_of(task.execution)
    with entered(release.access):
        return _retire_of(release, task)


def _retire_of(release: Release, task: Task) -> Left | None:
    try:
        kept.require_not_kept(release)
    except FixtureKept:
        return None
    canary = world.see(release).canary
    if canary.desired <= release.canary.at_rest or not routes.at_rest(release):
        # Somebody who has moved the split by hand since needs the tasks.
        return None
    try:
        resting.scale_in(release)
    except (NotEnoughCapacity, AwsRefused, AwsUnavailable) as error:
        return Left(f"the canary {canary.name} runs {canary.desired} tasks without weight: {error}")
    again = f"the canary {canary.name} was started again at rest; is its autoscaler's minimum 0?"
    telling.retired(release, again)
    return Left(again, is_new=not task.worked)
