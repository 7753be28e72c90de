"""Alarm fitness: what the plan refuses about an alarm, and what it warns of."""

from typing import Any

import pytest

from stepcanary.domain.alarm_fitness import check_fit, seconds_to_fire, warnings
from stepcanary.domain.alarms import Described
from stepcanary.domain.profile import Step
from stepcanary.errors import RequestRejected

STEPS = [Step(weight=5, bake_seconds=60), Step(weight=100, bake_seconds=300)]


def metric(**settings: Any) -> dict[str, Any]:
    return {"StateValue": "OK", "Period": 60, "EvaluationPeriods": 1, **settings}


def math(*periods: int, **settings: Any) -> dict[str, Any]:
    stats = [{"Id": f"m{n}", "MetricStat": {"Period": p}} for n, p in enumerate(periods)]
    expression = {"Id": "e", "Expression": "m0 / m1", "ReturnData": True}
    return {"StateValue": "OK", "EvaluationPeriods": 2, "Metrics": [expression, *stats], **settings}


def logs(schedule: str, **settings: Any) -> dict[str, Any]:
    query = {"ScheduleConfiguration": {"ScheduleExpression": schedule}}
    return {"StateValue": "OK", "ScheduledQueryConfiguration": query, **settings}


PROM_QL: dict[str, Any] = {
    "StateValue": "OK",
    "EvaluationCriteria": {"PromQLCriteria": {"Query": "up == 0", "PendingPeriod": 300}},
    "EvaluationInterval": 60,
}


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        (metric(), 60),
        (metric(EvaluationPeriods=5), 300),
        (metric(EvaluationPeriods=5, DatapointsToAlarm=3), 180),
        (metric(Period=10, EvaluationPeriods=3), 30),
        (math(60, 300), 600),
        (math(60, 60, DatapointsToAlarm=1), 60),
        (
            {"Metrics": [{"Expression": "SELECT SUM(x)", "Period": 120}], "EvaluationPeriods": 2},
            240,
        ),
        (logs("rate(5 minutes)", QueryResultsToEvaluate=3, QueryResultsToAlarm=2), 600),
        (logs("rate(1 hour)", QueryResultsToAlarm=1), 3_600),
        (logs("cron(0 * * * ? *)", QueryResultsToAlarm=1), None),
        (PROM_QL, 360),
        ({"EvaluationPeriods": 3}, None),
    ],
)
def test_how_long_bad_data_takes_to_fire(settings: dict[str, Any], seconds: int | None) -> None:
    assert seconds_to_fire(settings) == seconds


FIT: dict[str, Described] = {
    "missing": {"a": metric(TreatMissingData="missing")},
    "breaching": {"a": metric(TreatMissingData="breaching")},
    "healthy": {"a": metric(TreatMissingData="notBreaching")},
    "no data yet": {"a": metric(StateValue="INSUFFICIENT_DATA")},
    "CloudWatch fails": {"a": metric(EvaluationState="EVALUATION_FAILURE")},
    "not all data": {"a": metric(EvaluationState="PARTIAL_DATA")},
    "few samples count": {"a": metric(EvaluateLowSampleCountPercentile="evaluate")},
    "of its children": {
        "a": {"StateValue": "OK", "AlarmRule": "ALARM(b)"},
        "b": metric(),
    },
}
IGNORES = metric(TreatMissingData="ignore")
UNFIT: dict[str, tuple[Described, str]] = {
    "none": ({}, "there is no CloudWatch alarm a; create it"),
    "fires": ({"a": metric(StateValue="ALARM", StateReason="9 > 3")}, r"in ALARM already.*9 > 3"),
    "blind": (
        {"a": metric(EvaluationState="EVALUATION_ERROR", StateReason="no role")},
        r"a cannot see.*EVALUATION_ERROR: no role",
    ),
    "a child is blind": (
        {
            "a": {"StateValue": "OK", "AlarmRule": "ALARM(b)"},
            "b": metric(EvaluationState="EVALUATION_ERROR"),
        },
        "a cannot see.*its alarm b: EVALUATION_ERROR",
    ),
    "ignores": ({"a": IGNORES}, "a keeps its state while it has no data"),
    "ignores logs": (
        {"a": logs("rate(1 minute)", TreatMissingData="ignore")},
        "a keeps its state while it has no data",
    ),
    "few samples": (
        {"a": metric(EvaluateLowSampleCountPercentile="ignore")},
        "a keeps its state while it has few samples",
    ),
    "a child ignores": (
        {"a": {"StateValue": "OK", "AlarmRule": "ALARM(b)"}, "b": IGNORES},
        "b, of a, keeps its state",
    ),
    "a child is gone": (
        {"a": {"StateValue": "OK", "AlarmRule": "ALARM(b)"}},
        "a cannot see.*its alarm b does not exist",
    ),
}


@pytest.mark.parametrize("described", FIT.values(), ids=FIT)
def test_an_alarm_that_can_judge_is_taken(described: Described) -> None:
    check_fit(["a"], described)


@pytest.mark.parametrize(("described", "why"), UNFIT.values(), ids=UNFIT)
def test_an_alarm_that_cannot_judge_is_refused(described: Described, why: str) -> None:
    with pytest.raises(RequestRejected, match=f"^alarms: .*{why}"):
        check_fit(["a"], described)


HEALTHY = metric(TreatMissingData="notBreaching")


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"a": metric()}, []),
        ({}, []),
        ({"a": HEALTHY}, ["alarms: the only alarm a takes missing data for healthy"]),
        ({"a": PROM_QL | {"EvaluationCriteria": {"PromQLCriteria": {}}}}, ["alarms: the only"]),
        ({"a": HEALTHY, "b": metric()}, []),
        ({"a": HEALTHY, "b": HEALTHY}, ["alarms: every alarm, as a, b takes missing data"]),
        ({"a": metric(Namespace="AWS/DynamoDB")}, ["alarms: a watches DynamoDB"]),
        (
            {"a": metric(EvaluationPeriods=2)},
            [
                "alarms: a (120 s) may need bad data for so long to fire, and bakes are shorter:"
                " 5 % (60 s)."
            ],
        ),
        (
            {"a": metric(EvaluationPeriods=2), "b": metric(Period=600), "c": metric()},
            [
                "alarms: b (600 s), a (120 s) may need bad data for so long to fire, and bakes"
                " are shorter: 5 % (60 s), 100 % (300 s)."
            ],
        ),
        ({"a": logs("cron(0 * * * ? *)")}, []),
        (
            {"a": {"StateValue": "OK", "AlarmRule": "ALARM(b)"}, "b": metric(Period=120)},
            ["alarms: b, of a, (120 s) may need bad data for so long"],
        ),
    ],
)
def test_what_is_warned_of(described: Described, said: list[str]) -> None:
    names: list[str] = [name for name in ("a", "b", "c") if name in described]
    if "AlarmRule" in described.get("a", {}):
        names = ["a"]
    found = warnings(names, described, STEPS)
    assert len(found) == len(said)
    for sentence, beginning in zip(found, said, strict=True):
        assert sentence.startswith(beginning)


def test_a_warning_is_short_whatever_there_is_to_say() -> None:
    described = {f"{n}-{'x' * 250}": metric(TreatMissingData="notBreaching") for n in range(50)}
    steps = [Step(weight=weight, bake_seconds=1) for weight in range(1, 51)]
    found = warnings(list(described), described, steps)
    assert len(found) == 2
    assert all(len(sentence) < 1_200 for sentence in found)
    assert "and 47 more" in found[0]
