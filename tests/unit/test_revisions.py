"""Revisions: what a release deployed is told apart from what others did."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.deployment import Service
from stepcanary.domain.lease import Lease
from stepcanary.domain.revisions import foreign_revision, foreign_sentence, is_old, short_name
from stepcanary.domain.split import SideName
from tests.unit.examples import a_release

RELEASE = a_release()
ARNS = st.sampled_from(["primary:1", "primary:2", "canary:1", "canary:2", "copy:1", "hotfix:1"])
SIDES: list[SideName] = ["primary", "canary"]


def a_service(runs: str, *, deployed: bool = True) -> Service:
    deployments: list[Any] = [{"id": "1", "status": "PRIMARY"}] if deployed else []
    return Service("example", runs, 2, 2, deployments, "ECS", "ROLLING", "ACTIVE")


def a_lease(**changed: Any) -> Lease:
    whole = {"canary_revision": "canary:2", **changed}
    return Lease("split", holder="execution", **whole)


PROMOTED = {"touched": True, "primary_revision": "primary:2", "weight": 100}


def test_a_short_name_is_family_and_revision() -> None:
    arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/shop:7"
    assert short_name(arn) == "shop:7"
    assert short_name("shop:7") == "shop:7"


@pytest.mark.parametrize(
    ("copy", "arn", "old"),
    [
        ("", "primary:1", True),
        ("copy:1", "primary:1", True),
        ("copy:1", "copy:1", True),
        ("", "", False),
        ("copy:1", "copy:2", False),
        ("", "primary:2", False),
    ],
)
def test_old_is_what_the_primary_ran_or_the_copy_of_it(copy: str, arn: str, old: bool) -> None:
    assert is_old(RELEASE, a_lease(copy=copy), arn) is old


@pytest.mark.parametrize(
    ("side", "runs", "lease"),
    [
        ("canary", "canary:2", {"weight": 50}),
        ("canary", "canary:2", {}),
        ("canary", "canary:1", {}),
        ("canary", "canary:9", {"canary_revision": ""}),
        ("canary", "canary:9", {"canary_revision": "", "weight": 50}),
        ("primary", "primary:1", {}),
        ("primary", "primary:1", PROMOTED),
        ("primary", "primary:2", PROMOTED),
        ("primary", "primary:9", {**PROMOTED, "primary_revision": ""}),
        ("primary", "copy:1", {**PROMOTED, "copy": "copy:1"}),
        ("primary", "copy:1", {"copy": "copy:1"}),
    ],
    ids=[
        "the canary serves our revision",
        "the canary has ours, and no weight yet",
        "the canary is as it was at rest",
        "nothing was noted of the canary",
        "nothing was noted of a canary that serves",
        "the primary is untouched",
        "the primary is to be replaced, or was put back",
        "the primary has ours",
        "a touched primary of which nothing was noted",
        "the primary is back on a copy",
        "a copy before the primary was touched",
    ],
)
def test_what_this_release_left_is_its_own(
    side: SideName, runs: str, lease: dict[str, Any]
) -> None:
    assert foreign_revision(RELEASE, a_lease(**lease), side, a_service(runs)) is None


@pytest.mark.parametrize(
    ("side", "runs", "lease"),
    [
        ("canary", "canary:1", {"weight": 5}),
        ("canary", "canary:3", {"weight": 5}),
        ("canary", "canary:3", {}),
        ("primary", "primary:2", {}),
        ("primary", "primary:2", {"primary_revision": "primary:2"}),
        ("primary", "primary:3", PROMOTED),
        ("primary", "copy:1", {}),
        ("primary", "copy:1", {"copy": "copy:2"}),
    ],
    ids=[
        "a canary that serves was put back to its rest",
        "another version on a canary that serves",
        "another version on a canary without weight",
        "the primary was not touched by us",
        "nor where its revision is noted",
        "neither the old nor the new version",
        "a copy of somebody else",
        "a copy that is not this one",
    ],
)
def test_what_somebody_else_deployed_is_told_with_side_and_revision(
    side: SideName, runs: str, lease: dict[str, Any]
) -> None:
    service = a_service(f"arn:aws:ecs:us-east-1:1:task-definition/{runs}")
    found = foreign_revision(RELEASE, a_lease(**lease), side, service)
    assert found == f"somebody else deployed {runs} to the {side} example"
    assert found == foreign_sentence(side, service)


@pytest.mark.parametrize("side", SIDES)
def test_a_service_without_deployments_runs_nothing_of_anybody(side: SideName) -> None:
    lease = a_lease(**PROMOTED)
    for gone in (Service.gone("example"), a_service("hotfix:1", deployed=False), a_service("")):
        assert foreign_revision(RELEASE, lease, side, gone) is None


@given(ARNS, st.booleans(), ARNS, ARNS, st.sampled_from(["", "copy:1"]))
def test_the_old_version_is_never_foreign_on_the_primary(
    runs: str, touched: bool, canary: str, primary: str, copy: str
) -> None:
    lease = a_lease(touched=touched, canary_revision=canary, primary_revision=primary, copy=copy)
    if is_old(RELEASE, lease, runs):
        assert foreign_revision(RELEASE, lease, "primary", a_service(runs)) is None


@given(ARNS, ARNS, st.integers(1, 100))
def test_a_canary_that_serves_runs_what_was_noted_and_nothing_else(
    runs: str, noted: str, weight: int
) -> None:
    lease = a_lease(canary_revision=noted, weight=weight)
    found = foreign_revision(RELEASE, lease, "canary", a_service(runs))
    assert (found is None) is (runs == noted)
