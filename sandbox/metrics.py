"""Metrics: what Envoy and the functions count goes to CloudWatch, whose alarms are evaluated."""

import logging
import threading
import time
from collections.abc import Iterator
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
from sandbox.fronts.front import CLUSTER, Front

log = logging.getLogger(__name__)


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
    """Publishes the gateway's counts and evaluates every metric alarm, tick by tick."""

    def __init__(
        self,
        gateway: Source,
        front: Front,
        *,
        account: str = ACCOUNT,
        region: str = REGION,
        tick: float = 1.0,
        seconds_per_period: float | None = None,
    ) -> None:
        self._gateway, self._front = gateway, front
        self._cloudwatch = cloudwatch_backends[account][region]
        self._scaling = applicationautoscaling_backends[account][region]
        self._tick = tick
        self._seconds_per_period = seconds_per_period
        self._seen: dict[str, dict[str, int]] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)

    def start(self) -> None:
        self._seen = self._gateway.cluster_stats()
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        # Ticks lie on a grid, so that a period as short as a tick gets exactly one datum.
        while not self._closing.wait(self._tick - time.time() % self._tick):
            try:
                end = round(time.time() / self._tick) * self._tick
                self.publish(end - self._tick)
                evaluate_alarms(self._cloudwatch, end, self._seconds_per_period)
            except Exception:
                log.exception("the metrics failed in one tick")

    def publish(self, start: float) -> None:
        """Put what was counted since the last call under the start of its interval."""
        stats = self._gateway.cluster_stats()
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

        grown: dict[str, int] = {}
        for cluster, counts in stats.items():
            before = self._seen.get(cluster, {"requests": 0, "errors_5xx": 0})
            requests = counts["requests"] - before["requests"]
            if requests <= 0:
                continue
            grown[cluster] = requests
            errors = counts["errors_5xx"] - before["errors_5xx"]
            series = self._front.series(cluster)
            put(series.namespace, series.requests, series.dimensions, requests)
            put(series.namespace, series.errors, series.dimensions, errors)
        self._seen = stats
        # Nobody but a scaling policy asks for these.
        if targets_of(self._scaling):
            for cluster, (tasks, tracked) in self._tracked().items():
                put(*tracked, grown.get(cluster, 0) / tasks)
        for namespace, batch in data.items():
            self._cloudwatch.put_metric_data(namespace, batch)

    def _tracked(self) -> dict[str, tuple[int, tuple[str, str, dict[str, str]]]]:
        """Of each cluster that has tasks how many, and where its requests per task are kept."""
        found = {}
        for name, cluster in self._front.plan().clusters.items():
            metric = metric_of(f"service/{CLUSTER}/{name}", self._front.tracked(name))
            if cluster.endpoints and metric is not None:
                place = (metric.namespace, metric.name, metric.dimensions)
                found[name] = (len(cluster.endpoints), place)
        return found
