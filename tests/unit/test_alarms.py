"""Alarms: what each says, and whether it can see."""

from typing import Any

import pytest

from stepcanary.domain.alarms import Described, children_of, leaves_of, made_of, seen


def described(**alarms: Any) -> Described:
    """Metric alarms by state, and others by their settings."""
    return {
        name: {"AlarmName": name, "StateValue": "OK", "StateReason": "calm"}
        | ({"StateValue": alarm} if isinstance(alarm, str) else alarm)
        for name, alarm in alarms.items()
    }


def rule(text: str, state: str = "OK") -> dict[str, str]:
    return {"AlarmRule": text, "StateValue": state}


BLIND = {"EvaluationState": "EVALUATION_ERROR", "StateReason": "no such metric"}
SILENT = "INSUFFICIENT_DATA"


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA", "ALARM"])
def test_an_alarm_that_sees_is_what_it_says(state: str) -> None:
    alarm = seen("a", described(a=state))
    assert alarm is not None
    assert (alarm.state, alarm.fired, alarm.blind) == (state, state == "ALARM", "")


def test_an_alarm_that_there_is_not_is_none() -> None:
    assert seen("a", described(b="OK")) is None


@pytest.mark.parametrize(
    "evaluation", ["EVALUATION_ERROR", "EVALUATION_FAILURE", "PARTIAL_DATA", "SOMETHING_NEW"]
)
@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
def test_an_alarm_that_is_not_evaluated_is_blind(evaluation: str, state: str) -> None:
    alarm = seen("a", described(a={"StateValue": state, "EvaluationState": evaluation}))
    assert alarm is not None
    assert alarm.blind == f"{evaluation}: calm"


def test_a_firing_alarm_is_believed_also_where_it_is_not_evaluated() -> None:
    alarm = seen("a", described(a={"StateValue": "ALARM", **BLIND}))
    assert alarm is not None
    assert (alarm.fired, alarm.blind) == (True, "")


@pytest.mark.parametrize(
    ("text", "children", "state", "blind"),
    [
        ("ALARM(a) OR ALARM(b)", {"a": "OK", "b": "OK"}, "OK", ""),
        ("ALARM(a) OR ALARM(b)", {"a": "OK", "b": SILENT}, SILENT, ""),
        ("ALARM(a) AND ALARM(b)", {"a": "OK", "b": SILENT}, "OK", ""),
        ("ALARM(a) OR INSUFFICIENT_DATA(a)", {"a": "OK"}, "OK", ""),
        (
            "ALARM(a) OR ALARM(b)",
            {"a": "OK", "b": BLIND},
            "OK",
            "its alarm b: EVALUATION_ERROR: no such metric",
        ),
        ("ALARM(a) AND ALARM(b)", {"a": "OK", "b": BLIND}, "OK", ""),
        ("ALARM(a) OR INSUFFICIENT_DATA(b)", {"a": "OK", "b": BLIND}, "OK", "its alarm b"),
        ("ALARM(a) OR ALARM(gone)", {"a": "OK"}, "OK", "its alarm gone does not exist"),
        ("ALARM(a) AND ALARM(gone)", {"a": "OK"}, "OK", ""),
        # It has not followed its child yet.
        ("ALARM(a)", {"a": "ALARM"}, SILENT, ""),
        # Whatever CloudWatch has taken that is not known here.
        ("SOMETHING_NEW(a)", {"a": SILENT}, "OK", "its rule is of a kind that this stack"),
        ("ALARM(inner)", {"inner": rule("ALARM(a)"), "a": "OK"}, "OK", ""),
        ("ALARM(inner)", {"inner": rule("ALARM(a)"), "a": SILENT}, SILENT, ""),
        ("ALARM(inner)", {"inner": rule("ALARM(a)"), "a": BLIND}, "OK", "its alarm inner: its"),
        ("ALARM(inner) OR ALARM(a)", {"inner": rule("ALARM(both)"), "a": "OK"}, SILENT, ""),
    ],
)
def test_a_composite_alarm_sees_what_its_children_see(
    text: str, children: dict[str, Any], state: str, blind: str
) -> None:
    alarm = seen("both", described(both=rule(text), **children))
    assert alarm is not None
    assert alarm.state == state
    assert alarm.blind.startswith(blind)
    assert bool(alarm.blind) is bool(blind)


def test_a_composite_alarm_that_fires_needs_no_children() -> None:
    alarm = seen("both", described(both=rule("ALARM(gone)", "ALARM")))
    assert alarm is not None
    assert alarm.fired


def test_what_an_alarm_is_made_of() -> None:
    alarms = described(
        outer=rule("ALARM(inner) OR ALARM(a) OR ALARM(gone)"),
        inner=rule("ALARM(b) AND ALARM(outer)"),
        a="OK",
        b="OK",
    )
    assert [name for name, _ in leaves_of("outer", alarms)] == ["a", "b"]
    assert [name for name, _ in leaves_of("a", alarms)] == ["a"]
    assert made_of("outer", alarms) == ["outer", "a", "gone", "inner", "b"]
    assert made_of("gone", alarms) == ["gone"]
    assert children_of(alarms["outer"]) == {"inner", "a", "gone"}
    assert children_of(alarms["a"]) == children_of(rule("SOMETHING_NEW(a)")) == frozenset()
