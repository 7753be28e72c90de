"""Log counting: what a batch of a canary's log adds to its release, and a revert where that is
enough to doubt it.

It is outside the state machine, as the relay of alarms is, and returns the traffic in the same way.
"""

from functools import lru_cache

from stepcanary import clock
from stepcanary.aws import ecs
from stepcanary.contracts.answers import LinesCounted
from stepcanary.domain.comparison import Compared, doubt, judge_of
from stepcanary.domain.judging import Judging
from stepcanary.domain.lease import Lease
from stepcanary.domain.log_counts import LogCounts, counted
from stepcanary.domain.log_lines import Batch
from stepcanary.domain.log_source import LogSource
from stepcanary.domain.release import Release
from stepcanary.domain.signals import Signal
from stepcanary.domain.stage import OPENING, RETURNING
from stepcanary.errors import DocumentUnreadable, SignalRefused
from stepcanary.release import signalling, subscriptions, telling
from stepcanary.store import batches, leases, ledger


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
        if _count_for(release, release.judge, name, batch):
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


def _count_for(release: Release, judging: Judging, name: str, batch: Batch) -> bool:
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
    found = _counted(release, batch, of_filter.sources, before)
    if found.counts:
        digest = batch.digest(name)
        batches.keep(release.execution, digest, found, judging, sums=before.sums)
    return bool(found.counts)


def _counted(
    release: Release, batch: Batch, sources: dict[str, LogSource], since: LogCounts
) -> LogCounts:
    """What the lines of the canary count; those of which nobody knows whose they are cannot be
    read."""
    own: dict[str, LogSource | None] = {}
    for name, source in sources.items():
        if source.all or batch.task is None:
            own[name] = source if source.all else None
        elif _is_of_canary(release, batch.task):
            own[name] = source
    return counted(batch, own, since)


def _is_of_canary(release: Release, task: str) -> bool:
    try:
        return _service_of(release.cluster, task) == release.canary.service
    except LookupError:
        return False


@lru_cache(maxsize=4_096)
def _service_of(cluster: str, task: str) -> str:
    """A task is of one service as long as it lives. One that ECS does not know yet is asked for
    again: raises `LookupError`."""
    service = ecs.service_of(cluster, task)
    if service is None:
        raise LookupError(task)
    return service


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
        signalling.revert_now(lease, signal)
        telling.doubted(lease, signal, release.service)
    except SignalRefused:
        # It ended, or its traffic returns already.
        return False
    return True
