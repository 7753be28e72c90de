"""Whose word counts: that of one workspace's members, and of nobody who only says that they are."""

import json
from typing import Any

import pytest

from sandbox.slack import TEAM
from stepcanary.chat.slack.blocks import message
from stepcanary.domain.events import ReleaseEvent
from tests.builders import profile, request
from tests.slack.conftest import JANE, Workspace
from tests.slack.test_app import BY, FIRST_GATE, GATED, signals_of, tell_of_gate
from tests.statemachine.runner import World
from tests.statemachine.timeline import FIRST_BAKE, later

OTHERS = "T0OTHERS"


def executions(here: World) -> list[Any]:
    found: list[Any] = here.sfn.list_executions(stateMachineArn=here.machine)["executions"]
    return found


@pytest.mark.parametrize("users", [[JANE], ["*"]], ids=["listed", "everybody"])
def test_a_command_from_another_workspace_is_refused(
    here: World, slack: Workspace, users: list[str]
) -> None:
    stored = json.dumps(profile(slack_users={"status": users, "shift": users}))
    here.cloud.parameters["/stepcanary/profiles/checkout"] = stored
    for text in ("status checkout", "shift checkout 0"):
        answer = slack.command(text, team=OTHERS)
        assert f"you are of {OTHERS}" in answer["body"]
    slack.work()
    assert (slack.replies, executions(here)) == ([], [])


@pytest.mark.parametrize("whose", [{"team": OTHERS}, {"app": OTHERS}, {"team": "", "app": ""}])
def test_a_click_from_another_workspace_is_refused(
    here: World, slack: Workspace, whose: dict[str, str]
) -> None:
    """By a guest in a shared channel, where the app is theirs too, or where it is not told."""
    waiting = {"waits": "gate", "wait": 1, "ends_on": ["promote"]}
    gate = ReleaseEvent.model_validate(
        {
            "detail_type": "Release Waiting",
            "service": "checkout",
            "execution": "arn:release-1",
            **waiting,
        }
    )
    slack.tell("Release Started", service="checkout", execution="arn:release-1")
    (shown,) = slack.messages
    shown.body = {**shown.body, "blocks": message(gate)}
    assert slack.send(slack.click_body(shown, "promote", **whose))["statusCode"] == 200
    slack.work()
    assert "this app obeys the members of one workspace" in shown.answers[-1]["text"]
    assert executions(here) == []
    # The same click of a member reaches the release, which does not run here.
    assert slack.send(slack.click_body(shown, "promote", team=TEAM))["statusCode"] == 200
    slack.work()
    assert "no release of checkout is running" in shown.answers[-1]["text"]


def test_slack_vouches_for_who_releases_and_nobody_else_can_use_the_name(
    here: World, slack: Workspace, published: list[ReleaseEvent]
) -> None:
    """Who starts an execution by hand may write any name, also that of an execution."""
    slack.do("release checkout app=shop:v2")
    (execution,) = executions(here)
    here.wait(execution["executionArn"])
    status = later(here, FIRST_BAKE, lambda: slack.do("status checkout"))
    forged = {**request(images={"app": "shop:v3"}), "by": BY}
    assert here.release(forged, "slack-0123456789").state == "Released"
    assert f"{BY} (claimed)" in status[0]
    by = [event.by for event in published if event.detail_type == "Release Started"]
    assert by == [BY, f"{BY} (claimed)"]


def test_a_signal_with_a_claim_is_kept_as_one(here: World, slack: Workspace) -> None:
    here.clock.after(FIRST_BAKE, lambda: here.signal("pause", by=BY))
    later(here, FIRST_BAKE + 100, lambda: slack.do("resume checkout"))
    assert here.release(request()).state == "Released"
    assert signals_of(here, "release-1") == [f"pause by {BY} (claimed)", f"resume by {BY}"]


def test_who_is_rejected_is_told_by_the_same_rule(
    here: World, slack: Workspace, published: list[ReleaseEvent]
) -> None:
    assert "Rejected" in slack.do("release checkout web=shop:v2")
    assert here.release({**request(images={"web": "shop:v2"}), "by": BY}).state == "Rejected"
    assert [event.by for event in published] == [BY, f"{BY} (claimed)"]


def test_a_wait_that_somebody_made_up_has_no_buttons(here: World, slack: Workspace) -> None:
    """Whoever may put events on the bus can tell of one."""
    made_up: dict[str, Any] = {"waits": "gate", "wait": 1, "ends_on": ["promote", "revert"]}

    def tell() -> None:
        holder = here.lease()["holder"]["S"]
        slack.tell("Release Waiting", service="basket", execution=holder, **made_up)
        nobody = here.arn("release-9")
        slack.tell("Release Waiting", service="checkout", execution=nobody, **made_up)
        tell_of_gate(here, slack)

    here.clock.after(FIRST_GATE, tell)
    here.clock.after(FIRST_GATE + 1, lambda: here.signal("promote"))
    gates = profile(steps=GATED, promotion={"gate_seconds": 7_200})
    assert here.release(request(profile=gates)).state == "Released"
    assert [bool(each.buttons) for each in slack.messages] == [False, False, True]
    slack.tell("Release Waiting", service="checkout", execution=here.arn("release-1"), **made_up)
    assert not any(each.buttons for each in slack.messages)
