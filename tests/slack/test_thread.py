"""The thread of a release: gates that are over, what was counted, and the course in a picture."""

import json
from typing import Any

from sandbox.slack import Message
from stepcanary.domain.comparison import Compared
from stepcanary.domain.events import ReleaseEvent
from stepcanary.domain.judge import Tally
from stepcanary.domain.log_counts import LogCounts
from stepcanary.domain.log_lines import Read
from stepcanary.store import batches, evidence, ledger, table
from tests.builders import profile
from tests.slack.conftest import JANE, Workspace
from tests.slack.test_app import FIRST_GATE, GATED, tell_of_gate
from tests.statemachine.runner import World
from tests.statemachine.timeline import FIRST_BAKE
from tests.unit.examples import a_release

ALARM = "example2-5xx"
SERIES = {"namespace": "Shop", "metric": "Requests", "dimensions": {"side": "one"}}


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
    assert '*Decided*: nobody decided in time"' in json.dumps(gate_of(slack).body)


def test_a_gate_that_an_alarm_decided_says_which(here: World, slack: Workspace) -> None:
    def fire() -> None:
        tell_of_gate(here, slack)
        here.cloud.set_alarm(ALARM, "ALARM")

    here.clock.after(FIRST_GATE, fire)
    assert here.release(gated(here)).state == "Reverted"
    tell(here, slack, "Release Ended", outcome="Reverted", cause="an alarm")
    assert f"*Decided*: revert by alarm {ALARM}" in json.dumps(gate_of(slack).body)


def test_what_decided_a_gate_that_the_ledger_does_not_know_yet_is_not_guessed(
    here: World, slack: Workspace
) -> None:
    def return_at_once() -> None:
        tell_of_gate(here, slack)
        here.clock.sleep(2)
        tell(here, slack, "Release Shifted", weight=0)
        here.signal("revert", by="jane")

    here.clock.after(FIRST_GATE, return_at_once)
    assert here.release(gated(here)).state == "Reverted"
    assert gate_of(slack).buttons == {}
    assert "*Decided*: an alarm or the stack itself; the end" in json.dumps(gate_of(slack).body)


def test_a_gate_that_ended_with_its_execution_has_the_cause_of_the_end(
    here: World, slack: Workspace
) -> None:
    here.clock.after(FIRST_GATE, lambda: tell_of_gate(here, slack))
    stopped = here.start_and_stop(gated(here), "release-1", FIRST_GATE + 60)
    assert here.end_of(stopped).wait(60)
    tell(here, slack, "Release Ended", outcome="Reverted", cause="Help from outside closed it.")
    assert "*Decided*: Help from outside closed it." in json.dumps(gate_of(slack).body)


def test_a_pause_that_was_resumed_elsewhere_loses_its_buttons_while_the_step_bakes_again(
    here: World, slack: Workspace, published: list[ReleaseEvent]
) -> None:
    seen: list[set[str]] = []

    def pause() -> None:
        here.signal("pause", by="john")
        here.clock.sleep(1)
        tell_of_gate(here, slack)
        here.clock.sleep(60)
        seen.append(set(gate_of(slack).buttons))
        here.signal("resume", by="jane")

    def bake_again() -> None:
        tell(here, slack, "Release Resumed")
        seen.append(set(gate_of(slack).buttons))

    here.clock.after(FIRST_BAKE, pause)
    here.clock.after(FIRST_BAKE + 200, bake_again)
    steps = [{"weight": 5, "bake_seconds": 300}, {"weight": 100, "bake_seconds": 300}]
    paused = {**gated(here), "profile": profile(steps=steps)}
    assert here.release(paused).state == "Released"
    assert seen == [{"decide-promote", "decide-resume", "decide-revert"}, set()]
    assert [event.detail_type for event in published].count("Release Resumed") == 1
    assert "*Decided*: resume by jane (claimed)" in json.dumps(gate_of(slack).body)


def test_a_pause_that_nobody_ended_was_not_decided_by_who_asked_for_it(
    here: World, slack: Workspace
) -> None:
    def pause() -> None:
        here.signal("pause", by="john")
        tell_of_gate(here, slack)

    here.clock.after(FIRST_BAKE, pause)
    assert here.release(gated(here, on_timeout="revert")).state == "Reverted"
    tell(here, slack, "Release Ended", outcome="Reverted", cause="nobody answered")
    assert '*Decided*: nobody decided in time"' in json.dumps(gate_of(slack).body)


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


JUDGE = {
    "metrics": [
        {"kind": "errors"},
        {
            "kind": "custom",
            "name": "busy",
            "period": 10,
            "canary": {"requests": [SERIES], "bad": [SERIES]},
            "primary": {"requests": [SERIES], "bad": [SERIES]},
        },
        {"kind": "logs", "log": {"group": "/shop", "status": "status"}},
    ]
}


def keep_counts(here: World) -> None:
    """Of a release whose periods are of two lengths, beside its log."""
    execution = here.arn("release-1")
    release = a_release(execution=execution, judge=JUDGE)
    assert release.judge is not None
    table.change(ledger.keep_document(release))
    for name, period, counts in (
        ("errors", 60, (1_200, 30, 22_800, 20)),
        ("busy", 10, (200, 4, 1_000, 5)),
    ):
        compared = Compared(tallies={name: Tally(of_release=counts)}, last=60)
        evidence.write(execution, Compared(), [], compared, period)
    batches.begin_step(execution, 0, 1_000)
    read = LogCounts(counts={0: {"logs": Read(requests=900, bad=7, unread=3)}})
    batches.keep(execution, "0a", read, release.judge)


def test_the_end_has_the_course_and_what_was_counted(here: World, slack: Workspace) -> None:
    keep_counts(here)
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
    assert "busy: the canary gave 4 of 200 (2 %) bad answers, the primary 5 of 1,000" in shifted
    logged = "logs: the canary gave 7 of 900 (0.78 %) bad answers, and 1 % are tolerated"
    assert f"{logged}; 3 lines could not be read" in shifted
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
