"""Clusters, task definitions and services of ECS."""

import time
from functools import partial
from typing import Any

from emulator.resources.making import Made, Make, Wanted, call

DRAINED_WITHIN = 20.0
"""Seconds in which the tasks of a service that is deleted have stopped."""


def cluster(wanted: Wanted) -> Made:
    ecs = wanted.client("ecs")
    wanted.properties.setdefault("ClusterName", wanted.name)
    made = call(ecs, "create_cluster", wanted.properties)["cluster"]
    arn, name = made["clusterArn"], made["clusterName"]
    return Made(name, {"Arn": arn}, (partial(ecs.delete_cluster, cluster=arn),))


def task_definition(wanted: Wanted) -> Made:
    ecs = wanted.client("ecs")
    if proxy := wanted.properties.get("ProxyConfiguration"):
        proxy["Properties"] = proxy.pop("ProxyConfigurationProperties", [])
    wanted.properties.setdefault("Family", wanted.name)
    made = call(ecs, "register_task_definition", wanted.properties)["taskDefinition"]
    arn = made["taskDefinitionArn"]
    gone = partial(ecs.deregister_task_definition, taskDefinition=arn)
    return Made(arn, {"TaskDefinitionArn": arn}, (gone,))


def service(wanted: Wanted) -> Made:
    ecs = wanted.client("ecs")
    wanted.properties.setdefault("ServiceName", wanted.name)
    made = call(ecs, "create_service", wanted.properties)["service"]
    arn = made["serviceArn"]
    place = {"cluster": made["clusterArn"], "service": made["serviceName"]}
    return Made(
        arn,
        {"ServiceArn": arn, "Name": made["serviceName"]},
        (partial(_remove, ecs, place),),
    )


def _remove(ecs: Any, place: dict[str, str]) -> None:
    """Until its tasks are gone: what they are registered in can only then be removed."""
    ecs.delete_service(**place, force=True)
    over = time.monotonic() + DRAINED_WITHIN
    while time.monotonic() < over:
        found = ecs.describe_services(cluster=place["cluster"], services=[place["service"]])
        if not found["services"] or found["services"][0]["runningCount"] == 0:
            return
        time.sleep(0.1)
    raise TimeoutError(f"service {place['service']} still has tasks")


TABLE: dict[str, Make] = {
    "AWS::ECS::Cluster": cluster,
    "AWS::ECS::TaskDefinition": task_definition,
    "AWS::ECS::Service": service,
}
