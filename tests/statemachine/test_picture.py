"""The picture of real releases as `show` answers it, while they run and afterwards."""

import json
from typing import Any

import pytest

from tests.builders import profile, request
from tests.statemachine.runner import World


def store(here: World, **changed: Any) -> None:
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(profile(**changed))


def picture(here: World, release: str = "release-1") -> Any:
    return here.ask("show", release=release)["picture"]


def kinds(waits: list[Any]) -> list[str]:
    return [wait["kind"] for wait in waits]


def test_a_gated_release_is_seen_at_its_gate_and_who_ended_it_afterwards(here: World) -> None:
    store(here, promotion={"approval": True, "gate_seconds": 600})
    seen: list[Any] = []
    here.clock.after(100, lambda: seen.append(picture(here)))
    here.clock.after(1_200, lambda: seen.append(picture(here)))
    here.clock.after(1_250, lambda: here.signal("resume", by="jane"))
    assert here.release({**request(), "by": "john"}).state == "Released"
    baking, gated = seen
    assert (baking["phase"], baking["step"], baking["weight"]) == ("rollout", 0, 5)
    assert baking["waiting"]["kind"] == "bake"
    assert baking["tasks"]["canary"]["running"] >= 1
    assert list(baking["routes"].values()) == ["95:5"]
    assert gated["waiting"]["kind"] == "gate"
    assert gated["waiting"]["ends_on"] == ["promote", "resume", "revert"]
    assert gated["left_seconds"] is None
    over = picture(here)
    assert (over["phase"], over["outcome"], over["weight"]) == ("over", "Released", 0)
    assert [each["weight"] for each in over["weights"]] == [5, 50, 100, 0]
    assert kinds(over["steps"][2]["waits"]) == ["settle", "bake", "gate"]
    assert over["steps"][2]["waits"][2]["ended_by"] == "resume by jane (claimed)"
    verdicts = [verdict for step in over["steps"] for verdict in step["verdicts"]]
    assert [verdict["next"] for verdict in verdicts] == ["shift", "shift", "gate", "promote"]
    assert verdicts[0]["alarms"][0]["state"] == "OK"
    assert [deployed["side"] for deployed in over["deployed"]] == ["canary", "primary"]
    assert all(deployed["steady_at"] for deployed in over["deployed"])
    assert over["returning"]["rested_at"] >= over["returning"]["began_at"]
    [image] = over["images"]
    assert image["before"].startswith("shop:v1@sha256:")
    assert image["after"].startswith("shop:v2@sha256:")
    # The same evidence gives the same picture, whoever asks, by whichever name.
    again = picture(here, "checkout")
    assert {**again, "drawn_at": 0} == {**over, "drawn_at": 0}


def test_what_nothing_holds_goes_as_planned(here: World) -> None:
    """Acts take no time here, so that nothing is between a bake and the next weight."""
    assert here.release(request()).state == "Released"
    over = picture(here)
    assert [each["weight"] for each in over["planned"]] == [5, 50, 100]
    assert over["weights"][:3] == over["planned"]


def test_an_alarm_that_reverts_is_the_last_that_is_said(here: World) -> None:
    here.clock.after(100, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    assert here.release(request()).state == "Reverted"
    over = picture(here)
    assert over["last"]["source"] == "signal"
    assert over["last"]["by"] == "alarm example2-5xx"
    assert [step["state"] for step in over["steps"]] == ["past", "left out", "left out"]
    assert over["steps"][0]["waits"][-1]["ended_by"].startswith("revert by alarm example2-5xx")
    # Who heard of the alarm has read it back, and the execution again.
    assert {each["weight"] for each in over["returning"]["reads"]} == {0}


def test_a_dead_execution_is_seen_as_one_and_what_help_did_of_it(here: World) -> None:
    here.lost = {"ReconcileFunction"}
    arn = here.start_and_stop(request(), "release-1", 100)
    here.wait(arn)
    dead = picture(here)
    assert (dead["alive"], dead["phase"], dead["waiting"]) == (False, "rollout", None)
    here.lost = set()
    here.pass_minutes(2)
    over = picture(here)
    assert (over["phase"], over["outcome"], over["weight"]) == ("over", "Reverted", 0)
    assert over["returning"] is None or over["returning"]["reads"]


def test_a_promotion_that_failed_waits_outside_of_the_steps(here: World) -> None:
    store(here, promotion={"gate_seconds": 600})
    here.cloud.broken_images = {("example1", "shop:v2")}
    seen: list[Any] = []
    here.clock.after(1_400, lambda: seen.append(picture(here)))
    here.release(request())
    [gated] = seen
    assert gated["waiting"]["kind"] == "failed"
    assert gated["waiting"]["ends_on"] == ["retry", "revert"]
    over = picture(here)
    assert kinds(over["waits"]) == ["failed"]
    assert over["deployed"][1]["steady_at"] is None


def test_a_promotion_that_was_tried_again_is_seen_as_it_went(here: World) -> None:
    here.cloud.broken_images = {("example1", "shop:v2")}

    def mend() -> None:
        here.cloud.broken_images = set()
        here.signal("retry")

    here.clock.after(2_000, mend)
    assert here.release(request()).state == "Released"
    canary, failed, old, new = picture(here)["deployed"]
    assert [each["side"] for each in (canary, failed, old, new)] == ["canary", *["primary"] * 3]
    assert canary["at"] < failed["at"] < old["at"] < new["at"] < new["steady_at"]
    assert (failed["replaced_at"], old["replaced_at"]) == (old["at"], new["at"])
    assert failed["steady_at"] is old["steady_at"] is new["replaced_at"] is None
    assert old["revision"] not in (failed["revision"], new["revision"])


def test_a_verdict_is_kept_with_what_its_alarms_said(here: World) -> None:
    assert here.release(request()).state == "Released"
    verdicts = [verdict for step in picture(here)["steps"] for verdict in step["verdicts"]]
    assert {a["reason"] for v in verdicts for a in v["alarms"]} == {"Threshold Crossed: 9 > 3"}


def test_ready_task_definitions_are_compared_without_any_value(here: World) -> None:
    private = "nobody may read this"
    ready = {
        "primary": here.cloud.register("example1", "shop:v2"),
        "canary": here.cloud.register("example2", "shop:v2"),
    }
    app, *_ = here.cloud.definitions["example1"][-1]["containerDefinitions"]
    assert app["name"] == "app"
    app["environment"] = [{"name": "TOKEN", "value": private}]
    assert here.release(request(images=None, task_definitions=ready)).state == "Released"
    changes = picture(here)["changes"]
    assert "app environment TOKEN: added" in changes
    assert private not in json.dumps(here.ask("show", release="release-1"))


def test_the_lease_has_forgotten_by_the_next_release(here: World) -> None:
    assert here.release(request()).state == "Released"
    assert "moments" not in here.lease()
    first = picture(here)
    assert here.release(request(images={"app": "shop:v3"}), "release-2").state == "Released"
    second = picture(here, "release-2")
    assert min(each["at"] for each in second["weights"]) > first["ended_at"]


def test_what_is_told_costs_an_item_for_each_verdict_and_a_small_lease(here: World) -> None:
    seen: list[Any] = []
    here.clock.after(1_000, lambda: seen.append(here.lease()))
    assert here.release(request()).state == "Released"
    [lease] = seen
    assert lease["moments"]["L"]
    # What one read of DynamoDB has.
    assert len(json.dumps(lease)) < 4_096
    told = [item["kind"]["S"] for item in here.ledger() if item["sk"]["S"].startswith("event#")]
    assert told == ["verdict"] * 3


@pytest.mark.parametrize("since", ["", "2026-01-01"])
def test_the_releases_of_all_services_since_a_day(here: World, since: str) -> None:
    for number in range(3):
        here.release(request(images={"app": f"shop:v{number + 2}"}), f"release-{number}")
        here.clock.sleep(86_400)
    found = here.ask("history", since=since)
    names = [each["execution"].rpartition(":")[2] for each in found["releases"]]
    assert names == ["release-2", "release-1", "release-0"]
    while found["after"] is not None:
        found = here.ask("history", since=since, after=found["after"])
        assert found["releases"] == []
    assert here.ask("history", service="checkout", since=since)["after"] is None
    late = here.clock.now().date().isoformat()
    assert here.ask("history", service="checkout", since=late)["releases"] == []
    mark = f"release#{0:012}#x"
    for question in ({"since": "2026-13-01"}, {"since": "yesterday"}, {"after": mark}):
        with pytest.raises(AssertionError, match=r"since: |after: "):
            here.ask("history", **question)
