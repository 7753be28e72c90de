"""The thread of a release: gates that are over, what was counted, and the course in a picture."""

import json
from typing import Any

from sandbox.slack import Message
from stepcanary.domain.comparison import Compared
from stepcanary.domain.judge import Tally
from stepcanary.store import evidence
from tests.builders import profile
from tests.slack.conftest import JANE, Workspace
from tests.slack.test_app import FIRST_GATE, GATED, tell_of_gate
from tests.statemachine.runner import World


def gated(here: World, **promotion: Any) -> dict[str, Any]:
    gates = profile(steps=GATED, promotion={"gate_seconds": 7_200, **promotion})
    return {"service": "checkout", "images": {"app": "shop:v2"}, "profile": gates}


def gate_of(slack: Workspace) -> Message:
    return next(each for each in slack.messages if "decision is needed" in json.dumps(each.body))


def tell(here: World, slack: Workspace, detail_type: str, **detail: Any) -> None:
    slack.tell(detail_type, service="checkout", execution=here.arn("release-1"), **detail)


def test_a_gate_that_was_decided_elsewhere_has_no_buttons(here: World, slack: Workspace) -> None:
    def decide() -> None:
        tell_of_gate(here, slack)
        assert set(gate_of(slack).buttons) == {"decide-promote", "decide-resume", "decide-revert"}
        here.signal("promote", by="jane")
        tell(here, slack, "Release Promoting")

    here.clock.after(FIRST_GATE, decide)
    assert here.release(gated(here)).state == "Released"
    gate = gate_of(slack)
    assert gate.buttons == {}
    assert "*Decided*: promote by jane (claimed)" in json.dumps(gate.body)
    tell(here, slack, "Release Ended", outcome="Released", cause="It serves.")
    assert json.dumps(gate.body).count("*Decided*") == 1


def test_a_gate_that_nobody_decided_has_no_buttons(here: World, slack: Workspace) -> None:
    here.clock.after(FIRST_GATE, lambda: tell_of_gate(here, slack))
    assert here.release(gated(here, on_timeout="revert")).state == "Reverted"
    tell(here, slack, "Release Ended", outcome="Reverted", cause="nobody answered")
    assert gate_of(slack).buttons == {}
    assert "nobody decided in time" in json.dumps(gate_of(slack).body)


def test_the_link_to_the_report_is_in_the_thread_and_not_in_the_channel(
    here: World, slack: Workspace
) -> None:
    link = "https://us-east-1.console.aws.amazon.com/s3/object/b?region=us-east-1&prefix=a/b.html"
    tell(here, slack, "Release Started", images={"app": "shop:v2"})
    tell(here, slack, "Release Ended", outcome="Released", cause="It serves.")
    tell(here, slack, "Release Report", outcome="Released", report=link)
    first, end, told = slack.messages
    assert told.text == "checkout: the report is there"
    assert told.body["thread_ts"] == first.ts
    assert (end.body["reply_broadcast"], told.body["reply_broadcast"]) == (True, False)
    assert link.replace("&", "&amp;") in json.dumps(told.body["blocks"])
    tell(here, slack, "Release Report", outcome="Released", cause="PutObject: NoSuchBucket")
    assert slack.messages[-1].text == "checkout: there is no report"


def test_what_happened_before_a_gate_and_comes_late_decides_nothing(
    here: World, slack: Workspace
) -> None:
    seen = []

    def late() -> None:
        tell_of_gate(here, slack)
        tell(here, slack, "Release Shifted", ago=60, weight=5)
        tell_of_gate(here, slack)
        seen.append(len(gate_of(slack).buttons))
        slack.decide("revert", JANE)

    here.clock.after(FIRST_GATE, late)
    assert here.release(gated(here)).state == "Reverted"
    assert seen == [3]


def test_a_message_that_was_deleted_calls_nobody(here: World, slack: Workspace) -> None:
    def lose() -> None:
        tell(here, slack, "Release Started", images={"app": "shop:v2"})
        tell_of_gate(here, slack)
        gate_of(slack).ts = "0.000001"
        here.signal("revert", by="jane")

    here.clock.after(FIRST_GATE, lose)
    assert here.release(gated(here)).state == "Reverted"
    tell(here, slack, "Release Ended", outcome="Reverted", cause="jane")
    assert slack.messages[-1].text == "checkout: Reverted"
    assert gate_of(slack).buttons


def test_the_end_has_the_course_and_what_was_counted(here: World, slack: Workspace) -> None:
    compared = Compared(tallies={"errors": Tally(of_release=(1_200, 30, 22_800, 20))}, last=60)
    evidence.write(here.arn("release-1"), Compared(), [], compared)
    tell(here, slack, "Release Started", images={"app": "shop:v2"}, link="https://a.example/7")
    here.clock.sleep(40)
    tell(here, slack, "Release Shifted", weight=5)
    here.clock.sleep(3_600)
    tell(here, slack, "Release Shifted", weight=0)
    tell(here, slack, "Release Ended", outcome="Reverted", cause="<!channel>")
    started, shifted, returned, ended = (json.dumps(each.body["blocks"]) for each in slack.messages)
    assert "https://a.example/7" in started
    numbers = "errors: the canary gave 30 of 1,200 (2.5 %) bad answers, the primary 20 of 22,800"
    assert numbers in shifted
    assert numbers not in returned
    assert numbers in ended
    assert "<!channel>" not in ended
    drawn = slack.messages[-1].body["blocks"][-1]["text"]["text"].strip("`").splitlines()
    assert [line.split("%")[0].split() for line in drawn] == [
        ["0:00", "░" * 20, "0"],
        ["0:40", "█" + "░" * 19, "5"],
        ["1:00:40", "░" * 20, "0"],
        ["1:00:40", "░" * 20, "0"],
    ]
    assert drawn[-1].endswith("Reverted")
