"""Releases: every release takes splits in one order, and a shift by hand is none."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stepcanary.domain.release import Release
from tests.builders import traffic
from tests.unit.examples import EXECUTION, a_release

READY = {"primary": "primary:2", "canary": "canary:2"}
ROUTES = st.lists(st.sampled_from("abcdef"), min_size=1, unique=True)


@given(ROUTES, st.randoms(use_true_random=False))
def test_whatever_order_the_profile_has_splits_are_taken_in_one(
    routes: list[str], random: Any
) -> None:
    routers = [each for route in routes for each in traffic(route=route)]
    one = a_release(traffic=routers)
    random.shuffle(routers)
    other = a_release(traffic=routers)
    assert one.splits == other.splits
    assert one.split == other.split == min(one.splits)
    assert {split.rpartition("/")[2] for split in one.splits} == set(routes)


def test_splits_are_named_in_the_account_that_the_execution_runs_in() -> None:
    owner = EXECUTION.replace("123456789012", "210987654321")
    assert a_release(execution=owner).split == "appmesh/210987654321/example/example/example"


@pytest.mark.parametrize(
    ("changed", "manual"),
    [
        ({}, False),
        ({"images": None, "task_definitions": READY}, False),
        ({"images": {}}, False),
        ({"images": None}, True),
    ],
    ids=["images", "ready task definitions", "a version without images", "neither"],
)
def test_what_has_no_version_is_a_shift_by_hand(changed: dict[str, Any], manual: bool) -> None:
    assert a_release(**changed).manual is manual


def test_a_side_is_found_by_its_name() -> None:
    release = a_release()
    assert release.side("primary").service == "example1"
    assert release.side("canary").service == "example2"


def test_what_was_found_of_the_route_travels_with_the_release() -> None:
    release = a_release(traffic=traffic(rest_weight=100, drain_seconds=60), drain_seconds=60)
    arrived = Release.model_validate_json(release.model_dump_json())
    assert arrived == release
    assert (arrived.traffic[0].rest_weight, arrived.traffic[0].drain_seconds) == (100, 60)


@pytest.mark.parametrize("tasks", ["canary_tasks", "primary_tasks"])
def test_no_side_is_planned_without_tasks(tasks: str) -> None:
    a_release(**{tasks: 1})
    with pytest.raises(ValidationError, match=tasks):
        a_release(**{tasks: 0})
