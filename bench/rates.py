"""Rates: how many calls AWS takes from an account in a Region, and what was called in a bench.

Where Regions differ it is the smaller rate. `assumed` says that no figure of AWS's was found.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ELB = "https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html"
AUTOSCALING = "https://docs.aws.amazon.com/general/latest/gr/as-app.html"
ECS = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html"
CLOUDWATCH = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html"
STATES = "https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"
SSM = "https://docs.aws.amazon.com/general/latest/gr/ssm.html"
EVENTS = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"
REGISTERED = "https://github.com/aws-actions/amazon-ecs-deploy-task-definition/issues/502"
FROM_MEMORY = "the page has the figure, but was not read again"


@dataclass(frozen=True)
class Rate:
    """A bucket of tokens that these calls share; `calls` may end in a star."""

    name: str
    calls: tuple[str, ...]
    size: float
    refill: float
    source: str
    assumed: str = ""

    def covers(self, call: str) -> bool:
        return any(
            call.startswith(each[:-1]) if each.endswith("*") else call == each
            for each in self.calls
        )


RATES = [
    Rate("elbv2 Describe*", ("elbv2.Describe*",), 40, 10, ELB),
    Rate(
        "elbv2 Modify*",
        ("elbv2.Modify*",),
        20,
        4,
        ELB,
        "the page has a bucket for Modify* of its own, whose figure was not found; this is that of"
        " RegisterTargets",
    ),
    Rate(
        "autoscaling reads",
        ("application-autoscaling.Describe*",),
        10,
        5,
        AUTOSCALING,
        "the page says that calls are throttled and gives no figure",
    ),
    Rate(
        "autoscaling writes",
        ("application-autoscaling.RegisterScalableTarget",),
        10,
        5,
        AUTOSCALING,
        "the same",
    ),
    Rate(
        "ecs service reads",
        ("ecs.DescribeServices", "ecs.DescribeServiceRevisions"),
        50,
        20,
        ECS,
        "the page's example is of cluster reads; taken for service reads too",
    ),
    Rate(
        "ecs task reads",
        ("ecs.ListTasks", "ecs.DescribeTasks"),
        50,
        20,
        ECS,
        "the page's example is of cluster reads; taken for task reads too",
    ),
    Rate(
        "ecs service writes",
        ("ecs.UpdateService",),
        50,
        5,
        ECS,
        "no figure was found; a quarter of the reads' refill",
    ),
    Rate(
        "ecs task definition reads",
        ("ecs.DescribeTaskDefinition",),
        50,
        20,
        ECS,
        "the page's example is of cluster reads; taken for these too",
    ),
    Rate(
        "ecs task definition writes",
        ("ecs.RegisterTaskDefinition", "ecs.DeregisterTaskDefinition"),
        20,
        1,
        f"{ECS}, as quoted in {REGISTERED}",
    ),
    Rate("cloudwatch DescribeAlarms", ("cloudwatch.DescribeAlarms",), 9, 9, CLOUDWATCH),
    Rate("cloudwatch DescribeAlarmHistory", ("cloudwatch.DescribeAlarmHistory",), 3, 3, CLOUDWATCH),
    Rate("states DescribeExecution", ("stepfunctions.DescribeExecution",), 250, 10, STATES),
    Rate("states ListExecutions", ("stepfunctions.ListExecutions",), 100, 2, STATES),
    Rate("states SendTaskSuccess", ("stepfunctions.SendTaskSuccess",), 1_500, 300, STATES),
    Rate("ssm GetParameter", ("ssm.GetParameter",), 40, 40, SSM, FROM_MEMORY),
    Rate("events PutEvents", ("events.PutEvents",), 400, 400, EVENTS, FROM_MEMORY),
]
TRANSITIONS = Rate("states transitions", ("transition",), 800, 500, STATES)
"""Of states. What is over is put off by Step Functions and is no error, so it is only counted."""


@dataclass
class Bucket:
    rate: Rate
    tokens: float
    at: datetime

    @classmethod
    def full(cls, rate: Rate, now: datetime) -> "Bucket":
        return cls(rate, rate.size, now)

    def take(self, now: datetime) -> bool:
        """One token, if there is one. A call that is refused costs none."""
        gained = (now - self.at).total_seconds() * self.rate.refill
        self.tokens, self.at = min(self.rate.size, self.tokens + gained), now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Tally:
    """What was called when, in seconds since the start, by whom, and what was refused."""

    moments: dict[str, list[float]] = field(default_factory=dict)
    functions: dict[str, list[str]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    by_function: dict[str, Counter[str]] = field(default_factory=dict)
    refused_by_function: dict[str, Counter[str]] = field(default_factory=dict)

    def note(self, call: str, function: str, second: float, *, refused: bool) -> None:
        self.moments.setdefault(call, []).append(second)
        self.functions.setdefault(call, []).append(function)
        self.by_function.setdefault(call, Counter())[function] += 1
        if refused:
            self.refused[call] += 1
            self.refused_by_function.setdefault(call, Counter())[function] += 1

    def calls_of(self, rate: Rate) -> list[str]:
        return sorted(call for call in self.moments if rate.covers(call))

    def report(self, rate: Rate) -> dict[str, Any]:
        calls = self.calls_of(rate)
        moments = sorted(second for call in calls for second in self.moments[call])
        in_minute, minute_at = busiest(moments, 60)
        in_second, _ = busiest(moments, 1)
        by_function = _summed(self.by_function.get(call, Counter()) for call in calls)
        refused = _summed(self.refused_by_function.get(call, Counter()) for call in calls)
        return {
            "bucket": rate.size,
            "refill_per_second": rate.refill,
            "source": rate.source,
            "assumed": rate.assumed,
            "calls": len(moments),
            "throttled": sum(self.refused[call] for call in calls),
            "calls_by_api": {call: len(self.moments[call]) for call in calls},
            "calls_by_function": dict(by_function.most_common()),
            "throttled_by_function": dict(refused.most_common()),
            "peak_in_one_second": in_second,
            "peak_in_one_minute": in_minute,
            "peak_minute_began_at": round(minute_at),
            "share_of_rate": round(in_minute / (60 * rate.refill), 3),
        }


def _summed(counters: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total += counter
    return total


def busiest(moments: list[float], seconds: float) -> tuple[int, float]:
    """Of sorted moments: the most in any window of so many seconds, and when that began."""
    found = [
        (bisect_right(moments, moment + seconds - 1e-6) - at, moment)
        for at, moment in enumerate(moments)
    ]
    return max(found, key=lambda each: each[0], default=(0, 0.0))
