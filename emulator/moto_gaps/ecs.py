"""ECS: rolling deployments, with the configuration and the rollout state that they have.

The tasks themselves are not here: whoever runs some reports them in `service.deployments`.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.core.utils import utcnow
from moto.ecs.exceptions import EcsClientException
from moto.ecs.models import EC2ContainerServiceBackend, Service
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

lock = threading.RLock()
"""Held while a service's deployments are read or changed."""


@contextmanager
def filled() -> Iterator[None]:
    backend, response = EC2ContainerServiceBackend, EC2ContainerServiceResponse
    create, respond = backend.create_service, response.create_service

    def create_service(self: EC2ContainerServiceBackend, *args: Any, **kwargs: Any) -> Service:
        """AWS: a new service has no task yet. moto: counts all of them as pending or running."""
        with lock:
            service = create(self, *args, **kwargs)
            service.deployment_configuration = dict(DEFAULT_CONFIGURATION)  # type: ignore[attr-defined]
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
        to update a service that is not ACTIVE; moto does not.
        """
        given = {k: v for k, v in service_properties.items() if v is not None}
        with lock:
            service = self._get_service(
                given.pop("cluster", "default"), given.pop("service").split("/")[-1]
            )
            if service.status != "ACTIVE":
                raise EcsClientException("Service was not ACTIVE.")
            task_definition = str(service.task_definition)
            if wanted := given.pop("task_definition", None):
                task_definition = self.describe_task_definition(wanted).arn
            deploy = given.pop("force_new_deployment", False)
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

    with (
        patch.multiple(backend, create_service=create_service, update_service=update_service),
        patch.object(response, "create_service", create_service_response),
    ):
        yield


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


def deployments_of(service: Service) -> list[dict[str, Any]]:
    return service.deployments


def configuration_of(service: Service) -> dict[str, Any]:
    return {**DEFAULT_CONFIGURATION, **(getattr(service, "deployment_configuration", None) or {})}
