"""Metric rule: what a profile that says nothing is judged by, and from where on a limit is none."""

from stepcanary.domain.evidence import Counts, Tolerance
from stepcanary.domain.judge import Judge, Period, Tally
from stepcanary.domain.judging import Metric
from stepcanary.domain.metric_rule import UNPROVABLE, Rule

ALL_BAD = [Period(0, Counts(1_000, 1_000, 19_000, 0))] * 5


def said_of(limit: float) -> str:
    rule = Rule("errors", worse=Tolerance(0.0, limit), good=Tolerance(0.0, limit))
    judge = Judge([rule], steps=1)
    return judge.judgement({"errors": judge.fold(Tally(), ALL_BAD, rule)}).outcome


def test_a_metric_that_says_nothing_is_judged_by_these() -> None:
    said, rule = Metric(kind="errors").rule, Rule("errors")
    assert (said.worse, said.good) == (rule.worse, rule.good)


def test_a_limit_from_there_on_proves_nothing() -> None:
    assert said_of(UNPROVABLE - 0.01) == "revert"
    assert said_of(UNPROVABLE) == "undecided"
