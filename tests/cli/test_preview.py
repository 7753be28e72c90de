"""A preview says what a release would be like, by what the fake CloudWatch has counted, and changes
nothing."""

import json
from typing import Any

import pytest

from stepcanary.contracts.questions import Previewed
from tests.builders import profile
from tests.cli.conftest import Command
from tests.cli.test_questions import NEW, executions
from tests.fakes.service import Refusal
from tests.statemachine.runner import World


@pytest.fixture
def judged(stack: World) -> World:
    store(stack, judge={})
    return stack


def store(here: World, **changed: Any) -> None:
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(profile(**changed))


def previewed(command: Command, *words: str) -> Any:
    done = command("preview", "checkout", "--json", *words)
    assert done.code == 0, done.out + done.err
    return done.json


def test_it_says_what_an_outage_costs_in_each_step(judged: World, command: Command) -> None:
    before = judged.ledger()
    found = previewed(command, *NEW)
    assert set(found) == set(Previewed.model_fields)
    assert found["traffic"]["requests_per_minute"] == 6_000
    assert found["traffic"]["bad_share"] == pytest.approx(0.001, rel=0.1)
    weights = [step["weight"] for step in found["steps"]]
    assert weights == [5, 50, 100]
    first, second, last = found["steps"]
    assert second["begins_at"] == 35 + 300 + 20
    # 100 requests a second, of which the canary has a twentieth for as long as that.
    assert first["failed"] >= first["seconds"] * 5
    assert first["failed"] < second["failed"]
    assert last["failed"] >= 100 * last["seconds"]
    assert {each["source"] for each in found["sources"]} == {"judge", "alarm example2-5xx"}
    assert found["seconds"] == 3 * (35 + 300 + 20)
    assert found["longest"] == found["seconds"] + 3 * 900
    assert [each["findings"] for each in found["answers"]] == [[]] * len(found["answers"])
    assert (executions(judged), judged.ledger()) == (0, before)
    text = command("preview", "checkout", *NEW).out
    assert "The canary gets " in text
    assert "yes: the routes are at rest" in text
    assert f"{first['failed']:,}" in text
    assert "requests per minute 6,000" in text


def test_how_soon_a_log_sees_an_outage_follows_from_the_traffic(
    stack: World, command: Command
) -> None:
    log = {"kind": "logs", "name": "access", "log": {"group": "/shop", "status": "status"}}
    stack.cloud.log_filters["/shop"] = {}
    store(stack, judge={"metrics": [log]}, steps=[{"weight": 1}, {"weight": 100}])
    seen = "An outage is seen by log access"
    assert f"{seen} (after 4 or more bad answers) within 10 s" in command("check", "checkout").out
    found = {}
    whole = stack.cloud.requests_per_second
    for factor in (1.0, 0.02):
        stack.cloud.requests_per_second = whole * factor
        [found[factor]] = previewed(command)["sources"][:1]
    # One request of the canary a second, and one in 50 s.
    assert [each["source"] for each in found.values()] == ["log access"] * 2
    assert found[1.0]["seconds"] < 120 < found[0.02]["seconds"]
    assert f"{seen} within {found[0.02]['seconds']} s" in command("preview", "checkout").out


def test_the_busiest_minute_of_the_week_counts(judged: World, command: Command) -> None:
    now = judged.clock.now()

    def busy(first: float, last: float) -> None:
        """Eight times the traffic between so many days ago."""
        judged.cloud.traffic_at = lambda at: (
            8.0 if first < (now - at).total_seconds() / 86_400 < last else 1.0
        )

    busy(2.9, 2.98)
    assert previewed(command)["traffic"]["requests_per_minute"] == 6_000
    # While the release would go on, and in the hour before.
    for when in (2.99, 3.03):
        busy(when, when + 0.005)
        assert previewed(command)["traffic"]["requests_per_minute"] == 48_000


def test_without_a_version_it_is_of_any_release(judged: World, command: Command) -> None:
    named, any_of_them = previewed(command, *NEW), previewed(command)
    assert [s["failed"] for s in named["steps"]] == [s["failed"] for s in any_of_them["steps"]]
    assert any_of_them["cost"] == named["cost"] != ""


def test_what_is_refused_comes_first_and_its_check_says_so(judged: World, command: Command) -> None:
    judged.cloud.write_foreign(40)
    done = command("preview", "checkout", *NEW)
    assert done.code == 1
    assert done.out.startswith("refused: traffic: ")
    assert "no:  the routes are at rest, and can be written back: traffic:" in done.out
    assert "yes: the primary serves" in done.out
    assert "fail at most" in done.out
    # Of services that are not there nothing is known.
    store(judged, canary="nobody")
    found = command("preview", "checkout", "--json").json
    assert (found["steps"], found["traffic"]) == ([], None)
    assert "cannot be read" in found["notes"][0]


def test_a_service_that_nobody_asks_has_no_number(judged: World, command: Command) -> None:
    judged.cloud.requests_per_second = 0.0
    done = command("preview", "checkout")
    assert "no request was counted" in done.out
    assert "not known" in done.out


def test_metrics_that_may_not_be_read_are_said(judged: World, command: Command) -> None:
    def refuse(name: str, _params: Any) -> None:
        if name == "cloudwatch.GetMetricData":
            raise Refusal("AccessDenied", "not authorized to perform: cloudwatch:GetMetricData")

    judged.cloud.before_call = refuse
    found = previewed(command)
    assert found["traffic"] is None
    assert "cloudwatch:GetMetricData" in found["notes"][0]


def test_without_judge_and_alarm_nothing_sees_an_outage(stack: World, command: Command) -> None:
    store(stack, alarms=[])
    found = previewed(command)
    assert found["sources"] == []
    assert [step["seconds"] for step in found["steps"]] == [None] * 3
    assert any("nothing is sure" in note for note in found["notes"])
    assert "not sure to be seen" in command("preview", "checkout").out


def test_a_ramp_for_a_budget(judged: World, command: Command) -> None:
    generous = previewed(command, "--budget", "1000000")["ramp"]
    assert all(step["within"] for step in generous["steps"])
    tight = previewed(command, "--budget", "4000")["ramp"]
    assert tight["steps"][0]["within"]
    assert not tight["steps"][-1]["within"]
    text = command("preview", "checkout", "--budget", "4000").out
    assert "For 4,000 failed requests" in text
    assert "No ramp keeps all steps within that" in text
    assert "over the budget" in text
    assert "No ramp" not in command("preview", "checkout", "--budget", "1000000").out


@pytest.mark.parametrize("budget", ["0", "-1", "many"])
def test_a_budget_of_nothing_is_refused(judged: World, command: Command, budget: str) -> None:
    done = command("preview", "checkout", "--budget", budget)
    assert (done.code, "--budget" in done.err) == (2, True)


def test_no_word_of_aws_or_people_begins_a_line(judged: World, command: Command) -> None:
    def refuse(name: str, _params: Any) -> None:
        if name == "cloudwatch.GetMetricData":
            raise Refusal("AccessDenied", "it is late\ncheckout can be released")

    judged.cloud.before_call = refuse
    done = command("preview", "checkout", *NEW)
    assert "it is late checkout can be released" in done.out
    verdicts = [line for line in done.out.splitlines() if line.startswith("checkout can")]
    assert len(verdicts) == 1
