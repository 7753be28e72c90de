"""Retiring: what is still to be done from outside once a release is over, until it is done.

A canary may not stay scaled in: its autoscaler's minimum starts it again, or the primary was short
of tasks when it was its turn.
"""

from stepcanary import clock
from stepcanary.domain.release import Release
from stepcanary.errors import AwsRefused, AwsUnavailable, NotEnoughCapacity, ReleaseError
from stepcanary.observability import logger
from stepcanary.release import fixtures, revert, world
from stepcanary.store import due, leases, ledger
from stepcanary.store.due import Task

RETIRE, TAKE_DOWN = "retire", "take_down"
FIRST_LOOK_SECONDS = 120
"""Application Auto Scaling brings a service back to its minimum within a minute or two."""
LONGEST_PAUSE_SECONDS = 600
TRIES_BEFORE_ALARM = 3


def follow(release: Release, left: list[str]) -> None:
    """Look once more at a canary that was retired, and at what could not be taken down."""
    now = clock.epoch_seconds()
    due.add(Task(now + FIRST_LOOK_SECONDS, RETIRE, release.split, release.execution))
    if left:
        due.add(Task(now, TAKE_DOWN, release.split, release.execution))


def work_off() -> list[str]:
    """Do what is due; what is still left after several tries, in sentences."""
    left: list[str] = []
    now = clock.epoch_seconds()
    for task in due.until(now):
        try:
            why = _do(task)
        except ReleaseError as error:
            logger.warning("a task is put off", extra={"task": str(task), "error": str(error)})
            why = str(error)
        if why is None:
            due.done(task)
            continue
        due.put_off(task, now + min(60 * 2**task.tries, LONGEST_PAUSE_SECONDS))
        if task.tries + 1 >= TRIES_BEFORE_ALARM:
            left.append(f"{task.key}, {task.execution}: {why}")
    return left


def _do(task: Task) -> str | None:
    """Why it has to be tried again; None when there is nothing more to do."""
    if task.what == RETIRE:
        return _retire(task)
    if task.what == TAKE_DOWN:
        return "; ".join(fixtures.take_down(ledger.release_of(task.execution))) or None
    return f"{task.what}: put down by another version of this stack"


def _retire(task: Task) -> str | None:
    if leases.read(task.key).holder:
        # Whoever has the split now retires the canary itself.
        return None
    release = ledger.release_of(task.execution)
    canary = world.see(release).canary
    if canary.desired == 0:
        return None
    try:
        revert.scale_in(release)
    except (NotEnoughCapacity, AwsRefused, AwsUnavailable) as error:
        return f"the canary {canary.name} runs {canary.desired} tasks without weight: {error}"
    return f"the canary {canary.name} was started again at rest; is its autoscaler's minimum 0?"
