"""Observability: the log and the metrics of all functions.

Every line about a release has the name of its execution as `release`. Every decision is one line,
which says in `decision` what was decided. Metrics are lines of the log too, which CloudWatch reads:
see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

Decision = Literal[
    "queued",
    "rejected",
    "started",
    "deployed",
    "shifted",
    "judged",
    "waits",
    "resumed",
    "signalled",
    "doubted",
    "promoting",
    "promotion failed",
    "reverting",
    "returned",
    "ended",
    "reported",
    "retired",
    "shifted by hand",
]
"""What a line of the log says was decided about a release."""
Scope = Literal["service", "stack", "both"]
"""Whose series a metric has: each released service's, the stack's sum, or both."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of metric: what it is counted in, and whose series it has."""

    unit: MetricUnit
    scope: Scope
    by_side: bool = False


METRICS: dict[str, Kind] = {
    "CanaryWeight": Kind(MetricUnit.Percent, "service"),
    "CanaryRequests": Kind(MetricUnit.Count, "service"),
    "CanaryFailures": Kind(MetricUnit.Count, "service"),
    "ErrorShare": Kind(MetricUnit.Percent, "service", by_side=True),
    "SlowShare": Kind(MetricUnit.Percent, "service", by_side=True),
    "Advances": Kind(MetricUnit.Count, "service"),
    "Holds": Kind(MetricUnit.Count, "service"),
    "Doubts": Kind(MetricUnit.Count, "service"),
    "Queued": Kind(MetricUnit.Count, "service"),
    "Waits": Kind(MetricUnit.Count, "service"),
    "Released": Kind(MetricUnit.Count, "both"),
    "Reverted": Kind(MetricUnit.Count, "both"),
    "PromotionFailed": Kind(MetricUnit.Count, "both"),
    "RevertFailed": Kind(MetricUnit.Count, "both"),
    "ReleaseSeconds": Kind(MetricUnit.Seconds, "both"),
    "ReturnSeconds": Kind(MetricUnit.Seconds, "both"),
    # A service of a request that was rejected is any name, and a metric of any name costs money.
    "Rejected": Kind(MetricUnit.Count, "stack"),
    "StrandedSplits": Kind(MetricUnit.Count, "stack"),
    "LeftBehind": Kind(MetricUnit.Count, "stack"),
    "Unseen": Kind(MetricUnit.Count, "stack"),
}
"""Every metric that the functions publish; docs/metrics.md says what each is."""


def execution_name(execution: str) -> str:
    """Of its ARN, or of the name itself."""
    return execution.rpartition(":")[2]


class _Formatter(LambdaPowertoolsFormatter):
    def serialize(self, log: dict[str, Any]) -> str:  # type: ignore[override]
        """With the release of the execution whose act it is."""
        correlated = str(log.get("correlation_id") or "")
        if ":execution:" in correlated:
            log.setdefault("release", execution_name(correlated))
        return super().serialize(log)


logger = Logger(logger_formatter=_Formatter())


def about(execution: str) -> AbstractContextManager[None]:
    """While it is open, lines are about the release of this execution."""
    return logger.append_context_keys(release=execution_name(execution))


def decided(decision: Decision, execution: str, service: str, **facts: Any) -> None:
    """The one line on a decision; facts that are None, and a service that is not known, are left
    out."""
    known = {"of_service": service or None, **facts}
    extra = {name: fact for name, fact in known.items() if fact is not None}
    release = execution_name(execution)
    logger.info(decision, extra={"decision": decision, "release": release, **extra})


def count(name: str, value: float = 1, *, service: str = "", side: str = "") -> None:
    """Publish one value of a metric of now."""
    publish_together({name: value}, service=service, side=side)


def publish_together(
    values: Mapping[str, float], *, service: str = "", side: str = "", at: int | None = None
) -> None:
    """Publish values of metrics of one kind, of the moment `at` in epoch seconds, or of now. What
    cannot be published is told in the log, and fails nothing: a revert goes on without it."""
    try:
        write(_embedded(values, service, side, at))
    except Exception:
        logger.exception("metrics not published", extra={"metrics": sorted(values)})


def _embedded(
    values: Mapping[str, float], service: str, side: str, at: int | None
) -> dict[str, Any]:
    (scope,) = {METRICS[name].scope for name in values}
    of_stack = {"stack": logger.service}
    of_service = {**of_stack, "service": service, **({"side": side} if side else {})}
    # Without a service it adds no dimension of its own.
    given = EphemeralMetrics(service="")
    for name, value in values.items():
        given.add_metric(name, METRICS[name].unit, value)
    for dimension, named in (of_service if scope == "service" else of_stack).items():
        given.add_dimension(dimension, named)
    if scope == "both":
        given.add_dimensions(**of_service)
    metrics: dict[str, Any] = dict(given.serialize_metric_set())
    if at is not None:
        metrics["_aws"]["Timestamp"] = at * 1_000
    return metrics


def write(metrics: Mapping[str, Any]) -> None:
    """Into the log."""
    print(json.dumps(metrics, separators=(",", ":")))  # noqa: T201
