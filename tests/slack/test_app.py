"""Releases from Slack: who may, may; the first who decides, decides; and it is in the ledger."""

import json
from typing import Any

import pytest
from slack_sdk.models.blocks import Block

from emulator import template
from stepcanary.chat.amazon_q import to_amazon_q
from stepcanary.chat.slack.blocks import message
from stepcanary.chat.wording import escaped
from stepcanary.domain import events
from stepcanary.domain.events import ReleaseEvent
from tests.builders import profile
from tests.slack.conftest import JANE, JOHN, STRANGER, Workspace
from tests.statemachine.runner import World

BY = "jane (Slack U2CERLKJA)"
GATED = [
    {"weight": 5, "bake_seconds": 300, "approval": True},
    {"weight": 100, "bake_seconds": 300},
]
FIRST_GATE = 1_000.0


def signals_of(here: World, name: str) -> list[str]:
    """Which signals reached the release, and who sent them, as the ledger has it."""
    return here.signals(name)


def releases(here: World) -> list[str]:
    executions = here.sfn.list_executions(stateMachineArn=here.machine)["executions"]
    found = [here.sfn.describe_execution(executionArn=e["executionArn"]) for e in executions]
    return [e["executionArn"] for e in found if "images" in json.loads(e["input"])]


def test_a_command_releases_and_says_so_to_all(here: World, slack: Workspace) -> None:
    acknowledged = slack.command("release checkout app=shop:v2")
    assert (acknowledged["statusCode"], acknowledged["body"]) == (200, "release checkout …")
    assert releases(here) == []
    slack.work()
    (execution,) = releases(here)
    outcome = here.wait(execution)
    assert outcome.state == "Released"
    assert here.cloud.running_image("example1") == "shop:v2"
    reply = slack.replies[-1]
    assert reply["response_type"] == "in_channel"
    assert reply["text"].startswith(f"<@{JANE}>: ")
    started = json.loads(here.sfn.describe_execution(executionArn=execution)["input"])
    assert started["by"] == BY


def test_a_request_that_comes_twice_is_done_once(here: World, slack: Workspace) -> None:
    """Slack sends it again, somebody replays it, or Lambda does its work again."""
    body = slack.command_body("rollback checkout")
    for _ in range(2):
        slack.send(body)
    slack.waiting.append(slack.waiting[0])
    slack.work()
    assert len(here.sfn.list_executions(stateMachineArn=here.machine)["executions"]) == 1
    assert [reply["text"] for reply in slack.replies] == [slack.replies[0]["text"]] * 3


@pytest.mark.parametrize(
    "text",
    [
        "status checkout",
        "release checkout app=shop:v2",
        "rollback checkout",
        "promote checkout",
        "revert checkout",
        "shift checkout 10",
    ],
)
def test_who_is_not_listed_is_not_allowed(here: World, slack: Workspace, text: str) -> None:
    reply = slack.do(text, STRANGER)
    assert "you are not allowed" in reply
    assert STRANGER in reply
    assert slack.replies[-1]["response_type"] == "ephemeral"
    assert here.sfn.list_executions(stateMachineArn=here.machine)["executions"] == []


def test_rights_are_by_service_and_action(here: World, slack: Workspace) -> None:
    assert "you are not allowed" in slack.do("revert checkout", JOHN)
    assert "no release of checkout is running" in slack.do("promote checkout", JOHN)
    assert "there is no profile" in slack.do("promote payments", JANE)
    here.cloud.parameters["/stepcanary/profiles/payments"] = json.dumps(profile())
    assert "you are not allowed" in slack.do("promote payments", JANE)
    open_to_all = profile(slack_users={"status": ["*"]})
    here.cloud.parameters["/stepcanary/profiles/payments"] = json.dumps(open_to_all)
    assert "no release is running" in slack.do("status payments", STRANGER)


def test_a_mistake_is_told_at_once(slack: Workspace) -> None:
    answer = slack.command("shift checkout ten")
    assert answer["statusCode"] == 200
    assert "whole number" in answer["body"]
    slack.work()
    assert slack.replies == []


def test_nobody_calls_the_channel_with_what_they_write(slack: Workspace) -> None:
    assert "<!channel>" not in slack.do("promote checkout <!channel>", JANE)
    assert "<!channel>" not in slack.command("release checkout <!channel>")["body"]
    posted = message(_event(cause="<!channel> & co", detail_type="Release Ended"))
    assert "<!channel>" not in json.dumps(posted)
    assert escaped("<!channel> & co") == "&lt;!channel&gt; &amp; co"


def _event(detail_type: str, **more: Any) -> ReleaseEvent:
    base = {"service": "checkout", "execution": "arn:aws:states:us-east-1:1:execution:s:r-1"}
    return ReleaseEvent.model_validate({**base, "detail_type": detail_type, **more})


def tell_of_gate(here: World, slack: Workspace) -> None:
    """What the event of the wait that is now leads to."""
    lease = here.lease()
    slack.tell(
        "Release Waiting",
        service="checkout",
        execution=lease["holder"]["S"],
        waits="gate",
        wait=int(lease["wait_number"]["N"]) // 1_000,
        ends_on=["promote", "resume", "revert"],
    )


def test_a_button_approves_and_the_second_click_is_told_so(here: World, slack: Workspace) -> None:
    answers: list[Any] = []

    def both_click() -> None:
        tell_of_gate(here, slack)
        (shown,) = slack.messages
        as_john_sees_it = shown.body
        answers.append(slack.decide("promote", JANE))
        shown.body = as_john_sees_it
        answers.append(slack.decide("promote", JOHN))

    here.clock.after(FIRST_GATE, both_click)
    gates = profile(steps=GATED, promotion={"gate_seconds": 7_200})
    outcome = here.release({"service": "checkout", "images": {"app": "shop:v2"}, "profile": gates})
    assert outcome.state == "Released"
    decided, refused = answers
    assert decided["replace_original"] is True
    assert f"<@{JANE}>" in json.dumps(decided["blocks"])
    assert "decide-" not in json.dumps(decided["blocks"])
    assert refused["response_type"] == "ephemeral"
    assert "decided already" in refused["text"]
    assert signals_of(here, "release-1") == [f"promote by {BY}"]


def test_a_button_is_only_for_who_may(here: World, slack: Workspace) -> None:
    answers: list[Any] = []

    def click() -> None:
        tell_of_gate(here, slack)
        answers.append(slack.decide("revert", JOHN))
        answers.append(slack.decide("resume", STRANGER))
        answers.append(slack.decide("revert", JANE))

    here.clock.after(FIRST_GATE, click)
    gates = profile(steps=GATED, promotion={"gate_seconds": 7_200})
    outcome = here.release({"service": "checkout", "images": {"app": "shop:v2"}, "profile": gates})
    assert outcome.state == "Reverted"
    assert ["you are not allowed" in answer["text"] for answer in answers] == [True, True, False]
    assert signals_of(here, "release-1") == [f"revert by {BY}"]


@pytest.mark.parametrize("action", ["promote", "resume", "revert"])
def test_a_button_after_the_release_is_told_so(here: World, slack: Workspace, action: str) -> None:
    here.clock.after(FIRST_GATE, lambda: tell_of_gate(here, slack))
    gates = profile(steps=GATED, promotion={"gate_seconds": 3_600, "on_timeout": "revert"})
    outcome = here.release({"service": "checkout", "images": {"app": "shop:v2"}, "profile": gates})
    assert outcome.state == "Reverted"
    assert "decided already" in slack.decide(action)["text"]


def test_what_happens_is_told_in_one_thread(here: World, slack: Workspace) -> None:
    first, other = here.arn("release-1"), here.arn("release-2")
    slack.tell("Release Started", service="checkout", execution=first, images={"app": "shop:v2"})
    slack.tell("Release Shifted", service="checkout", execution=first, weight=5)
    slack.tell("Release Started", service="checkout", execution=other, images={"app": "shop:v3"})
    slack.tell(
        "Release Ended", service="checkout", execution=first, outcome="Reverted", cause="x" * 4_000
    )
    root, shifted, second, ended = (each.body for each in slack.messages)
    assert "thread_ts" not in root
    assert "thread_ts" not in second
    ts = slack.messages[0].ts
    assert (shifted["thread_ts"], shifted["reply_broadcast"]) == (ts, False)
    assert (ended["thread_ts"], ended["reply_broadcast"]) == (ts, True)
    assert "shop:v2" in json.dumps(root["blocks"])
    assert "5 %" in shifted["text"]


def test_the_example_of_an_end_is_posted(here: World, slack: Workspace) -> None:
    event = json.loads((template.ROOT / "events/post_to_slack.json").read_text())
    here.invoke("PostToSlackFunction", event)
    assert slack.messages[0].text == "checkout: Reverted"
    assert "alarm example2-5xx fired" in json.dumps(slack.messages[0].body["blocks"])


def test_a_channel_that_does_not_take_it_calls_a_person(here: World, slack: Workspace) -> None:
    """The error sets off an alarm; the release has gone on."""
    here.set_parameters(SlackChannel="C0ELSEWHERE")
    with pytest.raises(Exception, match="Slack refused a message: channel_not_found"):
        slack.tell("Release Started", service="checkout", execution=here.arn("release-1"))
    assert slack.messages == []


def test_no_slack_is_tried_again(
    here: World, slack: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_API", "http://127.0.0.1:1/")
    with pytest.raises(Exception, match="Slack did not answer"):
        slack.tell("Release Started", service="checkout", execution=here.arn("release-1"))


EVERYTHING: list[dict[str, Any]] = [
    {"detail_type": "Release Started", "images": {"app": "shop:v2"}, "by": "jane"},
    {"detail_type": "Release Rejected", "cause": "steps must rise"},
    {"detail_type": "Release Shifted", "weight": 5},
    {"detail_type": "Release Shifted", "weight": 0},
    {
        "detail_type": "Release Waiting",
        "waits": "gate",
        "wait": 1,
        "ends_on": ["promote", "resume"],
    },
    {
        "detail_type": "Release Waiting",
        "waits": "promotion failed",
        "wait": 1,
        "ends_on": ["retry", "revert"],
    },
    {"detail_type": "Release Resumed"},
    {"detail_type": "Release Promoting"},
    {"detail_type": "Release Queued", "behind": "arn:x:release-1"},
    {"detail_type": "Canary Retired", "cause": "started again"},
    {"detail_type": "Manual Shift", "weight": 5, "cause": "was 0"},
    {
        "detail_type": "Release Report",
        "report": "https://eu-west-1.console.aws.amazon.com/s3/object/b?region=eu-west-1&prefix=p",
    },
    {"detail_type": "Release Counted"},
    {"detail_type": "Release Ended", "outcome": "Reverted", "cause": "<" * 5_000},
]


@pytest.mark.parametrize("detail", EVERYTHING, ids=lambda detail: detail["detail_type"])
def test_every_message_is_one_that_slack_and_amazon_q_take(detail: dict[str, Any]) -> None:
    event = _event(**detail)
    for block in Block.parse_all(message(event)):
        block.validate_json()
    sent: Any = to_amazon_q(event)
    assert (sent["version"], sent["source"]) == ("1.0", "custom")
    assert sent["content"]["description"]
    assert sent["content"]["title"].startswith("checkout: ")
    assert len(json.dumps(sent)) < 20_000
    assert sent["metadata"]["threadId"] == event.execution


def test_the_topic_gets_what_amazon_q_shows(here: World) -> None:
    here.set_parameters(AnnouncementTopicArn="arn:aws:sns:us-east-1:123456789012:releases")
    event = json.loads((template.ROOT / "events/announce_release.json").read_text())
    here.invoke("AnnounceReleaseFunction", event)
    (sent,) = here.cloud.called("Publish")
    assert sent["TopicArn"].endswith(":releases")
    notification = json.loads(sent["Message"])
    assert notification["content"]["nextSteps"][0] == "promote it"
    assert notification["metadata"]["additionalContext"]["wait"] == "1795428930000"


def test_every_kind_of_event_has_a_message() -> None:
    kinds = set(events.DetailType.__args__)  # type: ignore[attr-defined]
    assert {detail["detail_type"] for detail in EVERYTHING} == kinds
