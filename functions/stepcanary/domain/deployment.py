"""Deployment: what to register with ECS, and when a rollout is done."""

import copy
from dataclasses import dataclass
from datetime import datetime

from stepcanary.domain.model import Document, Model
from stepcanary.errors import DeploymentFailed, RequestRejected


def with_images(task_definition: Document, images: dict[str, str]) -> Document:
    """A copy of a registrable task definition in which only the named images differ.

    Raises `RequestRejected` for a container that it does not have.
    """
    derived = copy.deepcopy(task_definition)
    containers = {c["name"]: c for c in derived["containerDefinitions"]}
    for name, image in images.items():
        if name not in containers:
            raise RequestRejected(
                f"images.{name}: task definition {derived['family']} has no container of that"
                f" name; it has {', '.join(sorted(containers))}"
            )
        containers[name]["image"] = image
    return derived


class Started(Model):
    """A deployment under way. `deadline_at` is in epoch seconds."""

    deployment_id: str
    task_definition: str
    deadline_at: int


@dataclass(frozen=True, slots=True)
class Service:
    """What the rules need of an ECS service."""

    name: str
    task_definition: str
    desired: int
    running: int
    deployments: list[Document]
    controller: str
    strategy: str
    status: str

    @classmethod
    def of(cls, described: Document) -> "Service":
        return cls(
            name=described["serviceName"],
            task_definition=described["taskDefinition"],
            desired=described["desiredCount"],
            running=described["runningCount"],
            deployments=described["deployments"],
            controller=described.get("deploymentController", {}).get("type", "ECS"),
            strategy=described.get("deploymentConfiguration", {}).get("strategy") or "ROLLING",
            status=described["status"],
        )

    @property
    def current(self) -> Document | None:
        """The deployment that ECS is bringing about, or has."""
        return next((d for d in self.deployments if d["status"] == "PRIMARY"), None)

    @property
    def steady(self) -> bool:
        """One deployment, all of its tasks running, and ECS not still working on it.

        `rolloutState` is absent behind a Classic Load Balancer; see
        https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
        """
        return (
            len(self.deployments) == 1
            and self.running == self.desired
            and self.deployments[0].get("rolloutState", "COMPLETED") == "COMPLETED"
        )


def check_releasable(field: str, service: Service) -> None:
    """Raises `RequestRejected` for a service whose deployments are not ours to make."""
    if service.status != "ACTIVE":
        raise RequestRejected(
            f"{field}: ECS service {service.name} is {service.status}; create it or name another"
        )
    if service.controller != "ECS":
        raise RequestRejected(
            f"{field}: ECS service {service.name} is deployed by {service.controller};"
            " only the deployment controller ECS can be released by stepcanary"
        )
    if service.strategy != "ROLLING":
        raise RequestRejected(
            f"{field}: ECS runs {service.strategy} deployments of {service.name} itself and"
            " writes its traffic; set the strategy to ROLLING, or release it with ECS"
        )


def has_arrived(service: Service, deployment_id: str) -> bool:
    """Whether this deployment is all there is of the service, and all of it runs.

    Raises `DeploymentFailed` when ECS gave it up or something replaced it: a circuit breaker
    that rolls back leaves a steady service on the old version, which must not look like success.
    """
    ours = next((d for d in service.deployments if d["id"] == deployment_id), None)
    if ours is not None and ours.get("rolloutState") == "FAILED":
        reason = ours.get("rolloutStateReason", "ECS gave no reason").rstrip(".")
        raise DeploymentFailed(
            f"ECS service {service.name}: deployment {deployment_id} failed: {reason}."
            " Look at the stopped tasks of the service"
        )
    if ours is None or ours["status"] != "PRIMARY":
        raise DeploymentFailed(
            f"ECS service {service.name}: deployment {deployment_id} was replaced, rolled back by"
            " ECS or overtaken by another deployment. Look at the events of the service"
        )
    return service.steady and service.desired > 0


def is_overdue(now: datetime, deadline_at: int) -> bool:
    return now.timestamp() > deadline_at
