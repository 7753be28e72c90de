"""Log counting: what a batch of a release's log adds to its evidence, and a revert where that is
enough to doubt it.

It is outside the state machine, as the relay of alarms is, and returns the traffic in the same way.
"""

from functools import lru_cache
from typing import Final

from stepcanary import clock
from stepcanary.aws import ecs
from stepcanary.aws.ecs import ServiceTask
from stepcanary.contracts.answers import LinesCounted
from stepcanary.domain import moments
from stepcanary.domain.comparison import Compared, doubt, judge_of
from stepcanary.domain.judging import Judging
from stepcanary.domain.lease import Lease
from stepcanary.domain.log_counts import RETURNED, LogCounts, counted
from stepcanary.domain.log_lines import Batch
from stepcanary.domain.log_source import LogSource
from stepcanary.domain.release import Release
from stepcanary.domain.signals import Signal
from stepcanary.domain.split import SideName
from stepcanary.domain.stage import OPENING, RETURNING
from stepcanary.errors import DocumentUnreadable, SignalRefused
from stepcanary.release import signalling, subscriptions, telling
from stepcanary.store import batches, leases, ledger

MOST_TASKS: Final = 4_096
UNKNOWN_SECONDS: Final = 10
_unknown: dict[tuple[str, str], int] = {}
"""Until when ECS is not asked for a task again, in epoch seconds."""


def count(batch: Batch) -> LinesCounted:
    """Raises `AwsUnavailable` and `AwsRefused`: whoever delivered it does so again."""
    executions, signalled = [], []
    for name in batch.filters:
        found = _running(name)
        if found is None:
            # It has ended, or the filter is somebody else's.
            continue
        release, lease = found
        assert release.judge is not None
        if _count_for(release, release.judge, lease, name, batch):
            executions.append(release.execution)
        if lease.stage < RETURNING and _signal(release, release.judge, lease):
            signalled.append(release.execution)
    return LinesCounted(executions=executions, signalled=signalled)


def _running(name: str) -> tuple[Release, Lease] | None:
    """The release that a filter is of, from when its canary may get weight until it is over: lines
    that are brought after the last weight are of requests all the same."""
    execution = subscriptions.execution_in(name)
    if execution is None:
        return None
    try:
        release = ledger.release_of(execution)
    except DocumentUnreadable:
        return None
    lease = leases.read(release.split)
    is_its_own = lease.holder == release.execution and release.judge is not None
    return (release, lease) if is_its_own and lease.stage > OPENING else None


def _count_for(release: Release, judging: Judging, lease: Lease, name: str, batch: Batch) -> bool:
    """Whether there was anything to count."""
    of_filter = next(
        (
            each
            for each in subscriptions.wanted(release.execution, judging)
            # A filter of this name on another group would bring what is not the canary's.
            if (each.name, each.group) == (name, batch.group)
        ),
        None,
    )
    account = release.execution.split(":")[4]
    if of_filter is None or batch.owner != account:
        return False
    before = batches.read(release.execution, judging)
    if not before.since:
        return False
    found = _counted(release, lease, batch, of_filter.sources, before)
    if found.counts:
        digest = batch.digest(name)
        if batches.keep(release.execution, digest, found, judging, sums=before.sums):
            # A batch that comes late is of when its lines were written.
            at = max(event.timestamp for event in batch.events) // 1_000
            telling.counted_by_log(release, at, found)
    return bool(found.counts)


def _counted(
    release: Release, lease: Lease, batch: Batch, sources: dict[str, LogSource], before: LogCounts
) -> LogCounts:
    """What the lines of the release's version count; those of which nobody knows whose they are
    cannot be read, and count for the canary."""
    of_canary: dict[str, LogSource | None] = {}
    of_primary: dict[str, LogSource | None] = {}
    for name, source in sources.items():
        if source.all or batch.task is None:
            of_canary[name] = source if source.all else None
        elif (side := _side_of(release, lease, batch.task)) == "canary":
            of_canary[name] = source
        elif side == "primary":
            of_primary[name] = source
    done = moments.read(lease.moments)
    left_at, served = moments.left_canary_at(done), moments.served_by_primary(done)

    def step_of_canary(at: int) -> int | None:
        # What still comes once every proxy has had its time is no request of a user.
        is_over = left_at is not None and at >= left_at + release.settle_seconds * 1_000
        return None if is_over else before.step_at(at)

    def step_of_primary(at: int) -> int | None:
        has_weight = any(begin <= at and (end is None or at < end) for begin, end in served)
        return RETURNED if has_weight else None

    by_canary = counted(batch, of_canary, step_of_canary)
    by_primary = counted(batch, of_primary, step_of_primary)
    return LogCounts(counts={**by_canary.counts, **by_primary.counts})


def _side_of(release: Release, lease: Lease, task: str) -> SideName | None:
    """Whose task it is that runs the version of the release; None of any other."""
    try:
        found = _service_task(release.cluster, task)
    except LookupError:
        return None
    if found.service == release.canary.service:
        return "canary"
    is_new = lease.touched and found.task_definition == lease.primary_revision
    return "primary" if found.service == release.primary.service and is_new else None


@lru_cache(maxsize=MOST_TASKS)
def _service_task(cluster: str, task: str) -> ServiceTask:
    """A task is of one service as long as it lives. One that ECS does not know is asked for again
    after a while, since tasks of another cluster may write into the same group: raises
    `LookupError`."""
    now = clock.epoch_seconds()
    if now < _unknown.get((cluster, task), 0):
        raise LookupError(task)
    found = ecs.service_task(cluster, task)
    if found is None:
        if len(_unknown) >= MOST_TASKS:
            _unknown.clear()
        _unknown[cluster, task] = now + UNKNOWN_SECONDS
        raise LookupError(task)
    return found


def _signal(release: Release, judging: Judging, lease: Lease) -> bool:
    """Whether the release was doubted, by all that its log has counted by now."""
    if lease.reverting:
        return False
    tallies = batches.read(release.execution, judging).tallies(judging)
    judge = judge_of(judging, len(release.steps))
    reason = doubt(judging, judge, Compared(tallies=tallies))
    if reason is None:
        return False
    now = clock.epoch_seconds()
    signal = Signal(kind="revert", reason=reason[:1_000], by="the judge", at=now)
    try:
        signalling.doubt(lease, signal, release.service, at_once=True)
    except SignalRefused:
        # It ended, or its traffic returns already.
        return False
    return True
