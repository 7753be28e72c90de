"""Metrics: what a router counts of the requests that come, as CloudWatch publishes it.

Traffic is steady and divided by the weights as they were. A count of nothing is not published, and
a period is only some time after its end.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from tests.fakes.clock import VirtualClock
from tests.fakes.service import Document, Refusal

MOST_QUERIES = 500
ZONED = {"AWS/ApplicationELB", "AWS/VpcLattice"}


Share = Callable[[str, datetime], float]


class Measured:
    """A part of a fake that has a clock and a split, `primary` and `canary` are what CloudWatch
    calls the sides in a dimension.

    `bad` and `slow` give a side's share of bad and of slow answers at a moment, `traffic_at` how
    many times as many requests come as usual; `lost` are metrics that nobody publishes. `zones` are
    the parts of the traffic by zone, which CloudWatch tells only of load balancers, and `zone_bad`
    is a zone's share of bad answers beside its side's.
    So long after its end a period has half of what it will have, if it is `revised_after` that;
    `unordered` answers come newest first and have each period twice. What is published at a
    `resolution` of 60 s has all of a minute in the shorter period that it begins with. `missing`
    are counts that are not there, yet, ever, or any more, by side and moment: CloudWatch answers
    for them as for a side without requests. A metric may be `lost` after it was published.
    """

    clock: VirtualClock
    traffic: ClassVar[Document]
    requests_per_second = 100.0
    published_after = 30.0

    def begin_measuring(self) -> None:
        self.bad: Share = lambda _side, _at: 0.001
        self.slow: Share = lambda _side, _at: 0.05
        self.traffic_at: Callable[[datetime], float] = lambda _at: 1.0
        self.lost: set[str] = set()
        self.revised_after = 0.0
        self.unordered = False
        self.resolution = 60
        self.missing: Callable[[str, datetime], bool] = lambda _side, _at: False
        self.zones: dict[str, float] = {"us-east-1a": 0.5, "us-east-1b": 0.3, "us-east-1c": 0.2}
        self.zone_bad: Share = lambda _zone, _at: 0.0
        self._splits: list[tuple[datetime, tuple[int, int]]] = []

    def remember_split(self, split: tuple[int, int]) -> None:
        self._splits.append((self.clock.now(), split))

    def _share(self, side: str, at: datetime) -> float:
        """Of the traffic at a moment."""
        primary, canary = 100, 0
        for since, split in self._splits:
            if since <= at:
                primary, canary = split
        return (canary if side == "canary" else primary) / max(1, primary + canary)

    def _side(self, dimensions: Document) -> str | None:
        own = {v: k for k, v in self.traffic.items() if isinstance(v, str)}
        for value in dimensions.values():
            for name, key in own.items():
                if key.startswith(("canary", "primary")) and name.endswith(value):
                    return key.partition("_")[0]
        return None

    def _cloudwatch_GetMetricData(self, params: Document) -> Document:  # noqa: N802
        queries = params["MetricDataQueries"]
        if len(queries) > MOST_QUERIES:
            raise Refusal("ValidationError", f"at most {MOST_QUERIES} queries")
        start, end = (_moment(params[name]) for name in ("StartTime", "EndTime"))
        return {
            "MetricDataResults": [
                {"Id": query["Id"], "Label": query["Id"], "StatusCode": "Complete", **points}
                for query in queries
                for points in [self._points(query["MetricStat"], start, end)]
            ]
        }

    def _points(self, stat: Document, start: datetime, end: datetime) -> Document:
        metric = stat["Metric"]
        name = metric["MetricName"].removeprefix("envoy_appmesh_")
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        zone = dimensions.get("AvailabilityZone")
        # Only the load balancers tell, and of a zone that they are in.
        has_zone = stat["Metric"]["Namespace"] in ZONED and zone in self.zones
        side = None if zone and not has_zone else self._side(dimensions)
        asked = timedelta(seconds=stat["Period"])
        period = max(asked, timedelta(seconds=self.resolution))
        moments, values = [], []
        at = start
        while at < end and side is not None and name not in self.lost:
            if at.timestamp() % period.total_seconds() or self.missing(side, at):
                at += asked
                continue
            published = at + period + timedelta(seconds=self.published_after)
            if published <= self.clock.now():
                value = self._value(name, stat["Stat"], side, at, period, zone)
                if self.clock.now() < at + period + timedelta(seconds=self.revised_after):
                    value = value // 2
                if value:
                    moments.append(at)
                    values.append(value)
            at += asked
        if self.unordered:
            moments, values = moments[::-1] * 2, values[::-1] * 2
        return {"Timestamps": moments, "Values": values}

    def _value(
        self,
        metric: str,
        statistic: str,
        side: str,
        at: datetime,
        period: timedelta,
        zone: str | None,
    ) -> float:
        middle = at + period / 2
        coming = self.requests_per_second * self.traffic_at(middle)
        coming *= self.zones[zone] if zone else 1.0
        requests = round(coming * period.total_seconds() * self._share(side, middle))
        if statistic.startswith("p"):
            return 0.4
        if statistic.startswith("TC("):
            return round(requests * self.slow(side, middle))
        if "5XX" in metric:
            of_zone = self.zone_bad(zone, middle) if zone else 0.0
            return round(requests * (self.bad(side, middle) + of_zone))
        return 0.0 if "ConnectionError" in metric else requests


def _moment(given: Any) -> datetime:
    if isinstance(given, datetime):
        return given.astimezone(UTC)
    return datetime.fromisoformat(json.loads(json.dumps(given)).replace("Z", "+00:00"))
