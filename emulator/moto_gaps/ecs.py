"""ECS: rolling deployments, with the configuration and the rollout state that they have.

A revision that was deregistered runs on where it runs, and is scaled; nothing is deployed from it.
The tasks themselves are not here: whoever runs some reports them in `service.deployments`, and one
by one to `report_tasks`.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ecs.exceptions import EcsClientException
from moto.ecs.models import EC2ContainerServiceBackend, Service, TaskDefinition
from moto.ecs.responses import EC2ContainerServiceResponse

# A changed value of one of these starts a deployment; every other parameter does not.
TRIGGERS = (
    "network_configuration",
    "platform_version",
    "load_balancers",
    "service_registries",
    "service_connect_configuration",
    "volume_configurations",
    "vpc_lattice_configurations",
)
DEFAULT_CONFIGURATION = {
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "strategy": "ROLLING",
}

TASKS_PER_CALL = 100

lock = threading.RLock()
"""Held while a service's deployments are read or changed."""


@contextmanager
def filled() -> Iterator[None]:
    backend, response = EC2ContainerServiceBackend, EC2ContainerServiceResponse
    create, respond = backend.create_service, response.create_service
    list_other_tasks, describe_other_tasks = response.list_tasks, response.describe_tasks
    describe, list_all = backend.describe_task_definition, backend.list_services

    def describe_task_definition(
        self: EC2ContainerServiceBackend, task_definition_str: str
    ) -> TaskDefinition:
        """AWS: a family is its newest ACTIVE revision, and without one it is refused.

        moto: its newest revision, ACTIVE or not. As on AWS, a revision that is named is described
        also when it is INACTIVE, and may be deregistered twice.
        """
        family = task_definition_str.rsplit("/", maxsplit=1)[-1]
        if ":" not in family:
            revisions = self.task_definitions.get(family, {})
            active = [n for n, found in revisions.items() if found.status == "ACTIVE"]
            # A revision 0 there never is.
            task_definition_str = f"{family}:{max(active, default=0)}"
        return describe(self, task_definition_str)

    def create_service(
        self: EC2ContainerServiceBackend,
        cluster_str: str,
        service_name: str,
        desired_count: int,
        task_definition_str: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Service:
        """AWS: a new service has no task yet. moto: counts all of them as pending or running.

        AWS creates none with an INACTIVE revision, and knows since when there is a service; moto
        creates it, and does not know.
        """
        with lock:
            if task_definition_str:
                require_active(self.describe_task_definition(task_definition_str))
            named = (cluster_str, service_name, desired_count, task_definition_str)
            service = create(self, *named, *args, **kwargs)
            service.deployment_configuration = dict(DEFAULT_CONFIGURATION)  # type: ignore[attr-defined]
            service.created_at = utcnow()  # type: ignore[attr-defined]
            service.running_count = service.pending_count = 0
            if service.deployments:
                service.deployments = []
                new_deployment(service, str(service.task_definition))
            return service

    def update_service(
        self: EC2ContainerServiceBackend, service_properties: dict[str, Any]
    ) -> Service:
        """AWS: a new version, and some other values, start a deployment beside the one there is.

        moto: keeps its first deployment, and counts what is desired as running at once. AWS refuses
        to update a service that is not ACTIVE, to bring one to an INACTIVE revision, and to deploy
        anew the INACTIVE one that it runs, which can only be scaled; moto refuses none of it.
        """
        given = {k: v for k, v in service_properties.items() if v is not None}
        with lock:
            service = self._get_service(
                given.pop("cluster", "default"), given.pop("service").split("/")[-1]
            )
            if service.status != "ACTIVE":
                raise EcsClientException("Service was not ACTIVE.")
            task_definition = str(service.task_definition)
            deploy = given.pop("force_new_deployment", False)
            wanted = given.pop("task_definition", None)
            if wanted or deploy:
                found = self.describe_task_definition(wanted or task_definition)
                require_active(found)
                task_definition = found.arn
            deploy = deploy or task_definition != service.task_definition
            deploy = deploy or any(
                name in given and given[name] != getattr(service, name, None) for name in TRIGGERS
            )
            if configuration := given.pop("deployment_configuration", None):
                service.deployment_configuration = {  # type: ignore[attr-defined]
                    **configuration_of(service),
                    **configuration,
                }
            for name, value in given.items():
                setattr(service, name, value)
            if deploy and service.deployment_controller["type"] == "ECS":
                new_deployment(service, task_definition)
            elif service.deployments:
                service.deployments[0]["desiredCount"] = service.desired_count
            return service

    def list_services(self: EC2ContainerServiceBackend, *args: Any, **kwargs: Any) -> list[str]:
        """AWS: lists no service that was deleted. moto: lists it as before."""
        gone = {service.arn for service in self.services.values() if service.status == "INACTIVE"}
        return [arn for arn in list_all(self, *args, **kwargs) if arn not in gone]

    def create_service_response(self: EC2ContainerServiceResponse) -> Any:
        """AWS: keeps the deployment configuration and the Lattice groups. moto: drops both."""
        with lock:
            result = respond(self)
            answer: Any = result.result
            service = answer["service"]
            if given := self._get_param("deploymentConfiguration"):
                service.deployment_configuration = {**DEFAULT_CONFIGURATION, **given}
            service.vpc_lattice_configurations = self._get_param("vpcLatticeConfigurations")
            return result

    def list_tasks(self: EC2ContainerServiceResponse) -> Any:
        """AWS: the tasks of a service by its name, 100 a page. moto: knows none that a service has
        started."""
        named = self._get_param("serviceName")
        if not named:
            return list_other_tasks(self)
        with lock:
            cluster = self._get_param("cluster", "default")
            found = self.ecs_backend._get_service(cluster, named.rsplit("/", 1)[-1])
            arns = [task["taskArn"] for task in tasks_of(found)]
        first = int(self._get_param("nextToken", "0"))
        more = {"nextToken": str(first + TASKS_PER_CALL)} if arns[first + TASKS_PER_CALL :] else {}
        return ActionResult({"taskArns": arns[first : first + TASKS_PER_CALL], **more})

    def describe_tasks(self: EC2ContainerServiceResponse) -> Any:
        """The same tasks by ARN or id, with the digests of their images, and those that have
        stopped; moto has no digest of any."""
        wanted = [each.rpartition("/")[2] for each in self._get_param("tasks", [])]
        with lock:
            known = {
                task["taskArn"].rpartition("/")[2]: task
                for service in self.ecs_backend.services.values()
                for task in (*_stopped(service), *tasks_of(service))
            }
        if not known.keys() & set(wanted):
            return describe_other_tasks(self)
        found = [known[id] for id in wanted if id in known]
        missing = [{"arn": id, "reason": "MISSING"} for id in wanted if id not in known]
        return ActionResult({"tasks": found, "failures": missing})

    with (
        patch.multiple(
            backend,
            describe_task_definition=describe_task_definition,
            create_service=create_service,
            update_service=update_service,
            list_services=list_services,
        ),
        patch.multiple(
            response,
            create_service=create_service_response,
            list_tasks=list_tasks,
            describe_tasks=describe_tasks,
        ),
    ):
        yield


def require_active(found: TaskDefinition) -> None:
    """Raises what UpdateService answers to a revision that was deregistered."""
    if found.status != "ACTIVE":
        raise EcsClientException("TaskDefinition is inactive")


def new_deployment(service: Service, task_definition: str) -> dict[str, Any]:
    """Make a PRIMARY deployment of the service; the former primary becomes ACTIVE and drains."""
    now = utcnow()
    deployment_id = f"ecs-svc/{random.randrange(10**18, 10**19)}"
    primary = {
        "id": deployment_id,
        "status": "PRIMARY",
        "taskDefinition": task_definition,
        "desiredCount": service.desired_count,
        "runningCount": 0,
        "pendingCount": 0,
        "failedTasks": 0,
        "createdAt": now,
        "updatedAt": now,
        "launchType": service.launch_type,
        "platformVersion": service.platform_version,
        "platformFamily": "EC2" if service.launch_type == "EC2" else "FARGATE",
        "networkConfiguration": service.network_configuration or None,
        "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": f"ECS deployment {deployment_id} in progress.",
    }
    for older in service.deployments:
        older.update(status="ACTIVE", updatedAt=now)
    service.task_definition = task_definition
    service.deployments = [primary, *service.deployments]
    return primary


def report_tasks(service: Service, tasks: list[dict[str, Any]]) -> None:
    """What runs of the service, each task as DescribeTasks answers it. AWS answers those that have
    stopped for an hour; no sandbox lives much longer."""
    run = {task["taskArn"] for task in tasks}
    gone = [task for task in tasks_of(service) if task["taskArn"] not in run]
    stopped = {"lastStatus": "STOPPED", "desiredStatus": "STOPPED"}
    service.stopped_tasks = [  # type: ignore[attr-defined]
        *_stopped(service),
        *({**task, **stopped} for task in gone),
    ]
    service.running_tasks = tasks  # type: ignore[attr-defined]


def tasks_of(service: Service) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = getattr(service, "running_tasks", [])
    return tasks


def deployments_of(service: Service) -> list[dict[str, Any]]:
    return service.deployments


def configuration_of(service: Service) -> dict[str, Any]:
    return {**DEFAULT_CONFIGURATION, **(getattr(service, "deployment_configuration", None) or {})}


def _stopped(service: Service) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = getattr(service, "stopped_tasks", [])
    return tasks
