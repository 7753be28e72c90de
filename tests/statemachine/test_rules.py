"""The rules of whoever runs the stack are for what is new, and keep nobody from going back."""

import json

import pytest

from tests.builders import profile, request
from tests.statemachine.runner import World
from tests.statemachine.timeline import FIRST_BAKE

PROFILES = "/stepcanary/profiles"
STRICT = json.dumps({"least_bake_seconds": 86_400})


@pytest.fixture(params=[STRICT, "{,}"], ids=["strict", "broken"])
def rules(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def tighten(here: World, rules: str) -> None:
    here.cloud.parameters[f"{PROFILES}/_policy"] = rules


def act(here: World, action: str, name: str, **more: object) -> str:
    document = {"service": "checkout", "action": action, **more}
    return here.wait(here.start(document, name)).status


def test_a_release_and_more_weight_have_to_keep_them(here: World, rules: str) -> None:
    tighten(here, rules)
    stored = {"service": "checkout", "images": {"app": "shop:v2"}}
    assert here.release(stored).state == "Rejected"
    assert act(here, "shift", "shift-1", weight=10) == "FAILED"


def test_a_release_that_runs_can_be_reverted(here: World, rules: str) -> None:
    here.clock.after(FIRST_BAKE, lambda: tighten(here, rules))
    here.clock.after(FIRST_BAKE + 1, lambda: here.signal("revert"))
    assert here.release(request()).state == "Reverted"


def test_a_rollback_a_look_and_a_shift_to_0_are_free(here: World, rules: str) -> None:
    assert here.release(request(images={"app": "shop:v2"})).state == "Released"
    assert here.release(request(images={"app": "shop:v3"}), "release-2").state == "Released"
    tighten(here, rules)
    assert act(here, "status", "status-1") == "SUCCEEDED"
    assert act(here, "shift", "shift-1", weight=0) == "SUCCEEDED"
    back = here.release({"service": "checkout", "action": "rollback", "by": "jane"}, "back-1")
    assert back.state == "Released"


def test_a_rollback_goes_back_to_a_repository_that_is_none_of_the_service_s_any_more(
    here: World,
) -> None:
    assert here.release(request(images={"app": "shop:v2"})).state == "Released"
    here.cloud.parameters[f"{PROFILES}/checkout"] = json.dumps(profile(repositories=["other"]))
    moved = {"service": "checkout", "images": {"app": "other:v3"}}
    assert here.release(moved, "release-2").state == "Released"
    back = here.release({"service": "checkout", "action": "rollback", "by": "jane"}, "back-1")
    assert (back.state, back.cause) == ("Released", back.cause)
    assert "shop" in here.cloud.running_image("example1")
