"""Rejudging: what a release's verdicts said of its metrics, computed once more from its rows.

A verdict was given by some of the rows, the first so many: those that have counted what it says.
"""

from collections.abc import Sequence
from typing import Literal

from stepcanary.domain.comparison import Compared, Row, judge_of
from stepcanary.domain.judged import Judged, MetricSeen, seen
from stepcanary.domain.judging import Judging
from stepcanary.domain.model import Model

CLOSE = 0.01
"""Evidence that differs by no more is the same; it is written down in three decimals."""


class Rejudgement(Model):
    """A metric of a verdict, and what it comes to `now`; None where the rows have not counted what
    the verdict says. `at` is in epoch milliseconds."""

    at: int
    weight: int
    metric: str
    then: Literal["worse", "good", "undecided"]
    now: Literal["worse", "good", "undecided"] | None = None
    agrees: bool = False


def rejudged(
    judging: Judging, steps: int, rows: Sequence[Row], verdicts: Sequence[Judged]
) -> list[Rejudgement]:
    """Of the metrics whose rows there are: what a log has counted is kept in sums alone."""
    counted = {metric.named for metric in judging.counted}
    stands = _stands(judging, steps, rows)
    return [
        _again(verdict, metric, stands)
        for verdict in verdicts
        for metric in verdict.metrics
        if metric.metric in counted and metric.canary + metric.primary
    ]


def _stands(judging: Judging, steps: int, rows: Sequence[Row]) -> list[MetricSeen]:
    """Where each metric stood after each of its rows."""
    judge, compared = judge_of(judging, steps), Compared()
    found = []
    for row in sorted(rows, key=lambda row: row.at + row.period):
        compared = compared.after(row, judge)
        found += [m for m in seen(judging, steps, compared, row.step) if m.metric in row.counts]
    return found


def _again(verdict: Judged, metric: MetricSeen, stands: Sequence[MetricSeen]) -> Rejudgement:
    again = next((each for each in stands if _counts(each) == _counts(metric)), None)
    return Rejudgement(
        at=verdict.at,
        weight=verdict.weight,
        metric=metric.metric,
        then=metric.says,
        now=again.says if again else None,
        agrees=again is not None
        and again.says == metric.says
        and abs(again.worse - metric.worse) <= CLOSE
        and abs(again.good - metric.good) <= CLOSE,
    )


def _counts(metric: MetricSeen) -> tuple[str, int, int, int, int]:
    return (
        metric.metric,
        metric.canary,
        metric.canary_bad,
        metric.primary,
        metric.primary_bad,
    )
