"""Counted: what the primary has answered, minute by minute, as its metrics are judged."""

from collections.abc import Iterator
from itertools import islice

from stepcanary.aws import metrics
from stepcanary.aws.metrics import Values
from stepcanary.domain.judging import Metric
from stepcanary.domain.measures import Measure
from stepcanary.domain.release import Release
from stepcanary.domain.replay import Minutes
from stepcanary.domain.router_metrics import in_zone, zones_of
from stepcanary.release.comparing import PERIOD_SECONDS, measures_of

Named = tuple[str, Measure]


def minutes(release: Release, start: int, end: int) -> dict[str, Minutes]:
    """By metric, from one second on, before another. Raises `AwsUnavailable` and `AwsRefused`."""
    return _read(list(_measures(release)), start, end)


def by_zone(release: Release, start: int, end: int) -> dict[str, dict[str, Minutes]]:
    """The same by zone, of those that had requests, and of metrics that are kept by zone. Raises
    `AwsUnavailable` and `AwsRefused`."""
    region = release.execution.split(":")[3]
    zoned = [
        (f"{zone} {metric}", measure)
        for zone in zones_of(region)
        for metric, whole in _measures(release)
        if (measure := in_zone(whole, zone)) is not None
    ]
    found: dict[str, dict[str, Minutes]] = {}
    for name, counted in _read(zoned, start, end).items():
        zone, _, metric = name.partition(" ")
        if counted:
            found.setdefault(zone, {})[metric] = counted
    return found


def _measures(release: Release) -> Iterator[Named]:
    assert release.judge is not None
    judged: list[Metric] = release.judge.counted
    for metric in judged:
        yield metric.named, measures_of(release, metric, "primary")


def _read(measures: list[Named], start: int, end: int) -> dict[str, Minutes]:
    series = [one for _, each in measures for one in (*each.requests, *each.bad)]
    values = iter(metrics.read(series, start, end, PERIOD_SECONDS))
    found = {}
    for name, measure in measures:
        requests: Values = metrics.summed(islice(values, len(measure.requests)))
        bad: Values = metrics.summed(islice(values, len(measure.bad)))
        found[name] = {
            at: (round(count), min(round(count), round(bad.get(at, 0.0))))
            for at, count in sorted(requests.items())
            if round(count)
        }
    return found
