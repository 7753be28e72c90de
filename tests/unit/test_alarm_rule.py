"""Alarm rules: what is known of some alarms is enough, or it is not."""

import itertools

import pytest

from stepcanary.domain.alarm_rule import Truth, parse_rule

ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"


def told(rule: str, **states: str) -> Truth:
    """Of alarms by their states; of the others nobody can tell."""
    parsed = parse_rule(rule)
    return parsed.condition(lambda name, state: states[name] == state if name in states else None)


@pytest.mark.parametrize(
    ("rule", "states", "truth"),
    [
        ('ALARM("a")', {}, None),
        ("ALARM(a)", {"a": "OK"}, False),
        (f"ALARM({ARN})", {"a": "ALARM"}, True),
        ("NOT ALARM(a)", {}, None),
        ("NOT ALARM(a)", {"a": "OK"}, True),
        ("ALARM(a) OR ALARM(b)", {"a": "OK"}, None),
        ("ALARM(a) OR ALARM(b)", {"a": "ALARM"}, True),
        ("ALARM(a) AND ALARM(b)", {"a": "OK"}, False),
        ("ALARM(a) AND ALARM(b)", {"a": "ALARM"}, None),
        ("OK(b) OR ALARM(a) AND ALARM(b)", {"b": "ALARM"}, None),
        ("(OK(b) OR ALARM(a)) AND FALSE", {}, False),
        ("TRUE OR ALARM(a)", {}, True),
        ("AT_LEAST(2, ALARM, (a, b, c))", {"a": "ALARM", "b": "ALARM"}, True),
        ("AT_LEAST(2, ALARM, (a, b, c))", {"a": "ALARM", "b": "OK"}, None),
        ("AT_LEAST(2, ALARM, (a, b, c))", {"a": "OK", "b": "OK"}, False),
        (f'AT_LEAST(60%, NOT OK, ("a","b", {ARN}))', {"a": "OK"}, False),
        ("AT_LEAST(50%, NOT OK, (a, b, c))", {"a": "ALARM", "b": "INSUFFICIENT_DATA"}, True),
        ("NOT AT_LEAST(1, ALARM, (a)) AND OK(b)", {"a": "OK", "b": "OK"}, True),
    ],
)
def test_examples(rule: str, states: dict[str, str], truth: Truth) -> None:
    assert told(rule, **states) is truth


def test_what_is_told_stays_whatever_the_unknown_turns_out_to_be() -> None:
    rules = ["ALARM(a) OR ALARM(b)", "NOT (OK(a) AND ALARM(b))", "AT_LEAST(2, ALARM, (a, b))"]
    for rule, a in itertools.product(rules, ("OK", "ALARM")):
        partly = told(rule, a=a)
        wholly = {told(rule, a=a, b=b) for b in ("OK", "ALARM", "INSUFFICIENT_DATA")}
        assert wholly == {partly} if partly is not None else wholly == {True, False}


def test_children_are_named_once_and_by_name() -> None:
    rule = f'ALARM("a") OR OK({ARN}) AND AT_LEAST(1, ALARM, ("b, c", d))'
    assert parse_rule(rule).children == {"a", "b, c", "d"}


@pytest.mark.parametrize(
    "rule",
    ["", "ALARM(a) AND", "ALARM(a", "NOT", "OK(a) OK(b)", "MANY(a)", "AT_LEAST(x, ALARM, (a))"],
)
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="AlarmRule is wrong at"):
        parse_rule(rule)
