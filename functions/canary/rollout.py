"""Rollout: the acts of a release, each safe to run twice."""

from canary import clock
from canary.aws import cloudwatch, ecs, ledger
from canary.deployment import Service, has_arrived, is_overdue, with_images
from canary.errors import DeploymentFailed, DeploymentOverdue, NotEnoughCapacity, SplitDrifted
from canary.model import Model
from canary.release import Release
from canary.split import Split
from canary.traffic import SideName, shift
from canary.traffic.routers import router_for
from canary.verdict import Verdict, judge


class Started(Model):
    """A deployment under way. `deadline_at` is in epoch seconds."""

    deployment_id: str
    task_definition: str
    deadline_at: int


def _service(release: Release, side: SideName) -> Service:
    name = release.side(side).service
    service = ecs.describe_service(release.cluster, name)
    if service is None:
        raise DeploymentFailed(f"ECS service {name} is gone from cluster {release.cluster}")
    return service


def deploy(release: Release, side: SideName) -> Started:
    """Deploy the new version to one side, derived from that side's own task definition."""
    service = _service(release, side)
    if release.task_definitions is not None:
        wanted = getattr(release.task_definitions, side)
        arn, _ = ecs.require_task_definition(wanted, f"task_definitions.{side}")
    else:
        _, current = ecs.describe_task_definition(service.task_definition)
        arn = ecs.find_or_register(with_images(current, release.images or {}))
    tasks = release.canary_tasks if side == "canary" else None
    return Started(
        deployment_id=ecs.deploy(release.cluster, service, arn, tasks),
        task_definition=arn,
        deadline_at=clock.epoch_seconds() + release.deployment.deadline_seconds,
    )


def is_steady(release: Release, side: SideName, started: Started) -> bool:
    """Whether the deployment runs in full and the router would send it requests.

    Raises `DeploymentFailed` or `DeploymentOverdue`.
    """
    service = _service(release, side)
    if has_arrived(service, started.deployment_id):
        short = _missing_capacity(release, side, service)
        if short is None:
            return True
    else:
        short = f"{service.running} of {service.desired} tasks run"
    if is_overdue(clock.now(), started.deadline_at):
        raise DeploymentOverdue(
            f"ECS service {service.name} was not steady after"
            f" {release.deployment.deadline_seconds} s: {short}. Look at its events and stopped"
            " tasks, or raise deployment.deadline_seconds"
        )
    return False


def _missing_capacity(release: Release, side: SideName, service: Service) -> str | None:
    if service.desired == 0 or service.running < service.desired:
        return f"{service.running} of {service.desired} tasks of {service.name} run"
    for traffic in release.traffic:
        healthy = router_for(traffic).healthy_targets(side)
        if healthy is not None and healthy < service.desired:
            return f"{healthy} of {service.desired} targets of {service.name} are healthy"
    return None


def move_weight(release: Release, fence: int, weight: int, receiver: SideName) -> Split:
    """Write the weight, once this execution may and the receiving side can carry it."""
    ledger.check_lease(release, fence)
    short = _missing_capacity(release, receiver, _service(release, receiver))
    if short is not None:
        raise NotEnoughCapacity(f"the {receiver} gets no more weight: {short}")
    return _write(release, weight)


def give_back(release: Release, fence: int) -> Split:
    """All weight to the primary, before anything else and whatever its state."""
    ledger.check_lease(release, fence)
    return _write(release, 0)


def _write(release: Release, weight: int) -> Split:
    return [shift(router_for(traffic), weight) for traffic in release.traffic][-1]


def judge_canary(release: Release, holds_left: int) -> Verdict:
    return judge(release.alarms, cloudwatch.describe_alarms(release.alarms), holds_left)


def retire_canary(release: Release) -> None:
    """Scale the canary in, but only after the split was read back at rest."""
    for traffic in release.traffic:
        router = router_for(traffic)
        split = router.read().split
        if not split.at_rest:
            raise SplitDrifted(
                f"{router.name} is at {split}, not at rest, so the canary's tasks stay"
            )
    ecs.scale(release.cluster, _service(release, "canary"), 0)
