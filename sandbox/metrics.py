"""CloudWatch for the sandbox: Envoy's counts become metrics, and alarms are really evaluated."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol
from unittest.mock import patch

from aws_lambda_powertools.metrics import MetricUnit
from moto.cloudwatch.models import Alarm, MetricAggregatedDatum, MetricDatum, cloudwatch_backends

from sandbox.ecs import ACCOUNT, REGION
from sandbox.fronts import Front

# CloudWatch looks further back than the evaluation periods; its examples show two more.
EXTRA_PERIODS = 2

log = logging.getLogger(__name__)

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}
STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Sum": sum,
    "Average": lambda values: sum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
    "SampleCount": len,
}


class Source(Protocol):
    def cluster_stats(self) -> dict[str, dict[str, int]]: ...


def evaluate(
    points: Sequence[float | None],
    *,
    comparison: str,
    threshold: float,
    evaluation_periods: int,
    datapoints_to_alarm: int | None = None,
    treat_missing_data: str = "missing",
    current: str = "INSUFFICIENT_DATA",
) -> str:
    """The state of an alarm after these periods, oldest first; None is a period without data."""
    needed = datapoints_to_alarm or evaluation_periods
    breaches = COMPARISONS[comparison]
    window = list(points)[-(evaluation_periods + EXTRA_PERIODS) :]
    existing = [point for point in window if point is not None][-evaluation_periods:]
    breaching = sum(breaches(point, threshold) for point in existing)
    filled = evaluation_periods - len(existing)
    if breaching >= needed:
        return "ALARM"
    if filled == 0 or treat_missing_data == "notBreaching":
        return "OK"
    if treat_missing_data == "breaching":
        return "ALARM" if breaching + filled >= needed else "OK"
    if breaching < len(existing):
        return "OK"
    if treat_missing_data == "ignore":
        return current
    if not existing:
        return "INSUFFICIENT_DATA"
    # Only breaching points, too few of them: alarm once the oldest is as old as M periods.
    oldest = next(index for index, point in enumerate(window) if point is not None)
    return "ALARM" if len(window) - oldest >= needed else current


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
                self.evaluate_alarms(end)
            except Exception:
                log.exception("the metrics failed in one tick")

    def publish(self, start: float) -> None:
        """Put what was counted since the last call under the start of its interval."""
        stats = self._gateway.cluster_stats()
        data: dict[str, list[dict[str, Any]]] = {}
        for cluster, counts in stats.items():
            before = self._seen.get(cluster, {"requests": 0, "errors_5xx": 0})
            requests = counts["requests"] - before["requests"]
            if requests <= 0:
                continue
            errors = counts["errors_5xx"] - before["errors_5xx"]
            series = self._front.series(cluster)
            dimensions = [{"Name": k, "Value": v} for k, v in series.dimensions.items()]
            for name, value in ((series.requests, requests), (series.errors, errors)):
                data.setdefault(series.namespace, []).append(
                    {
                        "MetricName": name,
                        "Dimensions": dimensions,
                        "Timestamp": datetime.fromtimestamp(start, UTC).replace(tzinfo=None),
                        "Value": value,
                        "Unit": "Count",
                    }
                )
        self._seen = stats
        for namespace, batch in data.items():
            self._cloudwatch.put_metric_data(namespace, batch)

    def evaluate_alarms(self, now: float) -> None:
        for alarm in list(self._cloudwatch.alarms.values()):
            if alarm.rule is not None or alarm.metric_data_queries or not alarm.metric_name:
                continue
            before = alarm.state_value
            points = self._points(alarm, now)
            state = evaluate(
                points,
                comparison=alarm.comparison_operator,
                threshold=float(alarm.threshold),
                evaluation_periods=int(alarm.evaluation_periods),
                datapoints_to_alarm=alarm.datapoints_to_alarm,
                treat_missing_data=alarm.treat_missing_data or "missing",
                current=before,
            )
            if state == before:
                continue
            recent = [point for point in points if point is not None][-3:]
            reason = (
                f"Threshold crossed: the most recent datapoints {recent} were evaluated against"
                f" the threshold ({alarm.threshold}, {alarm.comparison_operator})."
                if recent
                else "No datapoints were received."
            )
            self._cloudwatch.set_alarm_state(alarm.name, reason, "{}", state)

    def _points(self, alarm: Alarm, now: float) -> list[float | None]:
        length = self._seconds_per_period or float(alarm.period)
        count = int(alarm.evaluation_periods) + EXTRA_PERIODS
        # The period that is still running is left out: its sum only grows.
        end = now // length * length
        start = end - count * length
        buckets: list[list[float]] = [[] for _ in range(count)]
        wanted = {(d.name, d.value) for d in alarm.dimensions}
        for datum in reversed(self._cloudwatch.metric_data):
            stamp = datum.timestamp
            moment = (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()
            if moment < start - 60:
                break
            if (datum.namespace, datum.name) != (alarm.namespace, alarm.metric_name):
                continue
            if {(d.name, d.value) for d in datum.dimensions} != wanted:
                continue
            # A float timestamp loses a little; the datum at a boundary belongs to what follows.
            index = int((moment - start + 1e-3) // length)
            if 0 <= index < count:
                if isinstance(datum, MetricDatum):
                    buckets[index].append(datum.value)
                elif isinstance(datum, MetricAggregatedDatum):
                    buckets[index].append(datum.sum)
        statistic = STATISTICS.get(alarm.statistic, sum)
        return [float(statistic(values)) if values else None for values in buckets]
