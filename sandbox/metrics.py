"""Metrics: what Envoy and the functions count goes to CloudWatch, whose alarms are evaluated."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol
from unittest.mock import patch

from aws_lambda_powertools.metrics import MetricUnit
from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.cloudwatch.models import cloudwatch_backends

from emulator.account import ACCOUNT, REGION
from emulator.moto_gaps.alarm_evaluation import evaluate_alarms
from emulator.moto_gaps.applicationautoscaling import metric_of, targets_of
from sandbox.fronts.front import CLUSTER, Counted
from sandbox.timers import Ticks

Put = Callable[[str, str, dict[str, str], float], None]
"""Takes a datum: namespace, name, dimensions and value."""


class Source(Protocol):
    def cluster_stats(self) -> dict[str, dict[str, int]]: ...


@contextmanager
def of_functions(account: str = ACCOUNT, region: str = REGION) -> Iterator[None]:
    """While it is open, metrics that functions publish go straight to CloudWatch.

    They print them from one buffer, which functions that run at once would spoil for each other:
    on AWS each has a process of its own.
    """
    from stepcanary.observability import metrics

    cloudwatch = cloudwatch_backends[account][region]

    def add_metric(name: str, unit: MetricUnit, value: float, **_: Any) -> None:
        dimensions = [{"Name": "service", "Value": "stepcanary"}]
        datum = {"MetricName": name, "Dimensions": dimensions, "Value": value, "Unit": unit.value}
        cloudwatch.put_metric_data("StepCanary", [datum])

    with (
        patch.object(metrics.provider, "add_metric", add_metric),
        patch.object(metrics.provider, "flush_metrics", lambda **_: None),
    ):
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
        # On a grid, so that a period as short as a tick gets exactly one datum.
        self._ticks = Ticks("the metrics", self._evaluate, tick, on_grid=True)

    def count(self, gateway: Source, counted: Counted) -> None:
        """Publish from now on what this gateway counts, in the series that `counted` says."""
        with self._lock:
            self._seen[gateway] = gateway.cluster_stats()
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

        def put(namespace: str, name: str, dimensions: dict[str, str], value: float) -> None:
            data.setdefault(namespace, []).append(
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
                    "Timestamp": datetime.fromtimestamp(start, UTC).replace(tzinfo=None),
                    "Value": value,
                    "Unit": "Count",
                }
            )

        with self._lock:
            for gateway, counted in self._sources.items():
                self._publish(gateway, counted, put)
        for namespace, batch in data.items():
            self._cloudwatch.put_metric_data(namespace, batch)

    def _publish(self, gateway: Source, counted: Counted, put: Put) -> None:
        stats, seen = gateway.cluster_stats(), self._seen[gateway]
        grown: dict[str, int] = {}
        for cluster, counts in stats.items():
            before = seen.get(cluster, {"requests": 0, "errors_5xx": 0})
            requests = counts["requests"] - before["requests"]
            if requests <= 0:
                continue
            grown[cluster] = requests
            errors = counts["errors_5xx"] - before["errors_5xx"]
            series = counted.series(cluster)
            put(series.namespace, series.requests, series.dimensions, requests)
            # As on AWS, no error is no sample.
            if errors:
                put(series.namespace, series.errors, series.dimensions, errors)
        self._seen[gateway] = stats
        # Nobody but a scaling policy asks for these.
        if targets_of(self._scaling):
            for cluster, (tasks, tracked) in self._tracked(counted).items():
                put(*tracked, grown.get(cluster, 0) / tasks)

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
