"""Each rule of the template takes its example event, and no other one."""

import json
from typing import Any

import pytest

from emulator import template

EVENTS = template.ROOT / "events"
CHATS = {"AnnounceReleaseFunction", "PostToSlackFunction"}
"""They hear the same: what the stack says itself."""


def example(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return event


def examples() -> dict[str, dict[str, Any]]:
    return {
        "SignalReleaseFunction": example("release_signal"),
        "StartOnImageFunction": example("start_on_image"),
        "PromoteOnPipelineFunction": example("promote_on_pipeline"),
        "RelayAlarmFunction": example("relay_alarm"),
        "ReconcileFunction": example("execution_ended"),
        "AnnounceReleaseFunction": example("announce_release"),
        "PostToSlackFunction": example("post_to_slack"),
    }


def test_every_rule_has_an_example() -> None:
    assert {rule.function for rule in template.rules()} == set(examples())


@pytest.mark.parametrize("rule", template.rules(), ids=lambda rule: rule.function)
def test_a_rule_takes_its_own_event_only(rule: Any) -> None:
    taken = {name for name, event in examples().items() if rule.input_for(event) is not None}
    assert taken == (CHATS if rule.function in CHATS else {rule.function})


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
    (rule,) = (rule for rule in template.rules() if rule.function == function)
    assert rule.input_for(event) is None
