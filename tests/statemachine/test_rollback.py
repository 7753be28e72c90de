"""Rollbacks: as large as the primary, never back to what was fled, and both versions named."""

from typing import Any
from unittest.mock import patch

import pytest

from stepcanary.aws import eventbridge
from stepcanary.domain.events import ReleaseEvent
from tests.builders import request
from tests.fakes.cloud import Document
from tests.statemachine.runner import Outcome, World
from tests.statemachine.test_actions import act, stored

SERVED = "example1"


def release(here: World, number: int) -> None:
    done = here.release(request(images={"app": f"shop:v{number}"}), f"release-{number}")
    assert done.state == "Released", done.cause


def rollback(here: World, to: str = "", **more: Any) -> Outcome:
    return act(here, "rollback", **({"to": to} if to else {}), **more)


@pytest.fixture
def rolled_back(here: World) -> World:
    """Version 2 was released, then 3, and then 3 was fled."""
    release(here, 2)
    release(here, 3)
    assert rollback(here).state == "Released"
    assert here.cloud.running_image(SERVED) == "shop:v2"
    return here


def test_a_second_rollback_does_not_bring_back_what_the_first_one_fled(rolled_back: World) -> None:
    outcome = rollback(rolled_back)
    assert outcome.state == "Rejected"
    assert "was a rollback itself, from shop:v3 to shop:v2" in outcome.cause
    assert "release-3 (shop:v3), release-2 (shop:v2)" in outcome.cause
    assert rolled_back.cloud.running_image(SERVED) == "shop:v2"


@pytest.mark.parametrize("as_arn", [False, True], ids=["by name", "by ARN"])
def test_unless_it_is_named(rolled_back: World, as_arn: bool) -> None:
    name = "release-3"
    outcome = rollback(rolled_back, rolled_back.arn(name) if as_arn else name)
    assert outcome.state == "Released", outcome.cause
    assert rolled_back.cloud.running_image(SERVED) == "shop:v3"
    assert rollback(rolled_back).state == "Rejected"


def test_after_a_release_of_something_else_it_needs_no_name(rolled_back: World) -> None:
    release(rolled_back, 4)
    assert rollback(rolled_back).state == "Released"
    assert rolled_back.cloud.running_image(SERVED) == "shop:v2"


def test_a_rollback_that_failed_may_be_tried_again(here: World) -> None:
    release(here, 2)
    release(here, 3)
    here.cloud.broken_images = {"shop:v2"}
    failed = rollback(here)
    assert failed.state == "Reverted"
    assert "It was a rollback from shop:v3 to shop:v2" in failed.cause
    here.cloud.broken_images = set()
    assert rollback(here).state == "Released"
    assert here.cloud.running_image(SERVED) == "shop:v2"


def test_whoever_names_one_may_go_past_what_somebody_else_deployed(here: World) -> None:
    release(here, 2)
    here.cloud.ecs_update(SERVED, f"{SERVED}:1")
    here.clock.sleep(60)
    assert rollback(here).state == "Rejected"
    outcome = rollback(here, "release-2")
    assert outcome.state == "Released", outcome.cause
    assert here.cloud.running_image(SERVED) == "shop:v2"
    assert any("rolled back from example1:" in cause for cause in here.causes().values())


def test_both_versions_are_named(here: World) -> None:
    release(here, 2)
    published: list[ReleaseEvent] = []
    with patch.object(eventbridge, "publish", published.append):
        assert rollback(here).state == "Released"
    started, ended = published[0], published[-1]
    assert (started.detail_type, started.rolled_back_from) == ("Release Started", "shop:v2")
    assert started.images == {"app": f"shop:v1@{here.cloud.registry.digest('shop:v1')}"}
    assert ended.cause == "The primary serves shop:v1, rolled back from shop:v2."


@pytest.mark.parametrize("ready", [False, True], ids=["images", "task definitions"])
def test_the_bytes_of_then_come_back_whatever_the_tags_mean(here: World, ready: bool) -> None:
    version = request(images={"app": "shop:v2"})
    if ready:
        for family in ("example1", "example2"):
            here.cloud.register(family, "shop:v2")
        named = {"primary": "example1:2", "canary": "example2:2"}
        version = request(images=None, task_definitions=named)
    before = here.cloud.content(SERVED)
    assert here.release(version).state == "Released"
    for image in ("shop:v1", "envoy:v1"):
        here.cloud.registry.push(image)
    assert rollback(here).state == "Released"
    assert here.cloud.content(SERVED) == before


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("nobody", "the ledger has no release nobody"),
        ("reverted", "reverted is Reverted, so nobody knows"),
        ("other", "other is a release of basket"),
        ("shifted", "shifted weights by hand"),
        ("release-2", "already runs this version"),
    ],
)
def test_what_cannot_be_gone_back_to_is_rejected_with_what_is_known(
    here: World, to: str, message: str
) -> None:
    release(here, 2)
    here.cloud.parameters["/stepcanary/profiles/basket"] = here.cloud.parameters[
        "/stepcanary/profiles/checkout"
    ]
    here.cloud.broken_images = {"shop:v8"}
    here.release(request(images={"app": "shop:v8"}), "reverted")
    here.cloud.set_desired("example2", 2)
    here.clock.sleep(60)
    act(here, "shift", "shifted", weight=0)
    if to == "other":
        here.release(request(service="basket", images={"app": "shop:v7"}), "other")
    outcome = rollback(here, to)
    assert outcome.state == "Rejected"
    assert message in outcome.cause
    if to != "release-2":
        assert "release-2 (shop:v2)" in outcome.cause


def test_an_arn_of_another_machine_is_no_release_of_ours(rolled_back: World) -> None:
    arn = rolled_back.arn("release-3").replace("123456789012", "210987654321")
    outcome = rollback(rolled_back, arn)
    assert outcome.state == "Rejected"
    assert f"the ledger has no release {arn}" in outcome.cause


def test_a_release_goes_to_no_other(here: World) -> None:
    outcome = here.release(request(to="release-1"))
    assert outcome.state == "Rejected"
    assert "to is for a rollback" in outcome.cause


def canary_counts(here: World) -> list[int]:
    """What the canary was scaled to."""
    return [
        params["desiredCount"]
        for name, params in here.cloud.calls
        if name == "ecs.UpdateService"
        and params["service"] == "example2"
        and params.get("desiredCount")
    ]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [({"canary_tasks": 1}, 4), ({}, 4), ({"canary_tasks": 6}, 6)],
    ids=["a small canary", "as the primary", "a large one"],
)
def test_the_canary_is_at_least_as_large_as_the_primary(
    here: World, changed: Document, expected: int
) -> None:
    stored(here, **changed)
    release(here, 2)
    here.cloud.set_desired(SERVED, 4)
    here.clock.sleep(60)
    here.cloud.calls.clear()
    assert rollback(here).state == "Released"
    assert canary_counts(here) == [expected]


def test_it_grows_with_a_primary_that_scales_out_meanwhile(here: World) -> None:
    release(here, 2)
    here.cloud.calls.clear()
    here.clock.after(5, lambda: here.cloud.autoscale(SERVED, 5))
    tasks_at_full_weight: list[int] = []
    here.cloud.on_write = lambda _primary, canary: (
        tasks_at_full_weight.append(here.cloud.view("example2")["runningCount"])
        if canary == 100
        else None
    )
    assert rollback(here).state == "Released"
    assert tasks_at_full_weight[0] >= here.cloud.view(SERVED)["desiredCount"] > 2


def test_a_release_keeps_the_number_of_its_profile(here: World) -> None:
    stored(here, canary_tasks=1)
    here.cloud.calls.clear()
    release(here, 2)
    assert canary_counts(here) == [1]
