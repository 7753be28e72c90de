"""Who is told that a command failed tries again, although it was carried out: that is one act."""

import json
from typing import Any

import pytest

from tests.builders import profile, request
from tests.slack.conftest import JANE, JOHN, Workspace
from tests.slack.test_app import BY, FIRST_GATE, GATED, signals_of, tell_of_gate
from tests.statemachine.runner import World
from tests.statemachine.timeline import FIRST_BAKE, later


def at(here: World, slack: Workspace, seconds: float, text: str, user: str = JANE) -> None:
    later(here, seconds, lambda: slack.do(text, user))


def started(here: World) -> int:
    executions = here.sfn.list_executions(stateMachineArn=here.machine)["executions"]
    return sum(execution["name"].startswith("slack-") for execution in executions)


@pytest.mark.parametrize(("seconds", "times"), [(50, 1), (70, 2)])
def test_what_is_asked_for_again_within_a_minute_is_done_once(
    here: World, slack: Workspace, seconds: float, times: int
) -> None:
    at(here, slack, FIRST_BAKE, "skip checkout")
    at(here, slack, FIRST_BAKE + seconds, " skip   checkout ")
    assert here.release(request()).state == "Released"
    assert signals_of(here, "release-1") == [f"skip by {BY}"] * times
    assert started(here) == times
    assert ["skip reached release-1" in reply["text"] for reply in slack.replies] == [True, True]


def test_two_people_are_two_and_so_are_two_services(here: World, slack: Workspace) -> None:
    stored = here.cloud.parameters["/stepcanary/profiles/checkout"]
    here.cloud.parameters["/stepcanary/profiles/basket"] = stored
    at(here, slack, FIRST_BAKE, "promote checkout")
    at(here, slack, FIRST_BAKE + 1, "promote checkout", JOHN)
    at(here, slack, FIRST_BAKE + 2, "promote basket")
    assert here.release(request()).state == "Released"
    assert started(here) == 3
    assert "no release of basket is running" in slack.replies[-1]["text"]


def test_what_somebody_else_did_in_between_is_not_undone_in_silence(
    here: World, slack: Workspace
) -> None:
    """Whoever pauses a second time means it, when the first pause was ended."""
    at(here, slack, FIRST_BAKE, "pause checkout")
    at(here, slack, FIRST_BAKE + 10, "resume checkout")
    at(here, slack, FIRST_BAKE + 20, "pause checkout")
    at(here, slack, FIRST_BAKE + 500, "resume checkout")
    outcome = here.release(request())
    assert outcome.state == "Released"
    assert outcome.path.count("Pause") == 2
    kinds = [signal.split(" ")[0] for signal in signals_of(here, "release-1")]
    assert kinds == ["pause", "resume", "pause", "resume"]


def test_what_was_refused_may_be_asked_for_again_at_once(here: World, slack: Workspace) -> None:
    assert "no release of checkout is running" in slack.do("promote checkout")
    at(here, slack, 40, "promote checkout")
    assert here.release(request()).state == "Released"
    assert signals_of(here, "release-1") == [f"promote by {BY}"]


def test_a_look_is_always_a_new_one(here: World, slack: Workspace) -> None:
    assert "no release is running" in slack.do("status checkout")
    at(here, slack, 30, "status checkout")
    assert here.release(request()).state == "Released"
    assert "release release-1 is running" in slack.replies[-1]["text"]


def test_a_second_click_of_the_same_person_is_no_refusal(here: World, slack: Workspace) -> None:
    answers: list[Any] = []

    def click_twice() -> None:
        tell_of_gate(here, slack)
        (shown,) = slack.messages
        before = shown.body
        answers.append(slack.decide("promote"))
        shown.body = before
        answers.append(slack.decide("promote"))

    here.clock.after(FIRST_GATE, click_twice)
    gates = profile(steps=GATED, promotion={"gate_seconds": 7_200})
    assert here.release(request(profile=gates)).state == "Released"
    assert [answer.get("replace_original") for answer in answers] == [True, True]
    assert json.dumps(answers[0]["blocks"]) == json.dumps(answers[1]["blocks"])
    assert signals_of(here, "release-1") == [f"promote by {BY}"]
