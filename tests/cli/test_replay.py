"""A replay asks for what was counted, and judges it here: on a load balancer with its zones, and
on a mesh without."""

import json
from typing import Any

import pytest

from tests.builders import profile, request
from tests.cli.conftest import Command
from tests.cli.test_questions import executions
from tests.fakes.fronts import AlbCloud
from tests.statemachine.runner import World

STEPS = [{"weight": 20, "bake_seconds": 300}, {"weight": 100, "bake_seconds": 300}]
KEYS = ["service", "days", "judge", "releases", "false_reverts", "found", "notes"]
FAST = {"deadline_seconds": 120, "check_seconds": 10}


@pytest.fixture
def balanced(stack: World) -> World:
    """The service behind a load balancer."""
    parameters = stack.cloud.parameters
    stack.cloud = AlbCloud(stack.clock)
    stack.cloud.parameters.update(parameters)
    store(stack)
    return stack


def store(here: World, **changed: Any) -> None:
    whole = profile(traffic=[here.cloud.traffic], steps=STEPS, deployment=FAST, **changed)
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(whole)


def replayed(command: Command, *words: str) -> Any:
    done = command("replay", "checkout", "--json", "--days", "1", *words)
    assert done.code == 0, done.out + done.err
    return done.json


def test_zones_that_are_alike_and_one_that_is_worse(balanced: World, command: Command) -> None:
    before = balanced.ledger()
    found = replayed(command)
    assert list(found) == KEYS
    assert [each["zone"] for each in found["false_reverts"]] == [
        "us-east-1a",
        "us-east-1b",
        "us-east-1c",
        "all",
    ]
    *zones, every = found["false_reverts"]
    assert (every["reverted"], every["low"]) == (0, 0.0)
    # A day has that many releases of twelve minutes.
    assert [each["releases"] for each in zones] == [1_440 // 12] * 3
    assert 0 < every["high"] < 0.05
    # Without a judge in the profile it is that of {}, with what the plan would fill in.
    assert [metric["kind"] for metric in found["judge"]["metrics"]] == ["errors", "latency"]
    assert found["judge"]["metrics"][1]["slower_than_ms"] == 400
    assert "has no judge" in found["notes"][0]
    assert (executions(balanced), balanced.ledger()) == (0, before)
    balanced.cloud.zone_bad = lambda zone, _at: 0.02 if zone == "us-east-1b" else 0.0
    *zones, every = replayed(command)["false_reverts"]
    assert zones[1]["reverted"] == zones[1]["releases"]
    assert zones[1]["low"] > 0.95
    text = command("replay", "checkout", "--days", "1").out
    assert "us-east-1b" in text
    assert "not independent" in text
    assert "A random split says nothing of false reverts" in text


def test_a_rise_is_found_and_a_larger_one_sooner(balanced: World, command: Command) -> None:
    two, five, twenty = replayed(command)["found"]
    assert [each["factor"] for each in (two, five, twenty)] == [2, 5, 20]
    assert two["found"] <= five["found"] == five["releases"] == twenty["found"]
    assert twenty["seconds"] <= five["seconds"]


def test_old_releases_are_judged_again(stack: World, command: Command) -> None:
    store(stack, judge={"observe": True})
    stack.cloud.bad = lambda side, _at: 0.02 if side == "canary" else 0.003
    assert stack.release(request(), "worse").state == "Released"
    stack.cloud.bad = lambda _side, _at: 0.003
    assert stack.release(request(images={"app": "shop:v3"}), "alike").state == "Released"
    good, worse = replayed(command)["releases"]
    assert (good["execution"].rpartition(":")[2], good["was"]) == ("alike", "Released")
    assert (good["outcome"], good["seconds"]) == ("good", None)
    assert (worse["was"], worse["outcome"]) == ("Released", "revert")
    assert 0 < worse["seconds"] <= 300
    assert "errors: the canary gave" in worse["reason"]
    text = command("replay", "checkout", "--days", "1").out
    assert "revert" in text
    # What began before the days that are asked for is left out, and so are the metrics of a mesh.
    stack.pass_minutes(1)
    stack.clock.sleep(2 * 86_400)
    later = command("replay", "checkout", "--days", "1").out
    assert "the ledger has the counts of none" in later
    assert "metrics of fewer than two zones" in later


def test_that_a_release_was_judged_by_its_log_is_told(stack: World, command: Command) -> None:
    """Its log reverted it, and of that there are sums alone."""
    log = {"kind": "logs", "name": "access", "log": {"group": "/ecs/checkout", "status": "status"}}
    stack.cloud.log_requests("/ecs/checkout")
    stack.cloud.bad = lambda side, _at: float(side == "canary")
    store(stack, judge={"metrics": [log]})
    assert stack.release(request(), "by-log").state == "Reverted"
    stack.cloud.bad = lambda _side, _at: 0.0
    store(stack)
    (release,) = replayed(command)["releases"]
    assert (release["rows"], release["outcome"], release["logged"]) == (0, "undecided", ["access"])
    assert "its log is left out: access" in command("replay", "checkout", "--days", "1").out


def test_all_pages_are_asked_for(balanced: World, command: Command) -> None:
    calls = len(balanced.cloud.calls)
    done = command("replay", "checkout", "--days", "3")
    assert "day 3 of 3" in done.out
    asked = [
        (given["StartTime"], given["EndTime"])
        for name, given in balanced.cloud.calls[calls:]
        if name == "cloudwatch.GetMetricData" and len(given["MetricDataQueries"]) > 20
    ]
    assert len(asked) == 3
    # One day ends where the other begins.
    assert [end for _, end in asked[1:]] == [start for start, _ in asked[:-1]]


def test_rows_come_page_by_page(
    stack: World, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(stack, judge={"observe": True})
    stack.release(request(), "one")
    whole = replayed(command)["releases"]
    monkeypatch.setattr("stepcanary.store.evidence.ROWS_PER_PAGE", 2)
    assert replayed(command)["releases"] == whole
    assert whole[0]["rows"] > 4


@pytest.mark.parametrize("days", ["0", "16", "many"])
def test_days_that_cloudwatch_does_not_have_are_refused(
    stack: World, command: Command, days: str
) -> None:
    done = command("replay", "checkout", "--days", days)
    assert (done.code, "--days" in done.err) == (2, True)


def test_a_slip_of_the_pen_and_an_unknown_release_are_told(stack: World, command: Command) -> None:
    done = command("replay", "chekout", "--days", "1")
    assert (done.code, "Services that have one: checkout" in done.err) == (1, True)
    refused = stack.invoke("AnswerQuestionFunction", {"question": "rows", "release": "nobody"})
    assert not refused["accepted"]
    store(stack, canary="nobody")
    assert "nobody" in command("replay", "checkout", "--days", "1").err
