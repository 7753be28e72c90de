"""Each rule of the template takes its example event, and no other one."""

import json
from typing import Any

import pytest

from emulator import template

EVENTS = template.ROOT / "events"
CHATS = {"AnnounceReleaseFunction", "PostToSlackFunction"}
PUSHES = {"StartOnImageFunction", "PromoteOnImageFunction"}
REPORT = "WriteReportFunction"
ALIKE = {
    **{name: {*CHATS, REPORT} for name in CHATS},
    **dict.fromkeys(PUSHES, PUSHES),
    REPORT: {"PostToSlackFunction", REPORT},
}
"""Functions that hear the same: what the stack says itself, and pushes, whose tags tell apart what
they are about. A report is of an end, and so is the example of what posts to Slack."""
RULES = template.rules(**template.OPEN)


def example(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def examples() -> dict[str, dict[str, Any]]:
    return {
        "SignalReleaseFunction": example("release_signal"),
        "StartOnImageFunction": example("start_on_image"),
        "PromoteOnImageFunction": example("promote_on_image"),
        "PromoteOnPipelineFunction": example("promote_on_pipeline"),
        "RelayAlarmFunction": example("relay_alarm"),
        "ReconcileFunction": example("execution_ended"),
        "AnnounceReleaseFunction": example("announce_release"),
        "PostToSlackFunction": example("post_to_slack"),
        REPORT: example("write_report"),
    }


def test_every_rule_has_an_example() -> None:
    assert {rule.function for rule in RULES} == set(examples())


def test_a_stack_of_no_parameters_obeys_nothing_that_comes_over_the_bus() -> None:
    """But for alarms and ends of executions, which only AWS can tell of."""
    assert {rule.function for rule in template.rules()} == {
        "RelayAlarmFunction",
        "ReconcileFunction",
        *CHATS,
        REPORT,
    }
    for parameter in template.OPEN:
        opened = template.rules(**{parameter: "ENABLED"})
        assert len(opened) == len(template.rules()) + 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.function)
def test_a_rule_takes_its_own_event_only(rule: Any) -> None:
    taken = {name for name, event in examples().items() if rule.input_for(event) is not None}
    assert taken == ALIKE.get(rule.function, {rule.function})


def test_a_count_is_for_the_report_and_for_no_chat() -> None:
    """Its page is in the place of one that the chats have heard of."""
    counted = {**example("write_report"), "detail-type": "Release Counted"}
    assert {rule.function for rule in RULES if rule.input_for(counted) is not None} == {REPORT}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.function)
@pytest.mark.parametrize(
    "elsewhere",
    [
        {"account": "210987654321"},
        {"region": "eu-central-1"},
        {"replay-name": "last-week"},
    ],
    ids=["another account", "another Region", "a replay"],
)
def test_a_rule_leaves_what_happened_elsewhere_or_before(
    rule: Any, elsewhere: dict[str, str]
) -> None:
    event = examples()[rule.function]
    assert rule.input_for(event) is not None
    assert rule.input_for({**event, **elsewhere}) is None
    for name in elsewhere.keys() & {"account", "region"}:
        assert rule.input_for({k: v for k, v in event.items() if k != name}) is None


@pytest.mark.parametrize(
    ("function", "detail"),
    [
        ("StartOnImageFunction", {"result": "FAILURE"}),
        ("StartOnImageFunction", {"action-type": "DELETE"}),
        ("StartOnImageFunction", {"image-tag": None}),
        ("PromoteOnPipelineFunction", {"state": "FAILED"}),
        ("RelayAlarmFunction", {"state": {"value": "OK"}}),
        ("ReconcileFunction", {"status": "SUCCEEDED"}),
        ("ReconcileFunction", {"stateMachineArn": "arn:of:another"}),
    ],
)
def test_a_rule_leaves_what_is_not_for_it(function: str, detail: dict[str, Any]) -> None:
    event = examples()[function]
    changed = {**event["detail"], **detail}
    event = {**event, "detail": {k: v for k, v in changed.items() if v is not None}}
    (rule,) = (rule for rule in RULES if rule.function == function)
    assert rule.input_for(event) is None
