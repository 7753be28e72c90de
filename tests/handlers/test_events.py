"""Each example event runs through its handler twice: same answer, and the world stays put."""

import json
from contextlib import suppress
from typing import Any

import pytest

from emulator import template
from emulator.awslambda import LambdaContext
from stepcanary.errors import NotEnoughCapacity, RevertRequested, StageOver
from stepcanary.release.holder import UNKNOWN_SECONDS
from tests.fakes.cloud import Cloud
from tests.statemachine.runner import World

ORDER = [
    "plan_release",
    "open_release",
    "deploy_canary",
    "shift_weight",
    "await_signal",
    "judge_canary",
    "promote_primary",
    "return_traffic",
    "confirm_rest",
    "retire_canary",
    "revert",
    "close_release",
]
DEADLINES = ("deploy_canary", "promote_primary")
NOTHING_TO_DO: dict[str, list[str]] = {"recovered": [], "stranded": [], "left": []}
FROM_OUTSIDE = ("signal_release", "relay_alarm", "reconcile")


def call(name: str, event: dict[str, Any] | None = None) -> Any:
    if event is None:
        event = json.loads((template.ROOT / "events" / f"{name}.json").read_text())
    function = next(
        f for f in template.functions() if f.handler == f"handlers.{name}.lambda_handler"
    )
    context = LambdaContext(function.name, function.arn, "request-1")
    answer = function.load()(event, context)
    return json.loads(json.dumps(answer))


def state_of(cloud: Cloud) -> str:
    cloud.advance()
    services = {n: {**s, "deployments": len(s["deployments"])} for n, s in cloud.services.items()}
    return json.dumps([cloud.route, cloud.route_version, cloud.definitions, services], default=str)


def twice(here: World, name: str) -> Any:
    """The event's answer, after a second delivery that changed nothing."""
    first = call(name)
    here.clock.sleep(20)
    before, ledger = state_of(here.cloud), here.ledger()
    second = call(name)
    if name in DEADLINES:
        # The deadline is counted anew: a repeated delivery gives the rollout no less time.
        for moment in ("started_at", "deadline_at"):
            assert second.pop(moment) >= first.pop(moment)
    if name == "close_release":
        # The lease is free by then, and the second delivery says so.
        assert second.pop("cause").startswith(first.pop("cause"))
    assert second == first, name
    assert state_of(here.cloud) == before, name
    assert len(here.ledger()) == len(ledger), name
    return first


def shift_to_the_end(here: World) -> None:
    """The first try has the canary grow."""
    event = json.loads((template.ROOT / "events/shift_weight.json").read_text())
    with suppress(NotEnoughCapacity):
        call("shift_weight", {**event, "step": 2})
    here.clock.sleep(20)
    call("shift_weight", {**event, "step": 2})


def test_every_step_can_run_twice(here: World) -> None:
    for name in ORDER:
        if name == "promote_primary":
            shift_to_the_end(here)
        twice(here, name)


def test_a_failed_promotion_is_put_back_twice_and_changes_once(here: World) -> None:
    for name in ORDER[: ORDER.index("return_traffic")]:
        if name == "promote_primary":
            shift_to_the_end(here)
        call(name)
        here.clock.sleep(20)
    first = call("restore_primary")
    here.cloud.registry.push("shop:v1")
    before = state_of(here.cloud)
    second = call("restore_primary")
    assert second == first
    assert state_of(here.cloud) == before
    here.clock.sleep(20)
    assert here.cloud.running_image("example1") == "shop:v1"
    with pytest.raises(StageOver, match="delivered late"):
        call("promote_primary")


@pytest.mark.parametrize("name", FROM_OUTSIDE[:2])
def test_a_signal_from_outside_is_kept_once(here: World, name: str) -> None:
    for step in ("plan_release", "open_release", "deploy_canary"):
        call(step)
    here.clock.sleep(400)
    twice(here, name)
    assert here.lease()["signal"]["M"]["kind"] == {"S": "revert"}
    with pytest.raises(RevertRequested):
        call("shift_weight")


def test_the_sweep_frees_the_lease_of_a_dead_execution(here: World) -> None:
    for step in ("plan_release", "open_release", "deploy_canary"):
        call(step)
    here.clock.sleep(20)
    call("shift_weight")
    assert here.cloud.weights == [(95, 5)]
    # AWS may not know yet an execution that has just begun; this one it never knows.
    assert twice(here, "reconcile") == NOTHING_TO_DO
    assert here.cloud.weights == [(95, 5)]
    here.clock.sleep(UNKNOWN_SECONDS)
    assert twice(here, "reconcile") == NOTHING_TO_DO
    assert here.cloud.weights == [(95, 5), (100, 0)]
    here.clock.sleep(30)
    assert len(call("reconcile")["recovered"]) == 1
    assert "holder" not in here.lease()
    assert here.records() == {"release-1": "Reverted"}
    assert here.cloud.services["example2"]["desiredCount"] == 0


def test_check_deployment_answers_for_the_deployment_it_is_asked_about(here: World) -> None:
    call("open_release")
    started = call("deploy_canary")
    event = json.loads((template.ROOT / "events/check_deployment.json").read_text())
    event["deployment"] = started
    first = call("check_deployment", event)
    assert (first["steady"], first["deployment"]) == (False, {**started, "seen": True, "checks": 1})
    here.clock.sleep(first["wait_seconds"] + 10)
    second = call("check_deployment", {**event, "deployment": first["deployment"]})
    assert (second["steady"], second["deployment"]["checks"]) == (True, 2)
    assert 10 < first["wait_seconds"] < second["wait_seconds"] <= 33


@pytest.mark.parametrize("name", ORDER[1:])
def test_a_malformed_event_is_refused_before_any_call(here: World, name: str) -> None:
    with pytest.raises(Exception, match="validation error"):
        call(name, {"release": {}})
    assert here.cloud.calls == []


def test_a_shift_that_comes_late_does_not_take_the_canary_back(here: World) -> None:
    for name in ("plan_release", "open_release", "deploy_canary"):
        call(name)
    here.clock.sleep(20)
    shift_to_the_end(here)
    with pytest.raises(StageOver, match="has had 100 % already"):
        call("shift_weight")
    assert here.cloud.weights == [(0, 100)]


def test_a_primary_that_serves_is_not_replaced(here: World) -> None:
    for name in ORDER[: ORDER.index("promote_primary")]:
        call(name)
        here.clock.sleep(20)
    with pytest.raises(Exception, match="it has 95 %"):
        call("promote_primary")


def test_a_stale_fence_writes_nothing(here: World) -> None:
    call("open_release")
    event = json.loads((template.ROOT / "events/shift_weight.json").read_text())
    with pytest.raises(Exception, match="writes nothing any more"):
        call("shift_weight", {**event, "fence": 7})
    assert here.cloud.weights == []
