"""Estimates: what the primary's last day says about how to judge, where the profile does not."""

import statistics
from dataclasses import dataclass
from itertools import islice

from stepcanary import clock
from stepcanary.aws import metrics
from stepcanary.domain.evidence import estimated_clusters
from stepcanary.domain.judging import DEFAULT_CLUSTERS, LOG_LIMIT, Judging, Metric
from stepcanary.domain.periods import MINUTE
from stepcanary.domain.release import Release
from stepcanary.domain.router_metrics import milliseconds, times_of
from stepcanary.domain.usual import usual_of
from stepcanary.errors import RequestRejected
from stepcanary.release import windows
from stepcanary.release.comparing import measures_of

DAY_SECONDS, HOUR_SECONDS = 86_400, 3_600
FLEET = 3
"""So many tasks of the canary are not told from its version any more."""
LEAST_MINUTES = 3
TIMES_USUAL, HIGHEST_LIMIT = 3.0, 0.4
"""How many times the primary's share of bad answers a log's limit is, and what it is at most:
beyond, nothing proves it."""
LEAST_BAD = 20
"""An estimate from fewer bad answers in a day says nothing."""


@dataclass(frozen=True, slots=True)
class Estimated:
    judging: Judging
    warnings: list[str]


def estimated(release: Release, judging: Judging, before: Judging | None = None) -> Estimated:
    """The judging with every number that the profile left out, and what a person should know.

    Numbers that were estimated `before`, for a judging that left out the same, stay as they are:
    they are fixed once the release is planned, and traffic goes on. Raises `AwsUnavailable` and
    `AwsRefused`, and `RequestRejected` where there is nothing to judge by.
    """
    if before is None or not _is_of(before, judging):
        for metric in judging.metrics:
            _require_short(release, judging, metric)
        timed = [_timed(release, judging, metric) for metric in judging.metrics]
        found = [known for known in timed if known is not None]
        if not found:
            raise RequestRejected(
                "judge: the primary has no response times of the last day, and nothing else is"
                " judged; give slower_than_ms"
            )
        sized = _sized(release.model_copy(update={"judge": judging}), found)
        before = judging.model_copy(update={"metrics": sized})
    return Estimated(before, [*_warnings(judging, before), *_fleet_warnings(release)])


def _fleet_warnings(release: Release) -> list[str]:
    weight = release.steps[0].weight
    tasks = release.sizing.tasks(weight)
    if tasks >= FLEET:
        return []
    count = f"{tasks} task" if tasks == 1 else f"{tasks} tasks"
    return [
        f"judge: at {weight} % the canary has {count}; with fewer than {FLEET} a task that is slow"
        f" by itself looks like a worse version; raise minimum_tasks to {FLEET}"
    ]


def _warnings(judging: Judging, estimates: Judging) -> list[str]:
    judged = {metric.named for metric in estimates.metrics}
    limits = {metric.named: metric.at_most for metric in judging.metrics}
    narrow = [
        f"judge: {metric.named} tolerates {100 * limit:.3g} % bad answers, and the primary has had"
        f" {100 * metric.usual.share:.3g} % in its last day: a version that is as good would be"
        " reverted; raise at_most"
        for metric in estimates.metrics
        if (limit := limits.get(metric.named)) is not None
        and metric.usual is not None
        and metric.usual.share >= limit
    ]
    return narrow + [
        f"judge: {name} is not judged, for the primary has no response times of the last day; give"
        " slower_than_ms"
        for name in (metric.named for metric in judging.metrics)
        if name not in judged
    ]


def _is_of(estimates: Judging, judging: Judging) -> bool:
    """Whether these are estimates of what the judging leaves out, and of nothing else."""
    found = {metric.named: metric for metric in estimates.metrics}
    # One without response times is left out.
    lost = [m for m in judging.metrics if m.named not in found]
    if any(metric.kind != "latency" or metric.slower_than_ms for metric in lost):
        return False
    filled = [
        metric.model_copy(
            update={
                name: getattr(metric, name) or getattr(found[metric.named], name)
                for name in ("clusters", "usual", "slower_than_ms", "at_most")
            }
        )
        for metric in judging.metrics
        if metric.named in found
    ]
    return judging.model_copy(update={"metrics": filled}) == estimates


def _require_short(release: Release, judging: Judging, metric: Metric) -> None:
    """Of a metric that is published each minute a shorter period has all of its minute's counts, or
    none, and would be read before these are there."""
    if metric.period == MINUTE:
        return
    judged = release.model_copy(update={"judge": judging})
    end, minute = _last_minute()
    requests = measures_of(judged, metric, "primary").requests
    period = windows.PERIOD_SECONDS[metric.period]
    moments = metrics.summed(metrics.read(requests, end - HOUR_SECONDS, end, period))
    if len(moments) >= LEAST_MINUTES and not any(at % minute for at in moments):
        raise RequestRejected(
            f"judge: {metric.named} has counts at full minutes alone; publish it at high resolution"
            " or remove period"
        )


def _last_minute() -> tuple[int, int]:
    """The end of the last one that is final, and how long it is."""
    minute = windows.PERIOD_SECONDS[MINUTE]
    end = (clock.epoch_seconds() - windows.FINAL_SECONDS[MINUTE]) // minute * minute
    return end, minute


def _timed(release: Release, judging: Judging, metric: Metric) -> Metric | None:
    """With the time that one in twenty of the primary's answers took longer than, of the middle
    hour; None where there is none."""
    if metric.kind != "latency" or metric.slower_than_ms is not None:
        return metric
    times = times_of(release.traffic, judging.mesh)
    now = clock.epoch_seconds() // HOUR_SECONDS * HOUR_SECONDS
    found = metrics.read([series for _, series in times], now - DAY_SECONDS, now, HOUR_SECONDS)
    slow = [
        milliseconds(traffic, value)
        for (traffic, _), values in zip(times, found, strict=True)
        for value in values.values()
    ]
    if not slow:
        return None
    return metric.model_copy(update={"slower_than_ms": float(f"{statistics.median(slow):.3g}")})


def _sized(release: Release, found: list[Metric]) -> list[Metric]:
    """With a cluster size, and what is usual, for each that has none."""
    measures = [measures_of(release, metric, "primary") for metric in found]
    series = [one for each in measures for one in (*each.requests, *each.bad)]
    # By the minute whatever its periods: of shorter ones CloudWatch keeps three hours, and bad
    # answers with one cause may be further apart.
    end, minute = _last_minute()
    values = iter(metrics.read(series, end - DAY_SECONDS, end, minute))
    sized = []
    for metric, measure in zip(found, measures, strict=True):
        requests = metrics.summed(islice(values, len(measure.requests)))
        bad = metrics.summed(islice(values, len(measure.bad)))
        counted = [
            (at, n, min(n, round(bad.get(at, 0.0))))
            for at in sorted(requests)
            if (n := round(requests[at]))
        ]
        known = {
            "clusters": metric.clusters or _clusters(counted),
            "usual": metric.usual or usual_of(counted),
        }
        sized.append(_with_limit(metric.model_copy(update=known)))
    return sized


def _with_limit(metric: Metric) -> Metric:
    """A log counts no old task: what the primary usually has is known of its router."""
    if metric.kind != "logs" or metric.at_most is not None:
        return metric
    usual = metric.usual.share if metric.usual else 0.0
    limit = min(HIGHEST_LIMIT, max(LOG_LIMIT, TIMES_USUAL * usual))
    return metric.model_copy(update={"at_most": float(f"{limit:.3g}")})


def _clusters(counted: list[tuple[int, int, int]]) -> float:
    bad = [each for _, _, each in counted]
    if sum(bad) < LEAST_BAD:
        return DEFAULT_CLUSTERS
    return round(estimated_clusters([requests for _, requests, _ in counted], bad), 2)
