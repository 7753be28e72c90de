"""Deploy: a version to one side, and whether it is steady. Each act is safe to run twice."""

from stepcanary import clock
from stepcanary.aws import ecs
from stepcanary.domain.deployment import Service, Started, has_arrived, is_overdue, with_images
from stepcanary.domain.release import Release
from stepcanary.domain.split import SideName
from stepcanary.errors import DeploymentOverdue
from stepcanary.release import guards
from stepcanary.release.capacity import missing_capacity, service_of
from stepcanary.store import leases


def deploy_new(release: Release, side: SideName) -> Started:
    """Deploy the new version to one side, derived from that side's own task definition."""
    service = service_of(release, side)
    if release.task_definitions is not None:
        wanted = getattr(release.task_definitions, side)
        arn, _ = ecs.require_task_definition(wanted, f"task_definitions.{side}")
    else:
        _, current = ecs.describe_task_definition(service.task_definition)
        arn = ecs.find_or_register(with_images(current, release.images or {}))
    tasks = release.canary_tasks if side == "canary" else tasks_of(release, service)
    return _started(release, ecs.deploy(release.cluster, service, arn, tasks), arn)


def deploy_old(release: Release) -> Started:
    """Put the primary's task definition of before the release back, where it is not there."""
    service = service_of(release, "primary")
    arn = release.primary.task_definition
    tasks = tasks_of(release, service)
    return _started(release, ecs.deploy(release.cluster, service, arn, tasks), arn)


def runs_version(release: Release, primary: Service) -> bool:
    """Whether the primary runs the version that was released."""
    arn, current = ecs.describe_task_definition(primary.task_definition)
    if release.task_definitions is not None:
        return arn.endswith(f"/{release.task_definitions.primary.rpartition('/')[2]}")
    images = {c["name"]: c["image"] for c in current["containerDefinitions"]}
    return all(images.get(name) == image for name, image in (release.images or {}).items())


def tasks_of(release: Release, primary: Service) -> int:
    """How many tasks the primary has to have when it gets its traffic back.

    While the canary serves, autoscaling sees a primary with nothing to do.
    """
    return max(primary.desired, release.primary_tasks)


def _started(release: Release, deployment_id: str, arn: str) -> Started:
    return Started(
        deployment_id=deployment_id,
        task_definition=arn,
        deadline_at=clock.epoch_seconds() + release.deployment.deadline_seconds,
    )


def is_steady(
    release: Release, fence: int, side: SideName, started: Started, *, restoring: bool
) -> bool:
    """Whether the deployment runs in full and the router would send it requests.

    Raises `DeploymentFailed`, `DeploymentOverdue` or `SplitDrifted`; also `RevertRequested` and
    `CanaryAlarmed`, unless the deployment is `restoring` the old version, perhaps because of them.
    """
    lease = leases.check(release, fence)
    if not restoring:
        guards.require_undisturbed(release, lease)
    steady = _has_arrived(release, side, started)
    if restoring and not steady:
        guards.require_unchanged(release, lease)
    return steady


def _has_arrived(release: Release, side: SideName, started: Started) -> bool:
    service = service_of(release, side)
    if has_arrived(service, started.deployment_id):
        short = missing_capacity(release, side, service)
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
