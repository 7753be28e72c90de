"""Deployments: only the image differs, and only what surely runs has arrived."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.deployment import (
    Service,
    Started,
    check_releasable,
    is_complete,
    is_overdue,
    looked_at,
    wait_before_next,
    warnings,
)
from stepcanary.errors import DeploymentFailed, RequestRejected

OURS: dict[str, Any] = {
    "id": "ecs-svc/2",
    "status": "PRIMARY",
    "rolloutState": "COMPLETED",
    "taskDefinition": "canary:2",
}
OLD: dict[str, Any] = {
    "id": "ecs-svc/1",
    "status": "ACTIVE",
    "rolloutState": "COMPLETED",
    "taskDefinition": "canary:1",
}
LATER: dict[str, Any] = {**OURS, "id": "ecs-svc/3", "createdAt": datetime(2026, 11, 24, tzinfo=UTC)}
"""The same revision, deployed once more."""
DEMOTED: dict[str, Any] = {**OURS, "status": "ACTIVE"}
STARTED = Started(deployment_id="ecs-svc/2", task_definition="canary:2", deadline_at=0, seen=True)
UNSEEN = STARTED.model_copy(update={"seen": False})


def a_service(**changed: Any) -> Service:
    """What ECS says at least of a service; it is settled."""
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


def test_the_current_deployment_is_the_primary_one_wherever_it_is_listed() -> None:
    assert a_service(deployments=[OLD, OURS]).current == OURS
    assert a_service(deployments=[OLD]).current is None
    assert a_service(deployments=[]).current is None


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
        ({"schedulingStrategy": "DAEMON"}, "scheduled as DAEMON"),
        ({"resourceManagementType": "ECS"}, "an Express Mode service"),
    ],
    ids=[
        "draining",
        "inactive",
        "CodeDeploy's",
        "external",
        "blue/green",
        "ECS's own canary",
        "a task per instance",
        "express",
    ],
)
def test_a_service_that_others_deploy_is_refused_by_name(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(RequestRejected) as rejected:
        check_releasable("profile.canary", a_service(**changed))
    message = str(rejected.value)
    assert message.startswith("profile.canary: ")
    assert "example2" in message
    assert why in message


def test_a_service_of_task_sets_is_refused_although_it_has_no_revision_of_its_own() -> None:
    described = {
        "serviceName": "example2",
        "desiredCount": 2,
        "runningCount": 2,
        "status": "ACTIVE",
        "deploymentController": {"type": "EXTERNAL"},
        "taskSets": [{"id": "ecs-svc/1"}],
    }
    with pytest.raises(RequestRejected, match="is deployed by EXTERNAL"):
        check_releasable("canary", Service.of(described))


def early(percent: int, *, enable: bool = True) -> dict[str, Any]:
    criteria = {"enable": enable, "healthyPercent": percent}
    return {"deploymentConfiguration": {"earlySuccessCriteria": criteria}}


@pytest.mark.parametrize(
    ("changed", "running", "complete"),
    [
        (early(50), 1, False),
        (early(50), 2, True),
        (early(0), 0, False),
        (early(50, enable=False), 1, True),
        ({}, 1, True),
    ],
    ids=["half of them", "all of them", "none is enough", "switched off", "ECS waits itself"],
)
def test_early_success_is_no_success_until_all_tasks_run(
    changed: dict[str, Any], running: int, complete: bool
) -> None:
    """The old tasks, which the service still counts, are none of this deployment's."""
    deployments = [{**OURS, "runningCount": running}]
    service = a_service(deployments=deployments, runningCount=3, **changed)
    assert service.settled
    assert is_complete(service, STARTED) is complete


def test_early_success_is_warned_of() -> None:
    assert warnings("canary", a_service(), 1_800) == []
    assert warnings("canary", a_service(**early(5, enable=False)), 1_800) == []
    (warning,) = warnings("canary", a_service(**early(50)), 1_800)
    assert warning.startswith("canary: ECS calls a deployment of example2 complete at 50 %")


@pytest.mark.parametrize(
    ("changed", "settled"),
    [
        ({"runningCount": 1}, True),
        ({"runningCount": 3}, True),
        ({"deployments": [{**OURS, "rolloutState": "IN_PROGRESS"}]}, False),
        ({"deployments": [{**OURS, "rolloutState": "FAILED"}]}, False),
        ({"deployments": [OURS, OLD]}, False),
        ({"deployments": [{"id": "1", "status": "PRIMARY"}], "runningCount": 1}, False),
        ({"deployments": [{"id": "1", "status": "PRIMARY"}], "runningCount": 3}, True),
        ({"deployments": []}, False),
        ({"desiredCount": 0, "runningCount": 0}, True),
        ({"deployments": [{"id": "ecs-svc/2", "status": "PRIMARY"}]}, True),
        ({}, True),
    ],
    ids=[
        "a task died since",
        "one is being stopped",
        "in progress",
        "failed",
        "the old one drains",
        "no rollout state and too few",
        "no rollout state and one too many",
        "never deployed",
        "none is wanted and none runs",
        "a classic load balancer's has no rollout state",
        "all of it runs",
    ],
)
def test_settled_is_what_ecs_is_done_with_however_many_tasks_run(
    changed: dict[str, Any], settled: bool
) -> None:
    assert a_service(**changed).settled is settled


def test_a_service_that_is_gone_runs_nothing_and_is_never_settled() -> None:
    gone = Service.gone("example2")
    assert (gone.name, gone.running, gone.desired, gone.current) == ("example2", 0, 0, None)
    assert not gone.settled
    with pytest.raises(RequestRejected, match="INACTIVE"):
        check_releasable("profile.canary", gone)


@pytest.mark.parametrize(
    ("changed", "complete"),
    [
        ({}, True),
        ({"desiredCount": 1, "runningCount": 1}, True),
        ({"runningCount": 1}, True),
        ({"runningCount": 3}, True),
        ({"deployments": [LATER]}, True),
        ({"deployments": [{**LATER, "rolloutState": "IN_PROGRESS"}, DEMOTED]}, False),
        ({"deployments": [OURS, OLD]}, False),
        ({"deployments": [{**OURS, "rolloutState": "IN_PROGRESS"}]}, False),
        ({"desiredCount": 0, "runningCount": 0}, False),
    ],
    ids=[
        "all of it",
        "its only task",
        "a task died since, which capacity counts",
        "one more task, which capacity counts",
        "the same revision was deployed anew",
        "the same revision is being deployed anew",
        "the old one drains",
        "in progress",
        "scaled to none",
    ],
)
@pytest.mark.parametrize("started", [STARTED, UNSEEN], ids=["seen", "not seen yet"])
def test_a_deployment_is_complete_when_nothing_but_its_revision_is_there(
    changed: dict[str, Any], complete: bool, started: Started
) -> None:
    assert is_complete(a_service(**changed), started) is complete


BACK = {**OLD, "status": "PRIMARY"}
REPLACED = [[BACK], [BACK, DEMOTED], []]
REPLACED_IDS = ["ECS is back on the old one", "another overtakes it", "there is none"]


@pytest.mark.parametrize("deployments", REPLACED, ids=REPLACED_IDS)
def test_a_steady_service_on_another_revision_is_a_failure(
    deployments: list[dict[str, Any]],
) -> None:
    with pytest.raises(DeploymentFailed, match=r"example2.*ecs-svc/2.*replaced"):
        is_complete(a_service(deployments=deployments), STARTED)


@pytest.mark.parametrize("deployments", [[BACK], []], ids=["the old one", "none"])
def test_a_deployment_that_no_read_has_shown_yet_is_only_late(
    deployments: list[dict[str, Any]],
) -> None:
    assert not is_complete(a_service(deployments=deployments), UNSEEN)


def test_one_that_was_shown_as_overtaken_is_not_late() -> None:
    with pytest.raises(DeploymentFailed, match="overtaken"):
        is_complete(a_service(deployments=[BACK, DEMOTED]), UNSEEN)


def test_the_failure_before_ours_which_a_lagging_read_still_shows_is_not_ours() -> None:
    """A revision that ECS had given up is started anew."""
    before = {**OURS, "id": "ecs-svc/0", "rolloutState": "FAILED"}
    assert not is_complete(a_service(deployments=[before]), UNSEEN)
    with pytest.raises(DeploymentFailed, match="failed"):
        is_complete(a_service(deployments=[before]), STARTED)


def test_a_failed_deployment_says_ecs_reason_once_punctuated() -> None:
    failed = {**OURS, "rolloutState": "FAILED", "rolloutStateReason": "circuit breaker: tasks."}
    for started in (STARTED, UNSEEN):
        with pytest.raises(DeploymentFailed, match=r"failed: circuit breaker: tasks\. [A-Z]"):
            is_complete(a_service(deployments=[failed]), started)


def test_a_failure_that_was_replaced_since_still_says_why() -> None:
    failed = {**DEMOTED, "rolloutState": "FAILED", "rolloutStateReason": "boom"}
    with pytest.raises(DeploymentFailed, match="failed: boom"):
        is_complete(a_service(deployments=[BACK, failed]), STARTED)


def test_a_failure_without_a_reason_is_told_as_well() -> None:
    with pytest.raises(DeploymentFailed, match="ECS gave no reason"):
        is_complete(a_service(deployments=[{**OURS, "rolloutState": "FAILED"}]), STARTED)


def test_a_look_counts_and_what_was_once_seen_stays_seen() -> None:
    unseen = looked_at(a_service(deployments=[BACK]), UNSEEN)
    seen = looked_at(a_service(deployments=[DEMOTED, BACK]), unseen)
    gone = looked_at(a_service(deployments=[BACK]), seen)
    assert [(s.seen, s.checks) for s in (unseen, seen, gone)] == [(False, 1), (True, 2), (True, 3)]
    same = {"seen": UNSEEN.seen, "checks": UNSEEN.checks}
    assert gone.model_copy(update=same) == UNSEEN


@given(st.integers(1, 300), st.integers(0, 720), st.text(max_size=20))
def test_looks_come_further_apart_and_never_more_than_three_times(
    check_seconds: int, checks: int, execution: str
) -> None:
    started = STARTED.model_copy(update={"checks": checks})
    wait = wait_before_next(started, check_seconds, execution)
    assert max(1, round(check_seconds * 0.9)) <= wait <= round(check_seconds * 3 * 1.1)
    if checks >= 4:
        assert wait >= round(check_seconds * 3 * 0.9)
    assert wait == wait_before_next(started, check_seconds, execution)


def test_releases_that_began_together_drift_apart() -> None:
    waits = {wait_before_next(STARTED, 300, f"release-{n}") for n in range(50)}
    assert len(waits) > 10


def test_a_deadline_is_over_once_it_has_passed_and_not_when_it_comes() -> None:
    deadline = datetime(2026, 11, 24, 10, 0, 0, tzinfo=UTC)
    at = int(deadline.timestamp())
    assert not is_overdue(deadline, at)
    assert is_overdue(deadline + timedelta(milliseconds=1), at)


def test_an_earlier_deployment_of_the_same_revision_is_only_a_read_that_lags() -> None:
    earlier = {**LATER, "createdAt": datetime(2026, 11, 23, tzinfo=UTC)}
    at = int(datetime(2026, 11, 24, tzinfo=UTC).timestamp())
    unseen = Started(
        deployment_id=OURS["id"],
        task_definition=earlier["taskDefinition"],
        deadline_at=at + 900,
        started_at=at,
    )
    assert not is_complete(a_service(deployments=[earlier]), unseen)
    assert is_complete(a_service(deployments=[LATER]), unseen)
