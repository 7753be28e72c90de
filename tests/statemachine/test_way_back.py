"""The way back: signals, alarms, foreign writes, failed promotions, and help from outside."""

import json
from typing import Any

import pytest

from stepcanary.aws import clients
from stepcanary.domain.lease import Lease
from stepcanary.domain.stage import OPENING
from stepcanary.store import leases, table
from stepcanary.store.lease_items import lease_key
from stepcanary.store.table import Change, ItemKey, Put
from tests.builders import profile, request, traffic
from tests.fakes.cloud import Document, Refusal
from tests.statemachine.runner import Outcome, World
from tests.statemachine.timeline import FIRST_BAKE, LAST_BAKE, PRIMARY_ROLLS, later, timed


def at_rest_on(here: World, image: str) -> bool:
    here.cloud.advance()
    rest = (here.cloud.weight("example1"), here.cloud.weight("example2")) == (100, 0)
    return rest and here.cloud.running_image("example1") == image


def fire(here: World, name: str = "example2-5xx", state: str = "ALARM") -> Any:
    return lambda: here.cloud.set_alarm(name, state)


def test_an_alarm_ends_the_bake_at_once(here: World) -> None:
    fired: list[float] = []

    def mark(_primary: int, canary: int) -> None:
        if canary == 0:
            fired.append((here.clock.now() - when[0]).total_seconds())

    when: list[Any] = []
    here.cloud.on_write = mark

    def go_off() -> None:
        when.append(here.clock.now())
        here.cloud.set_alarm("example2-5xx", "ALARM")

    here.clock.after(FIRST_BAKE, go_off)
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "alarm example2-5xx" in outcome.cause
    assert fired == [0.0]
    assert here.cloud.weights == [(95, 5), (100, 0)]


def test_a_composite_alarm_reverts_like_any_other(here: World) -> None:
    here.cloud.combine("all-of-it", 'ALARM("example2-5xx")')
    here.clock.after(FIRST_BAKE, fire(here, "all-of-it"))
    outcome = here.release(request(profile=profile(alarms=["all-of-it"])))
    assert outcome.state == "Reverted"
    assert "all-of-it" in outcome.cause


def test_an_alarm_that_nobody_watches_changes_nothing(here: World) -> None:
    here.clock.after(FIRST_BAKE, fire(here, "somebody-elses"))
    assert here.release(request()).state == "Released"


def test_an_alarm_that_fired_and_cleared_is_seen_when_its_event_is_lost(here: World) -> None:
    here.lost.add("RelayAlarmFunction")
    here.clock.after(FIRST_BAKE, fire(here))
    here.clock.after(FIRST_BAKE + 30, fire(here, state="OK"))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "it fired at 00:01:40 UTC and has cleared since" in outcome.cause


def test_an_event_of_before_the_release_is_none_of_its_business(here: World) -> None:
    detail = {
        "alarmName": "example2-5xx",
        "state": {"value": "ALARM", "reason": "", "timestamp": "2026-11-23T23:59:00.000+0000"},
    }
    late = {"detail": detail}
    here.clock.after(FIRST_BAKE, lambda: here.invoke("RelayAlarmFunction", late))
    assert here.release(request()).state == "Released"


@pytest.mark.parametrize("seconds", [12, FIRST_BAKE, 400, LAST_BAKE])
def test_a_revert_is_obeyed_whenever_it_comes(here: World, seconds: float) -> None:
    here.clock.after(seconds, lambda: here.signal("revert", by="jane"))
    outcome, took = timed(here, lambda: here.release(request()))
    assert outcome.state == "Reverted"
    assert "revert by jane (claimed)" in outcome.cause
    # The router follows, and requests that go on have their time.
    assert took < seconds + 95
    assert at_rest_on(here, "shop:v1")


def test_a_promote_ends_every_bake_and_goes_step_by_step(here: World) -> None:
    here.clock.after(FIRST_BAKE, lambda: here.signal("promote"))
    outcome, took = timed(here, lambda: here.release(request()))
    assert outcome.state == "Released"
    assert here.cloud.weights == [(95, 5), (50, 50), (0, 100), (100, 0)]
    assert took < FIRST_BAKE + 175


def test_a_promote_does_not_go_over_an_alarm(here: World) -> None:
    here.lost.add("RelayAlarmFunction")
    here.clock.after(FIRST_BAKE, fire(here))
    here.clock.after(FIRST_BAKE + 1, lambda: here.signal("promote"))
    assert here.release(request()).state == "Reverted"


GATE: Document = {"approval": True, "gate_seconds": 3_600}


@pytest.mark.parametrize(
    ("on_timeout", "signal", "state"),
    [
        ("revert", None, "Reverted"),
        ("promote", None, "Released"),
        ("revert", "promote", "Released"),
        ("promote", "revert", "Reverted"),
    ],
)
def test_the_gate_waits_for_a_person(
    here: World, on_timeout: str, signal: str | None, state: str
) -> None:
    gated = profile(promotion={**GATE, "on_timeout": on_timeout})
    if signal:
        here.clock.after(2_000, lambda: here.signal(signal))
    outcome, took = timed(here, lambda: here.release(request(profile=gated)))
    assert outcome.state == state
    assert (took > 4_500) == (signal is None)


def test_an_alarm_reverts_while_the_gate_waits(here: World) -> None:
    here.clock.after(2_000, fire(here))
    outcome, took = timed(here, lambda: here.release(request(profile=profile(promotion=GATE))))
    assert outcome.state == "Reverted"
    assert took < 2_100


def test_signals_that_mean_nothing_are_refused(here: World) -> None:
    assert "no release of checkout is running" in here.signal("revert")["refused"]
    assert "signal is not valid" in here.signal("dance")["refused"]
    refused: list[str] = []
    here.clock.after(FIRST_BAKE, lambda: refused.append(here.signal("retry")["refused"]))
    here.clock.after(PRIMARY_ROLLS, lambda: refused.append(here.signal("promote")["refused"]))
    assert here.release(request()).state == "Released"
    assert len(refused) == 2
    assert "no promotion of it has failed" in refused[0]
    assert "it is promoted already" in refused[1]


def test_a_second_release_is_rejected_and_told_who_has_the_split(here: World) -> None:
    second: list[Outcome] = []

    def start(wanted: Document, name: str) -> None:
        second.append(here.release(wanted, name))

    other = request(service="basket", profile=profile(), images={"app": "shop:v9"})
    here.clock.after(FIRST_BAKE, lambda: start(request(), "release-2"))
    here.clock.after(400, lambda: start(other, "basket-1"))
    here.clock.after(PRIMARY_ROLLS, lambda: start(request(), "release-3"))
    arn = here.start(request())
    assert here.wait(arn).state == "Released"
    assert [outcome.state for outcome in second] == ["Rejected"] * 3
    assert all(arn in outcome.cause for outcome in second)
    assert here.cloud.running_image("example1") == "shop:v2"


@pytest.mark.parametrize("lost", [False, True])
def test_a_stopped_release_is_brought_home_from_outside(here: World, lost: bool) -> None:
    if lost:
        here.lost.add("ReconcileFunction")
    outcome = here.wait(here.start_and_stop(request(), "release-1", 400))
    assert outcome.status == "ABORTED"
    here.clock.sleep(0)
    assert (here.cloud.weight("example2") == 0) is not lost
    here.lost.clear()
    here.pass_minutes(3)
    assert at_rest_on(here, "shop:v1")
    assert here.records() == {"release-1": "Reverted"}
    assert "holder" not in here.lease()
    assert here.cloud.services["example2"]["desiredCount"] == 0


def test_a_release_that_dies_while_the_primary_rolls_goes_back_by_way_of_the_old(
    here: World,
) -> None:
    here.wait(here.start_and_stop(request(), "release-1", PRIMARY_ROLLS))
    here.clock.sleep(0)
    # The primary is between two versions: the canary is the healthy copy.
    assert here.cloud.weight("example2") == 100
    here.pass_minutes(4)
    assert at_rest_on(here, "shop:v1")
    assert here.records() == {"release-1": "Reverted"}


def test_a_dead_release_is_put_right_by_the_next_one(here: World) -> None:
    here.lost.add("ReconcileFunction")
    here.wait(here.start_and_stop(request(), "release-1", 400))
    assert here.cloud.weight("example2") == 50
    outcome = here.release(request(images={"app": "shop:v3"}), "release-2")
    assert outcome.state == "Released", outcome
    assert at_rest_on(here, "shop:v3")
    assert here.records() == {"release-1": "Reverted", "release-2": "Released"}


def refuse_writes(here: World) -> None:
    def refuse(name: str, _params: Document) -> None:
        if name == "appmesh.UpdateRoute":
            raise Refusal("ForbiddenException", "no", 403)

    here.cloud.before_call = refuse


def test_a_revert_that_aws_refuses_is_tried_for_its_time_and_then_by_help(here: World) -> None:

    def go_wrong() -> None:
        refuse_writes(here)
        here.signal("revert")

    here.clock.after(FIRST_BAKE, go_wrong)
    outcome, took = timed(here, lambda: here.release(request()))
    assert outcome.state == "RevertFailed"
    assert "TRAFFIC MAY STILL REACH THE NEW VERSION" in outcome.cause
    assert "ForbiddenException" in outcome.cause
    assert 900 < took < 1_200
    assert "holder" in here.lease()
    assert here.invoke("ReconcileFunction", {})["stranded"]
    rejected = here.release(request(images={"app": "shop:v3"}), "release-2")
    assert rejected.state == "Rejected"
    here.cloud.before_call = lambda _name, _params: None
    here.pass_minutes(3)
    assert here.invoke("ReconcileFunction", {})["stranded"] == []
    assert at_rest_on(here, "shop:v1")
    assert here.records() == {"release-1": "Reverted"}


@pytest.mark.parametrize("seconds", [5, FIRST_BAKE, 400, LAST_BAKE, PRIMARY_ROLLS])
def test_a_foreign_write_is_detected_reverted_and_named(here: World, seconds: float) -> None:
    here.clock.after(seconds, lambda: here.cloud.write_foreign(30))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "somebody else wrote route example" in outcome.cause
    assert "70:30" in outcome.cause
    assert at_rest_on(here, "shop:v1")


def test_a_split_that_is_moved_after_the_revert_is_put_right_and_named(here: World) -> None:
    here.clock.after(FIRST_BAKE, lambda: here.signal("revert"))
    here.clock.after(FIRST_BAKE + 10, lambda: here.cloud.write_foreign(30))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "somebody else wrote route example" in outcome.cause
    assert outcome.path.count("ConfirmRest") == 2
    assert at_rest_on(here, "shop:v1")


def test_who_never_stops_moving_the_split_ends_in_revert_failed(here: World) -> None:
    def meddle() -> None:
        here.cloud.write_foreign(30)
        here.clock.after(5, meddle)

    here.clock.after(FIRST_BAKE, meddle)
    outcome = here.release(request())
    assert outcome.state == "RevertFailed"
    assert here.invoke("ReconcileFunction", {})["stranded"] or here.cloud.weight("example2") == 0


def test_a_split_that_is_moved_while_nobody_releases_is_told_and_left_alone(here: World) -> None:
    assert here.release(request()).state == "Released"
    assert here.invoke("ReconcileFunction", {})["stranded"] == []
    here.cloud.write_foreign(30)
    (message,) = here.invoke("ReconcileFunction", {})["stranded"]
    assert "no release is running" in message
    assert here.cloud.weight("example2") == 30


def broken_primary(here: World) -> None:
    here.cloud.broken_images = {("example1", "shop:v2")}


def test_a_failed_promotion_is_tried_again_when_an_operator_says_so(here: World) -> None:
    broken_primary(here)

    def mend() -> None:
        # All the while the canary serves, and the primary has its old version back.
        assert here.cloud.weights[-1] == (0, 100)
        assert here.cloud.running_image("example1") == "shop:v1"
        here.cloud.broken_images = set()
        here.signal("retry")

    here.clock.after(2_000, mend)
    outcome = here.release(request())
    assert outcome.state == "Released", outcome
    assert outcome.path.count("Promotion") == 2
    assert at_rest_on(here, "shop:v2")


@pytest.mark.parametrize("again", [1, 3])
def test_a_retry_that_fails_comes_back_to_the_gate(here: World, again: int) -> None:
    broken_primary(here)
    for number in range(again):
        here.clock.after(2_000 * (number + 1), lambda: here.signal("retry"))
    here.clock.after(2_000 * (again + 1), lambda: here.signal("revert"))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert outcome.path.count("PromotionGate") == again + 1
    assert at_rest_on(here, "shop:v1")


def test_a_failed_promotion_may_stay_for_a_person(here: World) -> None:
    broken_primary(here)
    staying = profile(promotion={"gate_seconds": 600, "on_failure_timeout": "stay"})
    outcome = here.release(request(profile=staying))
    assert outcome.state == "PromotionFailed"
    here.pass_minutes(5)
    assert here.cloud.weight("example2") == 100
    (message,) = here.invoke("ReconcileFunction", {})["stranded"]
    assert "a person has to decide" in message
    assert here.release(request(images={"app": "shop:v3"}), "release-2").state == "Rejected"
    here.signal("revert")
    here.pass_minutes(3)
    assert at_rest_on(here, "shop:v1")
    assert here.records()["release-1"] == "Reverted"
    assert "holder" not in here.lease()


def test_a_failed_promotion_that_a_person_has_mended_is_closed(here: World) -> None:
    broken_primary(here)
    staying = profile(promotion={"gate_seconds": 600, "on_failure_timeout": "stay"})
    assert here.release(request(profile=staying)).state == "PromotionFailed"
    here.cloud.write_foreign(0)
    here.pass_minutes(3)
    assert "holder" not in here.lease()
    assert at_rest_on(here, "shop:v1")


# docs/way-back.md has this table for people.
DECISIONS: dict[str, tuple[float, bool, str, str]] = {
    "in the last bake": (LAST_BAKE, False, "Reverted", "Revert"),
    "at the gate before promotion": (1_500, False, "Reverted", "Revert"),
    "while old tasks of the primary serve": (PRIMARY_ROLLS, False, "Reverted", "RestorePrimary"),
    "as new tasks take their place": (PRIMARY_ROLLS + 12, False, "Reverted", "RestorePrimary"),
    "when no old task is left": (PRIMARY_ROLLS + 16, False, "Reverted", "ReturnToOldPrimary"),
    "while the primary fails to start": (PRIMARY_ROLLS, True, "Reverted", "RestorePrimary"),
    "at the gate of a failed promotion": (2_000, True, "Reverted", "ReturnToOldPrimary"),
    "after the weights are back": (1_070, False, "Reverted", "RestoreReturned"),
    "while requests go on at the canary": (1_105, False, "Reverted", "RestoreReturned"),
}


@pytest.mark.parametrize("lost", [False, True], ids=["told", "event lost"])
@pytest.mark.parametrize("moment", DECISIONS)
def test_the_canary_alarms_around_its_promotion(here: World, moment: str, lost: bool) -> None:
    seconds, broken, state, through = DECISIONS[moment]
    if broken:
        broken_primary(here)
    if lost:
        here.lost.add("RelayAlarmFunction")
    here.clock.after(seconds, fire(here))
    promotion = {"approval": moment == "at the gate before promotion", "gate_seconds": 3_600}
    if promotion["approval"]:
        here.clock.after(2_500, lambda: here.signal("promote"))
    outcome = here.release(request(profile=profile(promotion=promotion)))
    assert outcome.state == state, outcome
    assert through in outcome.path
    assert at_rest_on(here, "shop:v2" if state == "Released" else "shop:v1")
    assert here.cloud.weights[-2:] == [(0, 100), (100, 0)]


OLD_TASKS: dict[str, tuple[float, float, int, float]] = {
    "all serve": (60, 15, 100, 0),
    "half of them serve": (60, 50, 100, 0),
    "none serves any more": (15, 15, 100, 20),
    "they go before others come": (60, 15, 50, 75),
}
"""The seconds that tasks of the primary start in, those after its deployment at which the alarm
fires, the service's minimumHealthyPercent, and the seconds in which the weights have to be back."""


@pytest.mark.parametrize("signal", ["alarm", "person"])
@pytest.mark.parametrize("case", OLD_TASKS)
def test_traffic_comes_back_to_old_tasks_that_serve(here: World, case: str, signal: str) -> None:
    startup, after, least, bound = OLD_TASKS[case]
    at: dict[str, float] = {}

    def now() -> float:
        return here.clock.now().timestamp()

    def go_off() -> None:
        at["doubted"] = now()
        fire(here)() if signal == "alarm" else here.signal("revert")

    def see(name: str, params: Document) -> None:
        if name == "ecs.UpdateService" and params["service"] == "example1" and not at:
            at["deployed"] = now()
            here.clock.after(after, go_off)

    def written(_primary: int, canary: int) -> None:
        if canary == 100:
            here.cloud.startup_seconds = startup
        if canary == 0:
            at["back"] = now()

    here.cloud.roll_by("example1", least, 200)
    here.cloud.after_call, here.cloud.on_write = see, written
    outcome = here.release(request())
    assert outcome.state == "Reverted", outcome.cause
    assert 0 <= at["back"] - at["doubted"] <= bound
    assert at_rest_on(here, "shop:v1")


def test_a_route_that_refuses_is_tried_again_while_the_old_version_comes_back(here: World) -> None:
    """Whoever heard of the alarm could not write it, nor could the execution at first."""
    refused: list[str] = []

    def refuse(name: str, _params: Document) -> None:
        if name == "appmesh.UpdateRoute" and len(refused) < 2:
            refused.append(name)
            raise Refusal("ForbiddenException", "no", 403)

    def go_off() -> None:
        here.cloud.before_call = refuse
        here.cloud.startup_seconds = 60
        here.cloud.set_alarm("example2-5xx", "ALARM")

    here.clock.after(PRIMARY_ROLLS, go_off)
    back = later(here, PRIMARY_ROLLS + 30, here.cloud.split)
    outcome = here.release(request())
    assert outcome.state == "Reverted", outcome.cause
    assert "RestoreInPlace" in outcome.path
    assert (len(refused), back) == (2, [(100, 0)])
    assert at_rest_on(here, "shop:v1")


@pytest.mark.parametrize("seconds", [0.5, 20])
def test_help_takes_the_traffic_back_as_well(here: World, seconds: float) -> None:
    """A person says revert and the execution dies: before it heard of that, and as the old version
    comes back."""
    here.lost |= {"RelayAlarmFunction", "ReconcileFunction"}
    here.clock.after(PRIMARY_ROLLS - 1, lambda: setattr(here.cloud, "startup_seconds", 200.0))
    here.clock.after(PRIMARY_ROLLS + 1, lambda: here.signal("revert"))
    here.wait(here.start_and_stop(request(), "release-1", PRIMARY_ROLLS + 1 + seconds))
    here.lost.clear()
    here.pass_minutes(1)
    assert here.cloud.split() == (100, 0)
    assert "holder" in here.lease()
    here.cloud.startup_seconds = 15.0
    here.pass_minutes(5)
    assert at_rest_on(here, "shop:v1")
    assert here.records() == {"release-1": "Reverted"}


@pytest.mark.parametrize(
    ("call", "new_on_primary"), [("cloudwatch.DescribeAlarms", 0), ("servicediscovery", 1)]
)
def test_a_revert_between_two_looks_is_found_at_the_next_act(
    here: World, call: str, new_on_primary: int
) -> None:
    """After the last verdict and before the primary is touched; after it was seen steady."""
    sent: list[str] = []

    def send(name: str, params: Document) -> None:
        at_100 = here.cloud.weight("example2") == 100
        ready = new_on_primary == (here.cloud.running_image("example1") == "shop:v2")
        of_primary = params.get("ServiceName", "example1") == "example1"
        if name.startswith(call) and at_100 and ready and of_primary and not sent:
            sent.append(name)
            here.signal("revert")

    here.cloud.before_call = send
    outcome = here.release(request())
    assert sent
    assert outcome.state == "Reverted", outcome
    assert ("ReturnToOldPrimary" if new_on_primary else "Revert") in outcome.path
    assert at_rest_on(here, "shop:v1")
    # The new version, and the old one by its digests.
    assert len(here.cloud.definitions["example1"]) == 1 + 2 * new_on_primary


def test_a_promotion_that_cannot_begin_reverts_at_once(here: World) -> None:
    """The canary loses its tasks after its last verdict, while no alarm says so."""
    lost: list[str] = []

    def lose(name: str, _params: Document) -> None:
        if name == "cloudwatch.DescribeAlarms" and here.cloud.weight("example2") == 100:
            here.cloud.undiscovered = {"example2"}
            lost.append(name)

    here.cloud.before_call = lose
    outcome, took = timed(here, lambda: here.release(request()))
    assert lost
    assert outcome.state == "Reverted", outcome
    assert "CanaryShort" in outcome.cause
    assert not {"PromotionGate", "CheckOldPrimary"} & set(outcome.path)
    assert took < LAST_BAKE + 400
    assert at_rest_on(here, "shop:v1")
    assert len(here.cloud.definitions["example1"]) == 1


def test_a_retry_that_cannot_begin_goes_back_to_the_old_version(here: World) -> None:
    broken_primary(here)

    def lose() -> None:
        here.cloud.undiscovered = {"example2"}
        here.signal("retry")

    here.clock.after(2_000, lose)
    outcome = here.release(request())
    assert outcome.state == "Reverted", outcome
    assert outcome.path.count("PromotionGate") == 1
    assert at_rest_on(here, "shop:v1")


@pytest.mark.parametrize("died", [False, True], ids=["", "help from outside"])
def test_an_old_version_that_does_not_come_back_in_place_is_told(here: World, died: bool) -> None:
    """The alarm fires after the weights have returned, and the old image is gone."""

    def fire_and_break() -> None:
        here.cloud.broken_images = {("example1", "shop:v1")}
        here.cloud.set_alarm("example2-5xx", "ALARM")

    here.clock.after(1_060, fire_and_break)
    if died:
        here.wait(here.start_and_stop(request(), "release-1", 1_061))
    else:
        outcome = here.release(request())
        assert outcome.state == "RevertFailed", outcome
        assert "alarm example2-5xx fired" in outcome.cause
    here.pass_minutes(4)
    assert here.cloud.split() == (100, 0)
    assert here.invoke("ReconcileFunction", {})["stranded"]
    here.cloud.broken_images = set()
    here.pass_minutes(4)
    assert at_rest_on(here, "shop:v1")
    assert here.records() == {"release-1": "Reverted"}


def test_a_revert_is_not_lost_with_the_execution_that_accepted_it(here: World) -> None:
    """The alarm fires while the primary rolls, and a second later somebody stops the execution."""
    here.clock.after(1_041, fire(here))
    here.wait(here.start_and_stop(request(), "release-1", 1_042))
    assert here.lease()["signal"]["M"]["kind"] == {"S": "revert"}
    here.pass_minutes(5)
    assert at_rest_on(here, "shop:v1")
    assert here.records() == {"release-1": "Reverted"}


def test_a_kept_revert_is_done_although_somebody_deployed_on_the_primary(here: World) -> None:
    """A hotfix on a primary that the release has not touched, a revert, and a dead execution."""
    here.lost.add("ReconcileFunction")
    hotfix = here.cloud.register("example1", "shop:hotfix")
    here.clock.after(400, lambda: here.cloud.ecs_update("example1", hotfix))
    here.wait(here.start_and_stop(request(), "release-1", 500))
    assert here.cloud.split() == (50, 50)
    here.signal("revert")
    here.lost.clear()
    here.pass_minutes(4)
    assert at_rest_on(here, "shop:hotfix")
    assert here.records() == {"release-1": "Reverted"}
    assert hotfix.rpartition("/")[2] in here.causes()["release-1"]


def test_help_brings_the_old_version_back_although_the_canary_cannot_serve(here: World) -> None:
    """The execution dies while the primary rolls, the weights are moved, and the canary is gone."""
    here.lost.add("ReconcileFunction")
    broken_primary(here)
    here.wait(here.start_and_stop(request(), "release-1", 1_042))
    here.cloud.write_foreign(50)
    here.cloud.undiscovered = {"example2"}
    here.lost.clear()
    here.pass_minutes(4)
    assert at_rest_on(here, "shop:v1")
    assert here.records() == {"release-1": "Reverted"}


def test_help_gives_nothing_to_a_primary_that_runs_nothing(here: World) -> None:
    """The weights could not be written, and then the primary lost all its tasks."""

    def refuse(name: str, _params: Document) -> None:
        if name == "appmesh.UpdateRoute" and here.cloud.weight("example2") == 100:
            raise Refusal("ForbiddenException", "no", 403)

    here.cloud.before_call = refuse
    assert here.release(request()).state == "RevertFailed"
    here.cloud.undiscovered = {"example1"}
    here.cloud.before_call = lambda _name, _params: None
    here.pass_minutes(3)
    assert here.cloud.weight("example2") == 100
    assert here.cloud.services["example2"]["desiredCount"] == 2
    assert here.invoke("ReconcileFunction", {})["stranded"]
    here.cloud.undiscovered = set()
    here.pass_minutes(3)
    assert at_rest_on(here, "shop:v2")
    assert here.records() == {"release-1": "Released"}


def test_only_a_release_that_is_being_opened_can_be_given_up_by_its_opening(here: World) -> None:
    """A first delivery of OpenRelease stalls, the second goes on, and then the first one finds
    that the world has changed."""
    held: list[Lease] = []

    def remember(name: str, _params: Document) -> None:
        if name.startswith("appmesh.") and not held:
            held.extend(leases.held()[:1])

    here.cloud.before_call = remember
    later(here, FIRST_BAKE, lambda: leases.free(held[0], leases.release_of(held[0])))
    outcome = here.release(request())
    assert held[0].stage == OPENING
    assert outcome.state == "Released", outcome


def test_a_primary_that_serves_is_not_replaced_by_a_retry(here: World) -> None:
    broken_primary(here)
    here.clock.after(2_000, lambda: here.cloud.write_foreign(0))
    here.clock.after(2_001, lambda: here.signal("retry"))
    replaced: list[int] = []

    def see(name: str, params: Document) -> None:
        if name == "ecs.UpdateService" and params["service"] == "example1":
            replaced.append(here.cloud.weight("example2"))

    here.cloud.before_call = see
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert set(replaced) == {100}
    assert "somebody else wrote" in outcome.cause


def test_a_foreign_write_before_the_old_version_was_looked_at_once(here: World) -> None:
    """Nothing has said yet how long to wait for it."""
    here.clock.after(PRIMARY_ROLLS + 3, fire(here))
    struck: list[str] = []

    def strike(name: str, params: Document) -> None:
        replaced = name == "ecs.UpdateService" and params.get("taskDefinition", "").endswith("1:3")
        if replaced and not struck:
            struck.append(name)
            here.cloud.write_foreign(30)

    here.cloud.before_call = strike
    outcome = here.release(request())
    assert struck
    assert outcome.state == "Reverted", outcome
    assert "RestoreDrifted" in outcome.path
    assert "somebody else wrote" in outcome.cause
    assert at_rest_on(here, "shop:v1")


def test_an_alarm_and_somebody_who_returns_the_weights_by_hand(here: World) -> None:
    """The primary is steady on the new version, which is in doubt: it must not stay."""
    here.clock.after(1_043, fire(here))
    here.clock.after(1_043, lambda: here.cloud.write_foreign(0))
    outcome = here.release(request())
    assert outcome.state == "Reverted", outcome
    assert at_rest_on(here, "shop:v1")


def test_a_lease_that_cannot_be_read_keeps_no_other_from_help(here: World) -> None:
    here.lost.add("ReconcileFunction")
    here.wait(here.start_and_stop(request(), "release-1", 400))
    gone = "arn:aws:states:us-east-1:123456789012:execution:m:gone"
    table.put(Put(ItemKey("held", "another"), {"holder": gone}))
    lost = {"holder": gone, "execution": gone, "fence": 1, "stage": 1}
    table.put(Put(ItemKey("split#another", "lease"), lost))
    here.lost.clear()
    here.pass_minutes(2)
    assert at_rest_on(here, "shop:v1")
    assert here.records() == {"release-1": "Reverted"}
    (stranded,) = here.invoke("ReconcileFunction", {})["stranded"]
    assert "no document" in stranded


def test_a_held_split_whose_primary_is_not_steady_is_told(here: World) -> None:
    here.wait(here.start_and_stop(request(), "release-1", PRIMARY_ROLLS))
    here.cloud.undiscovered = {"example1"}
    here.cloud.write_foreign(0)
    here.pass_minutes(2)
    # What somebody sent to a primary between two versions is held on the canary again.
    assert here.cloud.weight("example2") == 100
    assert here.invoke("ReconcileFunction", {})["stranded"]
    here.cloud.undiscovered = set()
    here.pass_minutes(3)
    assert at_rest_on(here, "shop:v1")


def test_another_split_of_the_same_services_waits_its_turn(here: World) -> None:
    here.cloud.other_routes.add("other")
    second: list[Outcome] = []
    other = request(profile=profile(traffic=traffic(route="other")), images={"app": "shop:v9"})
    here.clock.after(12, lambda: second.append(here.release(other, "release-2")))
    assert here.release(request()).state == "Released"
    assert second[0].state == "Rejected"
    assert "releasing the same ECS services" in second[0].cause


@pytest.mark.parametrize(("gate", "seconds"), [(GATE, 1_500), ({"gate_seconds": 3_600}, 2_000)])
def test_the_sweep_sees_what_a_gate_does_not(here: World, gate: Document, seconds: float) -> None:
    """The event is lost, and nobody looks at the alarms for as long as the gate waits."""
    if gate is not GATE:
        broken_primary(here)
    here.lost.add("RelayAlarmFunction")
    here.clock.after(seconds, fire(here))
    here.clock.after(seconds + 60, lambda: here.invoke("ReconcileFunction", {}))
    outcome, took = timed(here, lambda: here.release(request(profile=profile(promotion=gate))))
    assert outcome.state == "Reverted"
    assert "the sweep" in outcome.cause
    assert took < seconds + 200


def test_the_sweep_leaves_a_release_alone_that_nothing_speaks_against(here: World) -> None:
    for minute in range(1, 16):
        here.clock.after(60 * minute, lambda: here.invoke("ReconcileFunction", {}))
    assert here.release(request()).state == "Released"


def test_who_lost_the_lease_says_what_the_ledger_says(here: World) -> None:
    """As a redriven execution would: its release was brought home meanwhile."""
    here.lost.add("ReconcileFunction")
    here.clock.after(400, lambda: here.steal("Reverted"))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert outcome.cause == "by help from outside"


def test_who_lost_the_lease_to_nobody_knows_does_not_say_reverted(here: World) -> None:
    here.lost.add("ReconcileFunction")
    here.clock.after(400, lambda: here.steal(None))
    outcome = here.release(request())
    assert outcome.state == "RevertFailed"
    assert "no longer holds its release" in outcome.cause


def test_what_a_person_finished_by_hand_is_not_undone(here: World) -> None:
    """The runbook's other way out of PromotionFailed: the primary to the new version by hand."""
    broken_primary(here)
    staying = profile(promotion={"gate_seconds": 600, "on_failure_timeout": "stay"})
    assert here.release(request(profile=staying)).state == "PromotionFailed"
    here.cloud.broken_images = set()
    here.cloud.ecs_update("example1", "example1:2")
    here.clock.sleep(30)
    here.cloud.write_foreign(0)
    here.pass_minutes(3)
    assert at_rest_on(here, "shop:v2")
    assert "holder" not in here.lease()
    assert here.records() == {"release-1": "Released"}


def test_a_revert_that_help_hears_of_while_it_helps_is_done(here: World) -> None:
    here.lost.add("ReconcileFunction")
    here.wait(here.start_and_stop(request(), "release-1", 1_042))
    here.lost.clear()
    message: list[str] = []

    def alarm(name: str, _params: Document) -> None:
        if name == "ecs.DescribeServices" and not message:
            message.append(name)
            here.cloud.set_alarm("example2-5xx", "ALARM")
            here.signal("revert")

    here.cloud.before_call = alarm
    here.pass_minutes(5)
    assert message
    assert at_rest_on(here, "shop:v1")
    assert here.records() == {"release-1": "Reverted"}


def test_a_return_that_was_decided_goes_on_without_a_healthy_target(here: World) -> None:
    """The first ReturnTraffic is killed after its decision; then the primary lacks one target."""

    def refuse_once(name: str, _params: Document) -> None:
        if name == "appmesh.UpdateRoute" and here.cloud.weight("example2") == 100:
            here.cloud.before_call = lambda _name, _params: None
            here.cloud.undiscovered = {"example1"}
            here.clock.after(400, here.cloud.undiscovered.clear)
            raise Refusal("InternalServerErrorException", "no", 500)

    here.cloud.before_call = refuse_once
    outcome = here.release(request())
    assert outcome.state == "Released", outcome
    assert at_rest_on(here, "shop:v2")


def test_a_split_that_is_moved_at_the_very_end_is_not_called_closed(here: World) -> None:
    def move(name: str, params: Document) -> None:
        if name == "ecs.UpdateService" and params.get("desiredCount") == 0:
            here.cloud.after_call = lambda called, _params: (
                here.cloud.write_foreign(30) if called == "appmesh.DescribeRoute" else None
            )

    here.cloud.before_call = move
    outcome = here.release(request())
    assert outcome.state == "RevertFailed"
    here.cloud.after_call = lambda _name, _params: None
    here.pass_minutes(4)
    assert at_rest_on(here, "shop:v2")
    assert "holder" not in here.lease()


def test_a_lease_that_was_freed_by_hand_leaves_nothing_to_the_next_release(here: World) -> None:
    """The runbook's way: only the holder is removed, and a revert was pending."""
    here.lost.add("ReconcileFunction")
    here.clock.after(PRIMARY_ROLLS, lambda: here.signal("revert"))
    here.wait(here.start_and_stop(request(), "release-1", PRIMARY_ROLLS + 1))
    key = {name: here.lease()[name] for name in ("pk", "sk")}
    clients.dynamodb().update_item(TableName="ledger", Key=key, UpdateExpression="REMOVE holder")
    here.cloud.write_foreign(0)
    here.clock.sleep(60)
    outcome = here.release(request(images={"app": "shop:v3"}), "release-2")
    assert outcome.state == "Released", outcome


def test_a_primary_that_was_scaled_in_meanwhile_gets_its_tasks_back(here: World) -> None:
    """Autoscaling sees a primary with nothing to do while the canary serves."""
    here.clock.after(LAST_BAKE, lambda: here.cloud.services["example1"].update(desiredCount=1))
    assert here.release(request()).state == "Released"
    assert here.cloud.services["example1"]["desiredCount"] == 2


def test_a_promote_lets_the_router_settle_at_each_step(here: World) -> None:
    """Weight 100 has to hold before the primary is replaced."""
    at: dict[str, float] = {}
    began = here.clock.now()

    def mark(name: str, params: Document) -> None:
        seconds = (here.clock.now() - began).total_seconds()
        if name == "ecs.UpdateService" and params["service"] == "example1":
            at.setdefault("replaced", seconds)
        if name == "appmesh.UpdateRoute" and here.cloud.weight("example2") == 100:
            at.setdefault("full", seconds)

    here.cloud.after_call = mark
    here.clock.after(FIRST_BAKE, lambda: here.signal("promote"))
    assert here.release(request()).state == "Released"
    assert at["replaced"] - at["full"] >= 35


def test_one_cluster_by_two_names_is_one(here: World) -> None:
    here.cloud.other_routes.add("internal")
    other = request(
        service="basket",
        images={"app": "shop:v9"},
        profile=profile(
            traffic=traffic(route="internal"),
            cluster="arn:aws:ecs:us-east-1:123456789012:cluster/example",
        ),
    )
    second: list[Outcome] = []
    here.clock.after(12, lambda: second.append(here.release(other, "basket-1")))
    assert here.release(request()).state == "Released"
    assert "releasing the same ECS services" in second[0].cause


def another_shape(here: World, name: str, **members: Any) -> None:
    """A release's document as another version of this stack would have written it."""
    key = ItemKey(f"release#{name}", "document")
    item = table.get(key)
    assert item is not None
    document = {**json.loads(item["release"]), **members}
    shape = {k: v for k, v in document.items() if v is not None}
    table.change(Change(key, set={"release": json.dumps(shape), "schema": 99}))


def test_a_release_of_a_newer_version_is_brought_home_by_this_one(here: World) -> None:
    here.lost.add("ReconcileFunction")
    here.wait(here.start_and_stop(request(), "release-1", 400))
    # Keys that are not known, and a value that this version would refuse.
    another_shape(here, "release-1", judge={"ratio": 2}, steps=[{"weight": 0.5, "bake": "long"}])
    here.lost.clear()
    here.pass_minutes(3)
    assert at_rest_on(here, "shop:v1")
    assert here.records() == {"release-1": "Reverted"}


def test_a_running_release_of_a_newer_version_is_looked_after(here: World) -> None:
    here.lost.add("RelayAlarmFunction")
    here.clock.after(FIRST_BAKE, lambda: another_shape(here, "release-1", judge={"ratio": 2}))
    here.clock.after(FIRST_BAKE + 1, fire(here))
    here.clock.after(FIRST_BAKE + 2, lambda: here.invoke("ReconcileFunction", {}))
    outcome, took = timed(here, lambda: here.release(request()))
    assert outcome.state == "Reverted"
    assert took < FIRST_BAKE + 100


def test_a_release_that_no_version_can_read_is_stranded_and_said_so(here: World) -> None:
    here.lost.add("ReconcileFunction")
    here.wait(here.start_and_stop(request(), "release-1", 400))
    another_shape(here, "release-1", traffic=None)
    here.lost.clear()
    (stranded,) = here.invoke("ReconcileFunction", {})["stranded"]
    assert "another version of this stack" in stranded
    outcome = here.release(request(images={"app": "shop:v3"}), "release-2")
    assert outcome.state == "Rejected"
    assert "another version of this stack" in outcome.cause


def test_a_split_that_is_moved_to_where_a_dead_release_had_it_is_told(here: World) -> None:
    """A late write of the execution that help has brought home, for example."""
    here.wait(here.start_and_stop(request(), "release-1", 500))
    here.pass_minutes(3)
    assert here.records() == {"release-1": "Reverted"}
    here.cloud.write_foreign(50)
    (stranded,) = here.invoke("ReconcileFunction", {})["stranded"]
    assert "differs from what the last release left" in stranded


def test_a_lease_that_is_freed_by_hand_in_the_middle_is_told(here: World) -> None:
    def free() -> None:
        (held,) = leases.held()
        table.change(Change(lease_key(held.split), remove=("holder",)))

    here.clock.after(500, free)
    outcome = here.release(request())
    assert outcome.state == "RevertFailed"
    assert here.cloud.split() == (50, 50)
    assert here.invoke("ReconcileFunction", {})["stranded"]
    assert here.left_behind() == []


def test_a_release_that_was_refused_after_all_is_not_running_for_ever(here: World) -> None:
    """OpenRelease is killed in the middle, and the alarm fires before it comes again."""
    killed: list[str] = []

    def kill(name: str, _params: Document) -> None:
        if name == "appmesh.DescribeRoute" and leases.held() and not killed:
            killed.append(name)
            here.cloud.set_alarm("example2-5xx", "ALARM")
            raise Refusal("InternalServerErrorException", "no", 500)

    here.cloud.before_call = kill
    here.lost.add("RelayAlarmFunction")
    outcome = here.release(request())
    assert killed
    assert outcome.state == "Rejected", outcome
    assert here.records() == {}
    assert here.left_behind() == []


def test_a_hotfix_on_the_primary_is_not_called_the_new_version(here: World) -> None:
    """The execution dies while the primary rolls, and somebody deploys something else there."""
    here.lost.add("ReconcileFunction")
    here.wait(here.start_and_stop(request(), "release-1", PRIMARY_ROLLS))
    hotfix = here.cloud.register("example1", "shop:hotfix")
    here.cloud.ecs_update("example1", hotfix)
    here.clock.sleep(60)
    here.lost.clear()
    here.pass_minutes(4)
    assert at_rest_on(here, "shop:hotfix")
    assert here.records() == {"release-1": "Reverted"}
    assert hotfix.rpartition("/")[2] in here.causes()["release-1"]


def test_a_dead_release_of_another_split_of_the_same_services_is_put_right(here: World) -> None:
    here.lost.add("ReconcileFunction")
    here.cloud.other_routes.add("other")
    other = request(profile=profile(traffic=traffic(route="other")), images={"app": "shop:v9"})
    here.wait(here.start_and_stop(request(), "release-1", 12))
    outcome = here.release(other, "release-2")
    assert here.records()["release-1"] == "Reverted", outcome


def test_a_split_at_rest_that_cannot_be_read_hides_no_other(here: World) -> None:
    assert here.release(request()).state == "Released"
    table.put(Put(ItemKey("rest", "a-new-router"), {"traffic": '{"router": "gateway"}'}))
    here.cloud.write_foreign(30)
    assert len(here.invoke("ReconcileFunction", {})["stranded"]) == 1


def test_a_split_that_was_found_moved_stays_so_while_its_route_is_not_read(here: World) -> None:
    """The router throttles: that is no reason for the alarm to go off."""
    assert here.release(request()).state == "Released"
    here.cloud.write_foreign(30)
    assert len(here.invoke("ReconcileFunction", {})["stranded"]) == 1

    def throttle(name: str, _params: Document) -> None:
        if name == "appmesh.DescribeRoute":
            raise Refusal("TooManyRequestsException", "slow down", 429)

    here.cloud.before_call = throttle
    assert len(here.invoke("ReconcileFunction", {})["stranded"]) == 1
    here.cloud.write_foreign(0)
    here.cloud.before_call = lambda _name, _params: None
    assert here.invoke("ReconcileFunction", {})["stranded"] == []
