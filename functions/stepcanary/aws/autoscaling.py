"""Application Auto Scaling: between which counts it may take an ECS service, and what changes them.

A service without a scalable target is scaled by nobody but those who call ECS.
"""

from typing import TYPE_CHECKING, Any

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.scaling import Bounds, Scheduled

if TYPE_CHECKING:
    from mypy_boto3_application_autoscaling.literals import (
        ScalableDimensionType,
        ServiceNamespaceType,
    )

NAMESPACE: "ServiceNamespaceType" = "ecs"
DIMENSION: "ScalableDimensionType" = "ecs:service:DesiredCount"


def resource_id(cluster: str, service: str) -> str:
    """How Application Auto Scaling names an ECS service; a cluster may be an ARN."""
    return f"service/{cluster.rpartition('/')[2]}/{service}"


@aws_failures
def bounds(cluster: str, services: list[str]) -> dict[str, Bounds]:
    """Of those that have a scalable target, by service."""
    names = {resource_id(cluster, service): service for service in services}
    answer = clients.autoscaling().describe_scalable_targets(
        ServiceNamespace=NAMESPACE, ResourceIds=list(names), ScalableDimension=DIMENSION
    )
    found = {}
    for target in answer["ScalableTargets"]:
        suspended: Any = target.get("SuspendedState", {})
        found[names[target["ResourceId"]]] = Bounds(
            target["MinCapacity"],
            target["MaxCapacity"],
            suspended.get("ScheduledScalingSuspended", False),
        )
    return found


@aws_failures
def scheduled(cluster: str, service: str) -> list[Scheduled]:
    """The actions that change the bounds of a service at their times."""
    pages = clients.autoscaling().get_paginator("describe_scheduled_actions")
    found = []
    for page in pages.paginate(
        ServiceNamespace=NAMESPACE,
        ResourceId=resource_id(cluster, service),
        ScalableDimension=DIMENSION,
    ):
        for action in page["ScheduledActions"]:
            wanted = action.get("ScalableTargetAction", {})
            found.append(
                Scheduled(
                    action["ScheduledActionName"],
                    action["Schedule"],
                    action.get("Timezone", ""),
                    action.get("StartTime") or action["CreationTime"],
                    action.get("EndTime"),
                    wanted.get("MinCapacity"),
                    wanted.get("MaxCapacity"),
                )
            )
    return found


@aws_failures
def set_bounds(cluster: str, service: str, wanted: Bounds) -> None:
    """What is not sent stays as it is: whether policies are suspended."""
    clients.autoscaling().register_scalable_target(
        ServiceNamespace=NAMESPACE,
        ResourceId=resource_id(cluster, service),
        ScalableDimension=DIMENSION,
        MinCapacity=wanted.minimum,
        MaxCapacity=wanted.maximum,
        SuspendedState={"ScheduledScalingSuspended": wanted.schedules_suspended},
    )


@aws_failures
def require_changeable(cluster: str, service: str) -> None:
    """Change nothing of a scalable target that is there, whose service is within its bounds.

    Raises `AwsRefused` where a change would be refused. See
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
    """
    clients.autoscaling().register_scalable_target(
        ServiceNamespace=NAMESPACE,
        ResourceId=resource_id(cluster, service),
        ScalableDimension=DIMENSION,
    )
