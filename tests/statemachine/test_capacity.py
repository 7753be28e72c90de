"""Capacity follows traffic: the canary's size, the primary's floor, and what both get back."""

import json
from collections.abc import Callable, Iterator

import pytest

from stepcanary.store import due
from tests.builders import profile, request
from tests.fakes.cloud import Document, Refusal
from tests.statemachine.runner import World, world

PRIMARY, CANARY = "example1", "example2"
TASKS = 20


@pytest.fixture
def here() -> Iterator[World]:
    with world() as opened:
        opened.cloud.services[PRIMARY]["desiredCount"] = TASKS
        yield opened


def sizes(here: World) -> list[tuple[int, int, int]]:
    """At each write of weights: the canary's weight, and how many tasks each side runs."""
    seen: list[tuple[int, int, int]] = []

    def see(_primary: int, canary: int) -> None:
        seen.append((canary, here.cloud.runs(PRIMARY), here.cloud.runs(CANARY)))

    here.cloud.on_write = see
    return seen


def of(**changed: object) -> Document:
    return request(profile=profile(**changed))


def alarm_at(here: World, weight: int, seconds: float = 60) -> None:
    """The canary turns bad a while after it has got so much."""
    watched = here.cloud.on_write

    def see(primary: int, canary: int) -> None:
        watched(primary, canary)
        if canary == weight:
            here.clock.after(seconds, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))

    here.cloud.on_write = see


# The canary's size


def test_the_canary_grows_with_its_weight_and_the_primary_keeps_its_tasks(here: World) -> None:
    seen = sizes(here)
    assert here.release(request()).state == "Released"
    # 5, 50 and 100 %, with a headroom of ten percent; the next step's tasks run by its shift.
    assert seen[:3] == [(5, TASKS, 2), (50, TASKS, 11), (100, TASKS, 20)]
    assert here.cloud.services[CANARY]["desiredCount"] == 0


def test_a_release_lasts_no_longer_than_with_all_tasks_from_the_start(here: World) -> None:
    lasted = []
    for number, capacity in enumerate(("proportional", "full")):
        began = here.clock.now()
        image = {"app": f"shop:v{number + 2}"}
        asked = request(images=image, profile=profile(capacity=capacity))
        assert here.release(asked, capacity).state == "Released"
        lasted.append((here.clock.now() - began).total_seconds())
    assert lasted[0] <= lasted[1]


def test_a_full_canary_has_all_tasks_from_the_start(here: World) -> None:
    seen = sizes(here)
    assert here.release(of(capacity="full")).state == "Released"
    assert [canary for _, _, canary in seen[:3]] == [TASKS] * 3


def test_a_fixed_count_means_what_it_meant(here: World) -> None:
    seen = sizes(here)
    assert here.release(of(canary_tasks=3)).state == "Released"
    assert [canary for _, _, canary in seen[:3]] == [3] * 3


def test_a_primary_that_scales_out_makes_the_canary_larger(here: World) -> None:
    seen = sizes(here)
    here.clock.after(100, lambda: here.cloud.set_desired(PRIMARY, 40))
    assert here.release(request()).state == "Released"
    assert seen[1][2] >= 20
    assert seen[2][2] == 40


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"canary_tasks": 2, "capacity": "full"}, "canary_tasks is a fixed count"),
        ({"canary_tasks": 2, "headroom_percent": 20}, "canary_tasks is a fixed count"),
        ({"capacity": "full", "minimum_tasks": 2}, "capacity is full"),
        ({"capacity": "half"}, "capacity"),
        ({"headroom_percent": -1}, "headroom_percent"),
        ({"minimum_tasks": 0}, "minimum_tasks"),
    ],
)
def test_sizes_that_contradict_are_refused(here: World, changed: Document, said: str) -> None:
    outcome = here.release(of(**changed))
    assert outcome.state == "Rejected"
    assert said in outcome.cause
    assert here.cloud.called("UpdateService") == []


def test_tasks_that_the_canary_has_at_rest_it_has_again(here: World) -> None:
    here.cloud.services[CANARY]["desiredCount"] = 1
    assert here.release(request()).state == "Released"
    here.pass_minutes(30)
    assert here.cloud.services[CANARY]["desiredCount"] == 1


def test_a_release_that_died_leaves_the_canary_its_size_at_rest(here: World) -> None:
    here.cloud.services[CANARY]["desiredCount"] = 1
    here.wait(here.start_and_stop(request(), "dead", 300))
    assert here.release(request(), "next").state == "Released"
    here.pass_minutes(30)
    assert here.cloud.services[CANARY]["desiredCount"] == 1


# Autoscaling


def bounds(here: World) -> dict[str, Document]:
    return {name: json.loads(json.dumps(target)) for name, target in here.cloud.scalable.items()}


Ending = Callable[[World], str]


def released(here: World) -> str:
    return here.release(request()).state


def alarmed(here: World) -> str:
    alarm_at(here, 100)
    return here.release(request()).state


def stopped(here: World) -> str:
    here.wait(here.start_and_stop(request(), "dead", 700))
    return "stopped"


def failed(here: World) -> str:
    here.cloud.broken_images = {(PRIMARY, "shop:v2")}
    return here.release(of(promotion={"gate_seconds": 120})).state


@pytest.mark.parametrize("end", [released, alarmed, stopped, failed])
def test_autoscaling_does_not_shrink_the_primary_and_has_its_bounds_again(
    here: World, end: Ending
) -> None:
    here.cloud.scale_by_traffic(PRIMARY, 1, 40)
    before = bounds(here)
    seen = sizes(here)
    end(here)
    here.pass_minutes(30)
    assert here.cloud.split() == (100, 0)
    assert {primary for _, primary, _ in seen} == {TASKS}
    assert bounds(here) == before


def test_without_a_floor_the_primary_would_have_shrunk(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trap is there: this is what the floor keeps away."""
    monkeypatch.setattr("stepcanary.release.floors.put_up", lambda _r, lease, *_, **__: lease)
    monkeypatch.setattr("stepcanary.release.floors.keep_count", lambda _r, lease, *_, **__: lease)
    here.cloud.scale_by_traffic(PRIMARY, 1, 40)
    seen = sizes(here)
    alarm_at(here, 100, seconds=200)
    here.release(request())
    assert min(primary for _, primary, _ in seen) == 1


def test_the_primary_may_still_scale_out(here: World) -> None:
    here.cloud.scale_by_traffic(PRIMARY, 1, 40)
    here.clock.after(100, lambda: here.cloud.set_desired(PRIMARY, 30))
    here.clock.after(117, lambda: sized.append(here.cloud.runs(PRIMARY)))
    sized: list[int] = []
    assert released(here) == "Released"
    assert sized == [30]


def test_bounds_that_somebody_sets_meanwhile_stay(here: World) -> None:
    here.cloud.scale_by_traffic(PRIMARY, 1, 40)

    def interfere() -> None:
        here.cloud.scalable[PRIMARY].update(MinCapacity=5, MaxCapacity=60)

    here.clock.after(300, interfere)
    assert released(here) == "Released"
    here.pass_minutes(25)
    assert here.cloud.bounds(PRIMARY) == (5, 60)


def test_a_scheduled_action_that_lowers_runs_when_the_release_is_over(here: World) -> None:
    here.cloud.scale_by_traffic(PRIMARY, 10, 40)
    here.cloud.act_at(PRIMARY, 300, 1, 4)
    seen = sizes(here)
    assert released(here) == "Released"
    here.pass_minutes(25)
    assert {primary for _, primary, _ in seen} == {TASKS}
    assert here.cloud.bounds(PRIMARY) == (1, 4)
    assert here.cloud.scalable[PRIMARY]["SuspendedState"]["ScheduledScalingSuspended"] is False


def test_a_scheduled_action_that_raises_is_carried_out_at_once(here: World) -> None:
    here.cloud.scale_by_traffic(PRIMARY, 10, 40)
    here.cloud.act_at(PRIMARY, 200, 30, 50)
    sized: list[int] = []
    here.clock.after(330, lambda: sized.append(here.cloud.runs(PRIMARY)))
    for minute in range(1, 6):
        here.clock.after(60 * minute, lambda: here.invoke("ReconcileFunction", {}))
    assert released(here) == "Released"
    assert sized == [30]
    here.pass_minutes(25)
    assert here.cloud.bounds(PRIMARY) == (30, 50)


def test_a_count_that_somebody_takes_is_given_back_and_named(here: World) -> None:
    here.clock.after(300, lambda: here.cloud.set_desired(PRIMARY, 1))
    alarm_at(here, 50, seconds=250)
    outcome = here.release(request())
    here.pass_minutes(5)
    assert here.cloud.services[PRIMARY]["desiredCount"] == TASKS
    assert "desired count of example1 was brought down to 1" in outcome.cause


def test_autoscaling_of_the_canary_does_not_take_what_its_weight_needs(here: World) -> None:
    here.cloud.scale_by_traffic(CANARY, 0, 40)
    before = bounds(here)
    seen = sizes(here)
    assert released(here) == "Released"
    assert seen[:3] == [(5, TASKS, 2), (50, TASKS, 11), (100, TASKS, 20)]
    assert bounds(here) == before
    here.pass_minutes(30)
    assert here.cloud.services[CANARY]["desiredCount"] == 0


def test_a_canary_at_rest_is_not_started_by_its_minimum(here: World) -> None:
    here.cloud.scale_by_traffic(CANARY, 2, 40)
    here.cloud.services[CANARY]["desiredCount"] = 0
    assert released(here) == "Released"
    here.pass_minutes(30)
    assert here.cloud.services[CANARY]["desiredCount"] == 0
    assert here.cloud.bounds(CANARY) == (0, 40)


def test_a_maximum_below_what_the_canary_needs_is_refused(here: World) -> None:
    here.cloud.scale_by_traffic(CANARY, 0, 4)
    outcome = here.release(request())
    assert outcome.state == "Rejected"
    assert "lets example2 have 4 tasks at most, and with all traffic it needs 20" in outcome.cause


def test_bounds_that_may_not_be_changed_are_refused_before_anything_is(here: World) -> None:
    here.cloud.scale_by_traffic(PRIMARY, 1, 40)

    def deny(name: str, _params: Document) -> None:
        if name == "application-autoscaling.RegisterScalableTarget":
            raise Refusal("AccessDeniedException", "no")

    here.cloud.before_call = deny
    outcome = here.release(request())
    assert outcome.state == "Rejected"
    assert "may not be changed" in outcome.cause
    assert here.cloud.called("UpdateService") == []


def test_a_promotion_gives_the_primary_what_the_canary_serves_with(here: World) -> None:
    """The traffic has grown meanwhile, and the canary has scaled out."""
    seen = sizes(here)

    watched = here.cloud.on_write

    def grow(primary: int, canary: int) -> None:
        watched(primary, canary)
        if canary == 100:
            here.clock.after(50, lambda: here.cloud.set_desired(CANARY, 30))

    here.cloud.on_write = grow
    assert released(here) == "Released"
    assert seen[-1][:2] == (0, 30)


def test_an_act_that_changes_the_version_sets_no_count(here: World) -> None:
    assert released(here) == "Released"
    promoted = [c for c in here.cloud.called("UpdateService") if c["service"] == PRIMARY]
    assert ["desiredCount" in call for call in promoted] == [False]


def test_a_primary_that_has_its_traffic_back_is_not_shrunk_by_metrics_of_before(
    here: World,
) -> None:
    here.cloud.scale_by_traffic(PRIMARY, 1, 40, late=240)
    alarm_at(here, 100)
    assert here.release(request()).state == "Reverted"
    for _ in range(40):
        here.pass_minutes(1)
        assert here.cloud.runs(PRIMARY) == TASKS
    assert here.cloud.bounds(PRIMARY) == (1, 40)


def test_a_release_right_after_another_goes_on_with_its_floor(here: World) -> None:
    here.cloud.scale_by_traffic(PRIMARY, 1, 40)
    for number in (2, 3):
        image = {"app": f"shop:v{number}"}
        assert here.release(request(images=image), f"release-{number}").state == "Released"
    here.pass_minutes(15)
    assert here.cloud.bounds(PRIMARY) == (TASKS, 40)
    here.pass_minutes(10)
    assert here.cloud.bounds(PRIMARY) == (1, 40)
    assert here.left_behind() == []


def deny_scaling(here: World, *names: str) -> None:
    def deny(name: str, _params: Document) -> None:
        if name in names:
            raise Refusal("AccessDeniedException", "no")

    here.cloud.before_call = deny


SCALES = ("application-autoscaling.RegisterScalableTarget", "ecs.UpdateService")


def test_a_count_that_cannot_be_given_back_holds_up_no_revert(here: World) -> None:
    """The alarm's event is lost, so that only the sweep sees it."""
    here.cloud.scale_by_traffic(PRIMARY, 1, 40)
    here.lost.add("RelayAlarmFunction")

    def strike() -> None:
        deny_scaling(here, *SCALES)
        here.cloud.services[PRIMARY].scale(10, 0)
        here.cloud.set_alarm("example2-5xx", "ALARM")

    here.clock.after(400, strike)
    here.clock.after(430, lambda: here.invoke("ReconcileFunction", {}))
    here.clock.after(440, lambda: told.append(here.cloud.split()))
    told: list[tuple[int, int]] = []
    outcome = here.release(request())
    assert told == [(100, 0)]
    assert outcome.state == "Reverted"


def test_suspensions_that_somebody_sets_meanwhile_stay(here: World) -> None:
    here.cloud.scale_by_traffic(PRIMARY, 1, 40)

    def suspend() -> None:
        here.cloud.scalable[PRIMARY]["SuspendedState"]["DynamicScalingInSuspended"] = True

    here.clock.after(400, suspend)
    assert released(here) == "Released"
    here.pass_minutes(25)
    assert here.cloud.scalable[PRIMARY]["SuspendedState"] == {
        "DynamicScalingInSuspended": True,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": False,
    }


def test_a_scheduled_raise_is_carried_out_although_somebody_has_set_bounds(here: World) -> None:
    here.cloud.scale_by_traffic(PRIMARY, 10, 40)
    here.cloud.act_at(PRIMARY, 300, 30, 50)
    here.clock.after(200, lambda: here.cloud.set_bounds(PRIMARY, 12, 60))
    for minute in range(1, 7):
        here.clock.after(60 * minute, lambda: here.invoke("ReconcileFunction", {}))
    sized: list[int] = []
    here.clock.after(400, lambda: sized.append(here.cloud.runs(PRIMARY)))
    assert released(here) == "Released"
    assert sized == [30]
    here.pass_minutes(25)
    assert here.cloud.bounds(PRIMARY) == (30, 50)


def test_help_from_outside_gives_the_primary_its_count_back(here: World) -> None:
    here.clock.after(400, lambda: here.cloud.set_desired(PRIMARY, 1))
    here.wait(here.start_and_stop(request(), "dead", 401))
    here.pass_minutes(5)
    assert here.cloud.split() == (100, 0)
    assert here.cloud.runs(PRIMARY) == TASKS


def test_the_canary_follows_a_primary_that_scales_out_in_a_bake(here: World) -> None:
    here.clock.after(450, lambda: here.cloud.set_desired(PRIMARY, 40))
    here.clock.after(480, lambda: here.invoke("ReconcileFunction", {}))
    sized: list[int] = []
    here.clock.after(520, lambda: sized.append(here.cloud.runs(CANARY)))
    full = {"steps": [{"weight": 50, "bake_seconds": 900}]}
    assert here.release(of(**full)).state == "Released"
    # Half of it, with the headroom.
    assert sized == [22]


def test_a_canary_that_a_release_without_tasks_follows_has_its_size_at_rest(here: World) -> None:
    """The second one ends before it gives the canary a task."""
    alarm_at(here, 50)
    keeps = {"keep_failed_seconds": 3_600}
    assert here.release(of(**keeps), "kept").state == "Reverted"
    here.cloud.set_alarm("example2-5xx", "OK")
    here.cloud.on_write = lambda _primary, _canary: None
    deny_scaling(here, "ecs.RegisterTaskDefinition")
    failed = request(images={"app": "shop:v3"}, profile=profile(**keeps))
    outcome = here.release(failed, "without-tasks")
    assert outcome.state == "Reverted"
    assert "keeps its tasks" not in outcome.cause
    here.cloud.before_call = lambda _name, _params: None
    assert here.release(request(images={"app": "shop:v4"}), "next").state == "Released"
    assert here.cloud.services[CANARY]["desiredCount"] == 0


# The way back to a promoted primary, in steps

BACK = {"return_weights": [50, 20], "return_bake_seconds": 120}


def test_the_weights_return_in_steps_to_a_primary_that_carries_them(here: World) -> None:
    seen = sizes(here)
    outcome = here.release(of(promotion=BACK))
    assert outcome.state == "Released"
    assert seen[3:] == [(50, TASKS, TASKS), (20, TASKS, TASKS), (0, TASKS, TASKS)]
    assert outcome.path.count("JudgeReturn") == 2


def test_an_alarm_on_the_way_back_brings_the_old_version_back(here: World) -> None:
    alarm_after_return = iter([False, True])

    def see(_primary: int, canary: int) -> None:
        if canary == 50 and next(alarm_after_return, False):
            here.clock.after(60, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))

    here.cloud.on_write = see
    outcome = here.release(of(promotion=BACK))
    assert outcome.state == "Reverted"
    assert "PromotionGate" not in outcome.path
    assert here.cloud.running_image(PRIMARY) == "shop:v1"
    assert here.cloud.split() == (100, 0)


def test_a_step_of_the_way_back_that_is_delivered_late_changes_nothing(here: World) -> None:
    events: list[Document] = []
    handler = here.handlers["ShiftWeightFunction"]

    def keep(event: Document, context: object) -> object:
        events.append(json.loads(json.dumps(event)))
        return handler(event, context)

    here.handlers["ShiftWeightFunction"] = keep

    def see(_primary: int, canary: int) -> None:
        if canary == 20:
            here.clock.after(10, lambda: late(events[-2]))

    def late(event: Document) -> None:
        assert event["step"] == 0
        with pytest.raises(Exception, match="delivered late"):
            here.invoke("ShiftWeightFunction", event)
        told.append(here.cloud.split())

    told: list[tuple[int, int]] = []
    here.cloud.on_write = see
    assert here.release(of(promotion=BACK)).state == "Released"
    assert told == [(80, 20)]


def test_a_revert_on_the_way_back_brings_the_old_version_back(here: World) -> None:
    writes: list[int] = []

    def see(_primary: int, canary: int) -> None:
        writes.append(canary)
        if writes.count(50) == 2 and canary == 50:
            here.clock.after(60, lambda: here.signal("revert"))

    here.cloud.on_write = see
    assert here.release(of(promotion=BACK)).state == "Reverted"
    assert here.cloud.running_image(PRIMARY) == "shop:v1"


def test_one_that_dies_on_the_way_back_is_released_from_outside(here: World) -> None:
    def see(_primary: int, canary: int) -> None:
        if canary == 20:
            here.clock.after(10, lambda: here.stop(here.arn("release-1")))

    here.cloud.on_write = see
    here.wait(here.start(of(promotion=BACK)))
    here.pass_minutes(5)
    assert here.cloud.split() == (100, 0)
    assert here.records() == {"release-1": "Released"}


def test_return_weights_fall(here: World) -> None:
    outcome = here.release(of(promotion={"return_weights": [20, 50]}))
    assert outcome.state == "Rejected"
    assert "return_weights must fall" in outcome.cause


# The drain and a canary that is kept


def test_requests_that_go_on_have_their_time_before_the_canary_goes(here: World) -> None:
    at: dict[str, float] = {}

    def see(name: str, params: Document) -> None:
        if name == "appmesh.UpdateRoute":
            at["returned"] = here.clock.now().timestamp()
        if name == "ecs.UpdateService" and params.get("desiredCount") == 0:
            at["retired"] = here.clock.now().timestamp()

    here.cloud.after_call = see
    assert released(here) == "Released"
    # The route's own time-out, after the router has followed.
    assert at["retired"] - at["returned"] >= 35 + 30


def test_a_reverted_canary_is_kept_for_a_while(here: World) -> None:
    alarm_at(here, 50)
    outcome = here.release(of(keep_failed_seconds=3_600))
    assert outcome.state == "Reverted"
    assert "keeps its tasks for 3600 s" in outcome.cause
    here.pass_minutes(55)
    assert here.cloud.services[CANARY]["desiredCount"] == TASKS
    here.pass_minutes(10)
    assert here.cloud.services[CANARY]["desiredCount"] == 0
    here.pass_minutes(30)
    assert due.until(here.clock.now().timestamp().__int__() + 86_400) == []


def test_the_next_release_takes_a_kept_canary_over(here: World) -> None:
    alarm_at(here, 50)
    assert here.release(of(keep_failed_seconds=3_600)).state == "Reverted"
    here.cloud.set_alarm("example2-5xx", "OK")
    here.cloud.on_write = lambda _primary, _canary: None
    assert here.release(request(images={"app": "shop:v3"}), "next").state == "Released"
    assert here.cloud.services[CANARY]["desiredCount"] == 0
    here.pass_minutes(90)
    assert here.cloud.services[CANARY]["desiredCount"] == 0
    assert here.cloud.running_image(PRIMARY) == "shop:v3"


def test_a_released_canary_is_not_kept(here: World) -> None:
    assert here.release(of(keep_failed_seconds=3_600)).state == "Released"
    assert here.cloud.services[CANARY]["desiredCount"] == 0


def test_autoscaling_does_not_take_the_tasks_of_a_kept_canary(here: World) -> None:
    here.cloud.scale_by_traffic(CANARY, 0, 40)
    before = bounds(here)
    alarm_at(here, 50)
    assert here.release(of(keep_failed_seconds=3_600)).state == "Reverted"
    here.pass_minutes(50)
    assert here.cloud.services[CANARY]["desiredCount"] > 0
    here.pass_minutes(40)
    assert here.cloud.services[CANARY]["desiredCount"] == 0
    assert bounds(here) == before


# What the plan says of deployments


def test_a_primary_whose_tasks_ecs_cannot_replace_is_refused(here: World) -> None:
    settings = {"minimumHealthyPercent": 100, "maximumPercent": 100}
    here.cloud.service_settings[PRIMARY] = {"deploymentConfiguration": settings}
    outcome = here.release(request())
    assert outcome.state == "Rejected"
    assert "ECS can replace no task of example1" in outcome.cause
