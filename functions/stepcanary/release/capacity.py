"""Capacity: no weight for a side that cannot carry it."""

from stepcanary.aws import ecs
from stepcanary.domain.deployment import Service
from stepcanary.domain.release import Release
from stepcanary.domain.split import SideName
from stepcanary.errors import DeploymentFailed
from stepcanary.traffic.factory import router_for


def service_of(release: Release, side: SideName) -> Service:
    name = release.side(side).service
    service = ecs.describe_service(release.cluster, name)
    if service is None:
        raise DeploymentFailed(f"ECS service {name} is gone from cluster {release.cluster}")
    return service


def missing_capacity(release: Release, side: SideName, service: Service) -> str | None:
    """What is missing, in a sentence; None when every task runs and the route knows it."""
    if service.desired == 0 or service.running < service.desired:
        return f"{service.running} of {service.desired} tasks of {service.name} run"
    for traffic in release.traffic:
        healthy = router_for(traffic).healthy_targets(side)
        if healthy is not None and healthy < service.desired:
            return f"{healthy} of {service.desired} targets of {service.name} are healthy"
    return None
