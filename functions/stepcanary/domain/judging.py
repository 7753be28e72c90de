"""Judging: what a profile says of the judge, and the rules and measures that come of it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stepcanary.domain.evidence import Tolerance
from stepcanary.domain.log_source import LogSource
from stepcanary.domain.measures import BY_THE_MINUTE, Measure, MeshSeries, Series
from stepcanary.domain.metric_rule import FALSE_REVERTS, UNPROVABLE, WORSE, Rule
from stepcanary.domain.model import Model
from stepcanary.domain.periods import MINUTE, Length
from stepcanary.domain.usual import Usual

Share = Annotated[float, Field(ge=0, le=1)]
NoData = Literal["hold", "revert", "advance"]
Undecided = Literal["hold", "gate", "advance", "revert"]
DEFAULT_CLUSTERS = 2.0
"""Without a history to estimate from."""
LEAST_GOOD, LEAST_GOOD_LATENCY = Tolerance(1.5, 0.005), Tolerance(2.5, 0.02)
"""What is good at the narrowest. One in twenty answers is slow, and slow ones come together: what
is good in errors is not shown of them in a bake, and good releases would be held."""
LOG_LIMIT = 0.01
"""What share of bad answers a log may have at least, for nothing is known of the primary beside
it."""
LEAST_LIMIT = 0.00001
"""The lowest share of bad answers that a metric may be held against: under less, too many requests
would be needed to show a canary good."""


class Metric(Model):
    """How one metric judges: its canary's share of bad answers may be `ratio` times the primary's,
    and `allow` more, or `at_most` whatever the primary's is."""

    kind: Literal["errors", "latency", "custom", "logs"]
    """What is counted: the router's errors, its slow answers, series of your own, or the lines of
    a log: the canary's, and those of the primary's new tasks once the weights return."""
    name: str = Field(default="", max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")
    """What it is called; left out, it is its kind."""
    ratio: float = Field(default=WORSE.ratio, ge=0, le=100)
    """How many times the primary's share of bad answers the canary may have."""
    allow: Share = WORSE.allowance
    """What share of bad answers it may have on top of that."""
    at_most: Share | None = None
    """What share of bad answers it may have whatever the primary has, in place of the two. For logs
    nothing else is asked; left out, it is 1 %, or three times what the primary's last day had."""
    clusters: float | None = Field(default=None, ge=1, le=10_000)
    """How many bad answers have one cause at most; left out, the plan estimates it from the
    primary's last day."""
    usual: Usual | None = None
    """What the primary counts on a usual day; left out, the plan takes its last day without its
    incidents."""
    period: Length = 60
    """For how many seconds its series count: 10 and 30 need series that are published at high
    resolution, and are seen so much sooner."""
    weight: float = Field(default=1.0, gt=0, le=100)
    """Its part of the error rate, beside the weights of the other metrics."""
    observe: bool = False
    """Whether it is only judged and reported, and decides nothing."""
    no_data: NoData = "hold"
    """What follows where no request of the canary was counted in a step."""
    slower_than_ms: float | None = Field(default=None, gt=0, le=3_600_000)
    """For latency: an answer that takes longer is a bad one. Left out, the plan takes what one in
    twenty of the primary's answers of the last day took longer than."""
    canary: Measure | None = None
    """For custom: what counts the canary."""
    primary: Measure | None = None
    """For custom: what counts the primary."""
    log: LogSource | None = None
    """For logs: where the lines are, and how they are read."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        measured = self.canary is not None and self.primary is not None
        if self.kind == "custom" and not (measured and self.name):
            raise ValueError("a custom metric needs name, canary and primary")
        if self.kind != "custom" and (self.canary or self.primary):
            raise ValueError(f"canary and primary are for kind custom, not {self.kind}")
        if (self.kind == "logs") != (self.log is not None):
            raise ValueError("a metric of kind logs needs log, which is for no other kind")
        if self.kind == "logs" and self.ratio_set:
            raise ValueError("logs are held against a limit alone; remove ratio and allow")
        if self.kind != "latency" and self.slower_than_ms is not None:
            raise ValueError(f"slower_than_ms is for kind latency, not {self.kind}")
        # By value: a release that was kept with all that it left out is read again.
        if self.at_most is not None and self.ratio_set:
            raise ValueError("at_most is a limit by itself; remove ratio and allow")
        minutely = [each for each in self._series if each.namespace in BY_THE_MINUTE]
        if self.period < MINUTE and minutely:
            raise ValueError(
                f"{minutely[0].namespace} has a count for each minute alone; remove period"
            )
        if self.kind == "logs" and (self.at_most or 0.0) >= UNPROVABLE:
            raise ValueError("a log's at_most has to be under 0.5; beyond, nothing is proved")
        if self.at_most is not None and self.at_most < LEAST_LIMIT:
            raise ValueError(
                "at_most has to be 0.00001 at least: under less no canary is ever shown to be good"
            )
        if self.kind == "logs" and self.period != MINUTE:
            raise ValueError("a log is counted as its lines come; remove period")
        if self.worse.allowance >= 1:
            raise ValueError("no share of bad answers is above this limit; lower it")
        return self

    @property
    def _series(self) -> list[Series]:
        given = [each for each in (self.canary, self.primary) if each]
        return [one for each in given for one in (*each.requests, *each.bad)]

    @property
    def named(self) -> str:
        return self.name or self.kind

    @property
    def ratio_set(self) -> bool:
        """Whether it says how the canary is held against the primary."""
        return (self.ratio, self.allow) != (WORSE.ratio, WORSE.allowance)

    @property
    def limit(self) -> float | None:
        """What share of bad answers it is held against alone; None where it is the primary's."""
        return LOG_LIMIT if self.at_most is None and self.kind == "logs" else self.at_most

    @property
    def worse(self) -> Tolerance:
        if self.limit is not None:
            return Tolerance(0.0, self.limit)
        return Tolerance(self.ratio, self.allow)

    @property
    def good(self) -> Tolerance:
        """What the canary is shown to be within before it is called good."""
        if self.limit is not None:
            return self.worse
        least = LEAST_GOOD_LATENCY if self.kind == "latency" else LEAST_GOOD
        return Tolerance(
            max(least.ratio, self.ratio * LEAST_GOOD.ratio), max(least.allowance, self.allow)
        )

    @property
    def rule(self) -> Rule:
        return Rule(
            metric=self.named,
            worse=self.worse,
            good=self.good,
            clusters=self.clusters or DEFAULT_CLUSTERS,
            share=self.weight,
            observed=self.observe,
            usual=self.usual,
            period=self.period,
            slow=self.kind == "latency",
        )


DEFAULT_METRICS = [
    Metric(kind="errors", weight=2.0),
    Metric(kind="latency", ratio=1.25, allow=0.005),
]


class Judging(Model):
    """The profile's `judge`: with `{}` the router's own metrics of both sides are compared."""

    false_reverts: float = Field(default=FALSE_REVERTS, gt=0, le=0.5)
    """How probable it may be that a release is reverted with which nothing is wrong."""
    undecided: Undecided | None = None
    """What follows the last step where the canary was shown to be neither worse nor good. Left out,
    it is held as often as `holds` says, and then waits at a gate if the profile has approvals; else
    it goes on."""
    budget: int | None = Field(default=None, ge=1, le=10_000_000)
    """How many bad answers more than the primary would have given, or of a log more than its limit
    allows, revert at once; left out, it is 200, or what a healthy canary does not reach by chance
    if that is more."""
    observe: bool = False
    """Whether nothing of it decides, and all of it is reported."""
    mesh_namespace: str = Field(default="Envoy", min_length=1, max_length=255)
    """For App Mesh: where the CloudWatch agent publishes what Envoy counts."""
    mesh_prefix: str = Field(default="envoy_appmesh_", max_length=100)
    """For App Mesh: what the names of these metrics begin with."""
    metrics: list[Metric] = Field(default=DEFAULT_METRICS, min_length=1, max_length=10)
    """What is compared; left out, it is the router's errors and its slow answers."""

    @property
    def decides(self) -> bool:
        """Whether anything is judged that is not only observed."""
        return not self.observe and any(not metric.observe for metric in self.metrics)

    @property
    def periods(self) -> list[Length]:
        """How long those are that CloudWatch counts, each once."""
        return sorted({metric.period for metric in self.counted})

    @property
    def counted(self) -> list[Metric]:
        """Those that CloudWatch counts, of both sides."""
        return [metric for metric in self.metrics if metric.log is None]

    @property
    def logged(self) -> list[Metric]:
        """Those that a log counts."""
        return [metric for metric in self.metrics if metric.log is not None]

    @property
    def mesh(self) -> MeshSeries:
        return MeshSeries(self.mesh_namespace, self.mesh_prefix)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [metric.named for metric in self.metrics]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"metrics names {', '.join(twice)} twice; give each a name")
        return self
