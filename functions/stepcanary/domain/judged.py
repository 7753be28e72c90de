"""Judged: a verdict as it was given, with the numbers that it saw."""

import math
from typing import Literal

from pydantic import Field

from stepcanary.domain.comparison import Compared, judge_of
from stepcanary.domain.judge import MetricVerdict
from stepcanary.domain.judging import Judging, Metric
from stepcanary.domain.model import Model
from stepcanary.domain.verdict import LONGEST_REASON, Alarm, Progress

MOST = 700.0
"""A logarithm beyond which evidence is no number of a computer any more."""


class MetricSeen(Model):
    """What both sides had counted of a metric over the release, and what it came to. `step` has the
    same of the step alone, in the same order. Evidence and what is needed of it are natural
    logarithms."""

    metric: str
    kind: str = "errors"
    """errors, latency, custom or logs: what a bad answer is."""
    canary: int = 0
    canary_bad: int = 0
    primary: int = 0
    primary_bad: int = 0
    step: tuple[int, int, int, int] = (0, 0, 0, 0)
    worse: float = 0.0
    """Evidence that the canary is worse than tolerated."""
    needed_worse: float = 0.0
    good: float = 0.0
    """Evidence that it is good."""
    needed_good: float = 0.0
    says: Literal["worse", "good", "undecided"] = "undecided"
    observed: bool = False
    """Whether it decides nothing."""
    unread: int = 0
    """Lines of its log that could not be read."""
    excess: float | None = None
    """How many bad answers more than the primary would have given, or of a log more than its limit
    allows; None where that is not held against a budget."""
    budget: float | None = None
    """How many of these revert at once."""

    @property
    def left(self) -> float | None:
        """Of its budget; None where it has none."""
        if self.budget is None or self.excess is None:
            return None
        return self.budget - self.excess


class AlarmSeen(Model):
    name: str
    state: str
    fired: bool = False
    reason: str = ""
    """What CloudWatch says of its state, with the numbers that it saw."""
    blind: str = ""
    """Why it cannot see."""


class Judged(Model):
    """A verdict on a step. `at`, in epoch milliseconds, is when it was begun."""

    at: int
    step: int
    """Its number, from 0; of the way back to the promoted primary where that is `returning`."""
    weight: int
    returning: bool = False
    holds: int = 0
    """How often the bake had been repeated before."""
    next: Literal["shift", "bake", "gate", "promote", "revert"]
    reason: str
    alarms: list[AlarmSeen] = Field(default=[])
    metrics: list[MetricSeen] = Field(default=[])


def judged(
    at: int,
    progress: Progress,
    *,
    step: int,
    weight: int,
    holds: int,
    alarms: list[Alarm],
    metrics: list[MetricSeen],
    returning: bool = False,
) -> Judged:
    return Judged(
        at=at,
        step=step,
        weight=weight,
        returning=returning,
        holds=holds,
        next=progress.next,
        reason=progress.reason,
        alarms=[
            AlarmSeen(
                name=a.name,
                state=a.state,
                fired=a.fired,
                reason=a.reason[:LONGEST_REASON],
                blind=a.blind,
            )
            for a in alarms
        ],
        metrics=metrics,
    )


def seen(
    judging: Judging, steps: int, compared: Compared, step: int | None = None
) -> list[MetricSeen]:
    """Where each metric stands; `step` is the one that counts are told of."""
    found = judge_of(judging, steps).judgement(compared.tallies)
    metrics = {metric.named: metric for metric in judging.metrics}
    return [
        _seen(
            each, metrics[each.rule.metric], compared.step if step is None else step, judging.budget
        )
        for each in found.verdicts
    ]


def _seen(said: MetricVerdict, metric: Metric, step: int, budget: int | None) -> MetricSeen:
    tally = said.tally
    is_held = metric.kind != "latency" and not metric.observe
    says: Literal["worse", "good", "undecided"] = (
        "worse" if said.is_worse else "good" if said.is_good else "undecided"
    )
    return MetricSeen(
        metric=said.rule.metric,
        kind=metric.kind,
        canary=tally.counts.canary,
        canary_bad=tally.counts.canary_bad,
        primary=tally.counts.primary,
        primary_bad=tally.counts.primary_bad,
        step=tally.of_step if tally.step == step else (0, 0, 0, 0),
        worse=_rounded(said.worse),
        needed_worse=_rounded(said.needed_worse),
        good=_rounded(said.good),
        needed_good=_rounded(said.needed_good),
        says=says,
        observed=metric.observe,
        unread=tally.unread,
        excess=round(tally.excess, 1) if is_held else None,
        budget=round(budget or tally.default_budget, 1) if is_held else None,
    )


def _rounded(log: float) -> float:
    """JSON has no infinity."""
    return round(max(-MOST, min(MOST, 0.0 if math.isnan(log) else log)), 3)
