"""Toll counting: what a release has cost, counted when all of it is published.

The judge compares whole periods, and nothing more once it has decided. What a canary answered
beside them, its users have met all the same. At rest a canary has no requests, so all that it is
counted for from before its first weight until after its last one is of the release.
"""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from stepcanary import clock
from stepcanary.access import entered
from stepcanary.aws import metrics
from stepcanary.aws.metrics import Values
from stepcanary.domain import moments, toll
from stepcanary.domain.measures import Measure
from stepcanary.domain.moments import Moment
from stepcanary.domain.periods import MINUTE
from stepcanary.domain.release import Release
from stepcanary.domain.toll import Toll
from stepcanary.errors import DocumentUnreadable
from stepcanary.observability import about, logger
from stepcanary.release import comparing, telling
from stepcanary.release.comparing import measures_of
from stepcanary.release.windows import FINAL_SECONDS, PERIOD_SECONDS
from stepcanary.store import due, evidence, ledger, tolls
from stepcanary.store.due import COUNT, Task

SECOND = 1_000
MOST_TRIES = 60
"""An hour of them; what CloudWatch does not say by then is not told."""
COUNT_SECONDS = 15
"""After so many of them the rest waits a minute: the watch has a time-out."""


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
        if clock.epoch_seconds() > now + COUNT_SECONDS:
            break
        with about(task.execution):
            try:
                is_done = _count(task.execution)
            except Exception:
                logger.exception("a toll is not counted yet")
                is_done = False
            if is_done or task.tries >= MOST_TRIES:
                due.done(task)
            else:
                due.put_off(task, now + PERIOD_SECONDS[MINUTE], tries=task.tries + 1)


def _count(execution: str) -> bool:
    """Whether it is counted for good: twice alike and with all that was there before, or so long
    ago that nothing comes any more."""
    with suppress(DocumentUnreadable):
        release = ledger.release_of(execution)
        span = _span(moments.read(ledger.moments(execution)))
        if span is not None:
            with entered(release.access):
                shown = _read(release, *span)
            rows, length = evidence.rows(execution), PERIOD_SECONDS[MINUTE]
            compared = {metric: toll.compared(rows, metric, length) for metric in shown}
            found = {metric: toll.summed(shown[metric], compared[metric]) for metric in shown}
            is_short = any(toll.is_short(shown[metric], compared[metric]) for metric in shown)
            is_late = clock.epoch_seconds() >= span[1] + comparing.LATE_SECONDS
            is_final = is_late or (not is_short and found == tolls.last(execution))
            tolls.keep(execution, found, is_final=is_final)
            if not is_final:
                return False
            telling.toll_counted(release)
    return True


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


def _read(release: Release, begin: int, end: int) -> dict[str, dict[int, Toll]]:
    """What CloudWatch shows by minute, of each metric that it keeps; a log is counted as its lines
    come."""
    assert release.judge is not None
    measures = {each.named: measures_of(release, each, "canary") for each in release.judge.counted}
    series = [one for each in measures.values() for one in (*each.requests, *each.bad)]
    values = iter(metrics.read(series, begin, end, PERIOD_SECONDS[MINUTE]))
    return {metric: _shown(measure, values) for metric, measure in measures.items()}


def _shown(measure: Measure, values: Iterator[Values]) -> dict[int, Toll]:
    requests = metrics.summed(islice(values, len(measure.requests)))
    bad = metrics.summed(islice(values, len(measure.bad)))
    return {at: (round(requests.get(at, 0.0)), round(bad.get(at, 0.0))) for at in {*requests, *bad}}
