"""Metrics: what Envoy and the functions count goes to CloudWatch, whose alarms are evaluated."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from unittest.mock import patch

from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.cloudwatch.models import cloudwatch_backends

from emulator.account import ACCOUNT, REGION
from emulator.embedded_metrics import data_of
from emulator.moto_gaps.alarm_evaluation import evaluate_alarms
from emulator.moto_gaps.applicationautoscaling import metric_of, targets_of
from sandbox.fronts.front import CLUSTER, Counted, Series
from sandbox.timers import Ticks

Put = Callable[[str, str, dict[str, str], dict[float, int]], None]
"""Takes a datum: namespace, name, dimensions, and how often each value came."""


@dataclass(frozen=True, slots=True)
class Reading:
    """When gateways were read for the interval that begins at a second: what they counted before
    `began` is in it, or in one before, and what they counted after `ended` is not. All was put by
    the last of these; in epoch seconds."""

    second: int
    began: float
    ended: float
    put: float


KEPT_READINGS = 3_600


class Source(Protocol):
    def cluster_stats(self) -> dict[str, dict[str, int]]: ...

    def response_times(self) -> dict[str, list[float]]: ...


@contextmanager
def of_functions(account: str = ACCOUNT, region: str = REGION) -> Iterator[None]:
    """While it is open, metrics that functions publish go straight to CloudWatch.

    On AWS they are lines of the log, which CloudWatch reads.
    """
    from stepcanary import observability

    cloudwatch = cloudwatch_backends[account][region]

    def write(line: Mapping[str, Any]) -> None:
        for namespace, datum in data_of(line):
            cloudwatch.put_metric_data(namespace, [datum])

    with patch.object(observability, "write", write):
        yield


class Metrics:
    """Publishes what gateways count and evaluates every metric alarm, tick by tick."""

    def __init__(
        self,
        *,
        account: str = ACCOUNT,
        region: str = REGION,
        tick: float = 1.0,
        seconds_per_period: float | None = None,
    ) -> None:
        self._cloudwatch = cloudwatch_backends[account][region]
        self._scaling = applicationautoscaling_backends[account][region]
        self._tick = tick
        self._seconds_per_period = seconds_per_period
        self._sources: dict[Source, Counted] = {}
        self._seen: dict[Source, dict[str, dict[str, int]]] = {}
        self._lock = threading.Lock()
        self.readings: deque[Reading] = deque(maxlen=KEPT_READINGS)
        # On a grid, so that a period as short as a tick gets exactly one datum.
        self._ticks = Ticks("the metrics", self._evaluate, tick, on_grid=True)

    def count(self, gateway: Source, counted: Counted) -> None:
        """Publish from now on what this gateway counts, in the series that `counted` says."""
        with self._lock:
            self._seen[gateway] = gateway.cluster_stats()
            gateway.response_times()
            self._sources[gateway] = counted

    def forget(self, gateway: Source) -> None:
        with self._lock:
            del self._sources[gateway], self._seen[gateway]

    def start(self) -> None:
        self._ticks.start()

    def close(self) -> None:
        self._ticks.close()

    def _evaluate(self) -> None:
        end = round(time.time() / self._tick) * self._tick
        self.publish(end - self._tick)
        evaluate_alarms(self._cloudwatch, end, self._seconds_per_period)

    def publish(self, start: float) -> None:
        """Put what was counted since the last call under the start of its interval."""
        data: dict[str, list[dict[str, Any]]] = {}

        def put(
            namespace: str, name: str, dimensions: dict[str, str], values: dict[float, int]
        ) -> None:
            data.setdefault(namespace, []).append(
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                    "Timestamp": datetime.fromtimestamp(start, UTC).replace(tzinfo=None),
                    "Values": list(values),
                    "Counts": list(values.values()),
                    # What is a minute on AWS may be a second here.
                    "StorageResolution": 1,
                }
            )

        with self._lock:
            began = time.time()
            for gateway, counted in self._sources.items():
                self._publish(gateway, counted, put)
            ended = time.time()
        for namespace, batch in data.items():
            self._cloudwatch.put_metric_data(namespace, batch)
        self.readings.append(Reading(round(start), began, ended, time.time()))

    def _publish(self, gateway: Source, counted: Counted, put: Put) -> None:
        stats, seen = gateway.cluster_stats(), self._seen[gateway]
        times = gateway.response_times()
        grown: dict[str, int] = {}
        for cluster, counts in stats.items():
            new = Counter(counts)
            new.subtract(seen.get(cluster, {}))
            if not any(n > 0 for n in new.values()) and not times.get(cluster):
                continue
            grown[cluster] = new["requests"]
            series = counted.series(cluster)
            names = {
                series.requests: new["requests"],
                series.errors: new["errors_5xx"],
                series.refused: new["refused_connections"],
            }
            for name, number in names.items():
                # As on AWS, no error is no sample.
                if name and number > 0:
                    put(series.namespace, name, series.dimensions, {1.0: number})
            if took := times.get(cluster):
                put(series.namespace, series.times, series.dimensions, _distributed(took, series))
        self._seen[gateway] = stats
        # Nobody but a scaling policy asks for these.
        if targets_of(self._scaling):
            for cluster, (tasks, tracked) in self._tracked(counted).items():
                put(*tracked, {grown.get(cluster, 0) / tasks: 1})

    def _tracked(self, counted: Counted) -> dict[str, tuple[int, tuple[str, str, dict[str, str]]]]:
        """Of each cluster that has tasks how many, and where its requests per task are kept."""
        found = {}
        for name, cluster in counted.plan().clusters.items():
            tracked = counted.tracked(name)
            metric = metric_of(f"service/{CLUSTER}/{name}", tracked) if tracked else None
            if cluster.endpoints and metric is not None:
                place = (metric.namespace, metric.name, metric.dimensions)
                found[name] = (len(cluster.endpoints), place)
        return found


def _distributed(seconds: list[float], series: Series) -> dict[float, int]:
    """How often each response time came, to a tenth of a millisecond."""
    factor, digits = (1_000, 1) if series.in_ms else (1, 4)
    return Counter(round(factor * each, digits) for each in seconds)
