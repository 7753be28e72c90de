"""Deployments: only the image differs, and only what surely runs has arrived."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.deployment import (
    Service,
    check_releasable,
    has_arrived,
    is_overdue,
    with_images,
)
from stepcanary.errors import DeploymentFailed, RequestRejected

NAMES = st.lists(st.sampled_from(["app", "log", "proxy"]), min_size=1, unique=True)
OURS: dict[str, Any] = {"id": "ecs-svc/2", "status": "PRIMARY", "rolloutState": "COMPLETED"}
OLD: dict[str, Any] = {"id": "ecs-svc/1", "status": "ACTIVE", "rolloutState": "COMPLETED"}


def a_service(**changed: Any) -> Service:
    """What ECS says at least of a service; it is steady."""
    return Service.of(
        {
            "serviceName": "example2",
            "taskDefinition": "canary:1",
            "desiredCount": 2,
            "runningCount": 2,
            "deployments": [OURS],
            "status": "ACTIVE",
            **changed,
        }
    )


@given(NAMES, st.data())
def test_only_the_named_images_differ_and_the_original_stays(names: list[str], data: Any) -> None:
    images = data.draw(st.dictionaries(st.sampled_from(names), st.just("shop:v2")))
    containers = [{"name": n, "image": "shop:v1", "cpu": 256, "secrets": [n]} for n in names]
    original = {"family": "shop", "cpu": "256", "containerDefinitions": containers}
    before = copy.deepcopy(original)
    derived = with_images(original, images)
    assert original == before
    expected = [{**c, "image": images.get(str(c["name"]), "shop:v1")} for c in containers]
    assert derived == {**original, "containerDefinitions": expected}


def test_what_is_derived_shares_nothing_with_the_original() -> None:
    original = {"family": "shop", "containerDefinitions": [{"name": "app", "secrets": []}]}
    with_images(original, {})["containerDefinitions"][0]["secrets"].append("x")
    assert original["containerDefinitions"] == [{"name": "app", "secrets": []}]


def test_a_container_that_is_not_there_is_refused_with_those_that_are() -> None:
    containers = [{"name": "web", "image": "shop:v1"}, {"name": "log", "image": "fluent:1"}]
    definition = {"family": "shop", "containerDefinitions": containers}
    with pytest.raises(RequestRejected, match=r"^images\.app: .*\bshop\b.*\blog, web$"):
        with_images(definition, {"web": "shop:v2", "app": "shop:v2"})


def test_the_current_deployment_is_the_primary_one_wherever_it_is_listed() -> None:
    assert a_service(deployments=[OLD, OURS]).current == OURS
    assert a_service(deployments=[OLD]).current is None
    assert a_service(deployments=[]).current is None


@pytest.mark.parametrize(
    ("changed", "steady"),
    [
        ({}, True),
        ({"deployments": [{"id": "ecs-svc/2", "status": "PRIMARY"}]}, True),
        ({"desiredCount": 0, "runningCount": 0}, True),
        ({"deployments": []}, False),
        ({"deployments": [OURS, OLD]}, False),
        ({"deployments": [{**OURS, "rolloutState": "IN_PROGRESS"}]}, False),
        ({"deployments": [{**OURS, "rolloutState": "FAILED"}]}, False),
        ({"runningCount": 1}, False),
        ({"runningCount": 3}, False),
    ],
    ids=[
        "all of it runs",
        "a classic load balancer's has no rollout state",
        "none is wanted and none runs",
        "never deployed",
        "the old one drains",
        "in progress",
        "failed",
        "one task too few",
        "one task too many",
    ],
)
def test_steady_is_one_completed_deployment_with_all_its_tasks(
    changed: dict[str, Any], steady: bool
) -> None:
    assert a_service(**changed).steady is steady


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"deploymentController": {"type": "ECS"}},
        {"deploymentController": {}},
        {"deploymentConfiguration": {}},
        {"deploymentConfiguration": {"strategy": None}},
        {"deploymentConfiguration": {"strategy": "ROLLING"}},
    ],
    ids=[
        "ECS says nothing of either",
        "ECS's controller",
        "a controller without type",
        "a configuration without strategy",
        "a strategy of nothing",
        "a rolling strategy",
    ],
)
def test_a_service_that_ecs_rolls_can_be_released(changed: dict[str, Any]) -> None:
    check_releasable("profile.canary", a_service(**changed))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"status": "DRAINING"}, "DRAINING"),
        ({"status": "INACTIVE"}, "INACTIVE"),
        ({"deploymentController": {"type": "CODE_DEPLOY"}}, "CODE_DEPLOY"),
        ({"deploymentController": {"type": "EXTERNAL"}}, "EXTERNAL"),
        ({"deploymentConfiguration": {"strategy": "BLUE_GREEN"}}, "BLUE_GREEN"),
        ({"deploymentConfiguration": {"strategy": "CANARY"}}, "CANARY"),
    ],
    ids=["draining", "inactive", "CodeDeploy's", "external", "blue/green", "ECS's own canary"],
)
def test_a_service_that_others_deploy_is_refused_by_name(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(RequestRejected) as rejected:
        check_releasable("profile.canary", a_service(**changed))
    message = str(rejected.value)
    assert message.startswith("profile.canary: ")
    assert "example2" in message
    assert why in message


@pytest.mark.parametrize(
    ("changed", "arrived"),
    [
        ({}, True),
        ({"desiredCount": 1, "runningCount": 1}, True),
        ({"deployments": [OURS, OLD]}, False),
        ({"deployments": [{**OURS, "rolloutState": "IN_PROGRESS"}]}, False),
        ({"runningCount": 1}, False),
        ({"desiredCount": 0, "runningCount": 0}, False),
    ],
    ids=[
        "all of it",
        "its only task",
        "the old one drains",
        "in progress",
        "a task is missing",
        "scaled to none",
    ],
)
def test_a_deployment_has_arrived_when_nothing_but_it_runs(
    changed: dict[str, Any], arrived: bool
) -> None:
    assert has_arrived(a_service(**changed), OURS["id"]) is arrived


@pytest.mark.parametrize(
    "deployments",
    [
        [{**OLD, "status": "PRIMARY"}],
        [{**OLD, "status": "PRIMARY"}, {**OURS, "status": "ACTIVE"}],
        [],
    ],
    ids=["ECS is back on the old one", "another overtakes it", "there is none"],
)
def test_a_steady_service_on_another_deployment_is_a_failure(
    deployments: list[dict[str, Any]],
) -> None:
    with pytest.raises(DeploymentFailed, match=r"example2.*ecs-svc/2.*replaced"):
        has_arrived(a_service(deployments=deployments), OURS["id"])


def test_a_failed_deployment_says_ecs_reason_once_punctuated() -> None:
    failed = {**OURS, "rolloutState": "FAILED", "rolloutStateReason": "circuit breaker: tasks."}
    with pytest.raises(DeploymentFailed, match=r"failed: circuit breaker: tasks\. [A-Z]"):
        has_arrived(a_service(deployments=[failed]), OURS["id"])


def test_a_failure_that_was_replaced_since_still_says_why() -> None:
    failed = {**OURS, "status": "ACTIVE", "rolloutState": "FAILED", "rolloutStateReason": "boom"}
    with pytest.raises(DeploymentFailed, match="failed: boom"):
        has_arrived(a_service(deployments=[{**OLD, "status": "PRIMARY"}, failed]), OURS["id"])


def test_a_failure_without_a_reason_is_told_as_well() -> None:
    with pytest.raises(DeploymentFailed, match="ECS gave no reason"):
        has_arrived(a_service(deployments=[{**OURS, "rolloutState": "FAILED"}]), OURS["id"])


def test_a_deadline_is_over_once_it_has_passed_and_not_when_it_comes() -> None:
    deadline = datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC)
    at = int(deadline.timestamp())
    assert not is_overdue(deadline, at)
    assert is_overdue(deadline + timedelta(milliseconds=1), at)
