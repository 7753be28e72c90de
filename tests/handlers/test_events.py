"""Each example event runs through its handler twice: same answer, and the world stays put."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import stack
from sandbox.workflow import LambdaContext
from tests.fakes.cloud import Cloud
from tests.statemachine.runner import World, world

ORDER = [
    "plan_release",
    "open_release",
    "deploy_canary",
    "shift_weight",
    "judge_canary",
    "promote_primary",
    "return_traffic",
    "retire_canary",
    "revert",
    "close_release",
]


@pytest.fixture
def here() -> Iterator[World]:
    with world() as opened:
        yield opened


def call(name: str, event: dict[str, Any] | None = None) -> Any:
    if event is None:
        event = json.loads((stack.ROOT / "events" / f"{name}.json").read_text())
    function = next(f for f in stack.functions() if f.handler == f"handlers.{name}.lambda_handler")
    context = LambdaContext(function.name, function.arn, "request-1")
    answer = function.load()(event, context)
    return json.loads(json.dumps(answer))


def state_of(cloud: Cloud) -> str:
    cloud.advance()
    services = {n: {**s, "deployments": len(s["deployments"])} for n, s in cloud.services.items()}
    return json.dumps([cloud.route, cloud.route_version, cloud.definitions, services], default=str)


def test_every_step_can_run_twice(here: World) -> None:
    for name in ORDER:
        first = call(name)
        here.clock.sleep(20)
        before, ledger = state_of(here.cloud), here.ledger()
        second = call(name)
        if name in ("deploy_canary", "promote_primary"):
            # The deadline is counted anew: a repeated delivery gives the rollout no less time.
            assert second.pop("deadline_at") >= first.pop("deadline_at")
        assert second == first, name
        assert state_of(here.cloud) == before, name
        assert len(here.ledger()) == len(ledger), name


def test_check_deployment_answers_for_the_deployment_it_is_asked_about(here: World) -> None:
    call("open_release")
    started = call("deploy_canary")
    event = json.loads((stack.ROOT / "events/check_deployment.json").read_text())
    event["deployment"] = started
    assert call("check_deployment", event) == {"steady": False}
    here.clock.sleep(20)
    assert call("check_deployment", event) == {"steady": True}


@pytest.mark.parametrize("name", ORDER[1:])
def test_a_malformed_event_is_refused_before_any_call(here: World, name: str) -> None:
    with pytest.raises(Exception, match="validation error"):
        call(name, {"release": {}})
    assert here.cloud.calls == []


def test_a_stale_fence_writes_nothing(here: World) -> None:
    call("open_release")
    event = json.loads((stack.ROOT / "events/shift_weight.json").read_text())
    with pytest.raises(Exception, match="writes no weight"):
        call("shift_weight", {**event, "fence": 7})
    assert here.cloud.weights == []
