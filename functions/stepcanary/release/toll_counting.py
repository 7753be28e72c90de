"""Toll counting: what a release has cost, counted when all of it is published.

The judge compares whole periods in which a weight had settled, and nothing more once it has
decided. What a canary answered beside them, its users have met all the same. At rest a canary has
no requests, so all that it is counted for from before its first weight until after its last one is
of the release.
"""

from contextlib import suppress

from stepcanary import clock
from stepcanary.access import entered
from stepcanary.aws import metrics
from stepcanary.domain import moments
from stepcanary.domain.moments import Moment
from stepcanary.domain.periods import MINUTE
from stepcanary.domain.release import Release
from stepcanary.errors import DocumentUnreadable, ReleaseError
from stepcanary.observability import about, logger
from stepcanary.release import telling
from stepcanary.release.comparing import FINAL_SECONDS, PERIOD_SECONDS, measures_of
from stepcanary.store import due, ledger, tolls
from stepcanary.store.due import COUNT, Task
from stepcanary.store.tolls import Toll

SECOND = 1_000
MOST_TRIES = 60
"""An hour of them; what CloudWatch does not say by then is not told."""


def follow(release: Release, kept: list[str]) -> None:
    """Count it later, of a release whose canary had weight and whose judge has metrics that
    CloudWatch keeps; `kept` is what it has done."""
    span = _span(moments.read(kept))
    if span is not None and release.judge is not None and release.judge.counted:
        at = span[1] + FINAL_SECONDS[MINUTE]
        due.add(Task(at, COUNT, release.split, release.execution))


def work_off() -> None:
    """Count what is due. What fails is tried again, and fails nothing else."""
    now = clock.epoch_seconds()
    for task in due.until(now, COUNT):
        with about(task.execution):
            try:
                _count(task.execution)
            except ReleaseError as error:
                logger.warning("a toll is not counted yet", extra={"error": str(error)})
                if task.tries < MOST_TRIES:
                    due.put_off(task, now + PERIOD_SECONDS[MINUTE], tries=task.tries + 1)
                    continue
            due.done(task)


def _count(execution: str) -> None:
    """Raises `AwsUnavailable` and `AwsRefused`."""
    with suppress(DocumentUnreadable):
        release = ledger.release_of(execution)
        span = _span(moments.read(ledger.moments(execution)))
        if span is not None:
            with entered(release.access):
                tolls.keep(execution, _read(release, *span))
            telling.toll_counted(release)


def _span(done: list[Moment]) -> tuple[int, int] | None:
    """The whole periods in which the canary may have had requests, in epoch seconds. A weight is
    written before it is read back, and no later than the canary was steady; proxies follow it
    until the release has read the split at rest."""
    given = [moment.at for moment in done if moment.kind == "weight" and moment.text != "0"]
    if not given:
        return None
    steady = [moment.at for moment in done if moment.kind == "steady" and moment.at <= given[0]]
    length = PERIOD_SECONDS[MINUTE]
    begin = max(steady, default=given[0]) // SECOND // length * length
    end = (done[-1].at // SECOND // length + 1) * length
    return begin, end


def _read(release: Release, begin: int, end: int) -> dict[str, Toll]:
    """By the metrics that CloudWatch keeps; a log is counted as its lines come."""
    assert release.judge is not None
    found = {}
    for metric in release.judge.counted:
        measure = measures_of(release, metric, "canary")
        both = [*measure.requests, *measure.bad]
        values = metrics.read(both, begin, end, PERIOD_SECONDS[MINUTE])
        sums = [round(sum(each.values())) for each in values]
        requests = sum(sums[: len(measure.requests)])
        found[metric.named] = requests, min(requests, sum(sums[len(measure.requests) :]))
    return found
