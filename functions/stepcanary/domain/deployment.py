"""Deployment: what to register with ECS, and when a rollout is done."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from stepcanary.domain.model import Document, Model
from stepcanary.domain.patience import JITTER, MOST_CHECKS, before_next_check
from stepcanary.errors import DeploymentFailed, RequestRejected


class Started(Model):
    """A deployment under way. `started_at` and `deadline_at` are in epoch seconds.

    `seen` says that a read has shown it, since a read may lag behind the write that started it;
    `checks` counts the reads.
    """

    deployment_id: str
    task_definition: str
    deadline_at: int
    started_at: int = 0
    seen: bool = False
    checks: int = 0


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
    scheduling: str = "REPLICA"
    is_express: bool = False
    minimum_percent: int | None = None
    """Of its tasks so many percent run throughout a deployment; None where ECS does not say."""
    maximum_percent: int | None = None
    """And no more than so many."""
    has_breaker: bool = True
    """Whether ECS gives up a deployment whose tasks do not start."""
    early_percent: int | None = None
    """At so many percent of its tasks ECS calls a deployment complete; None where it takes all."""
    cluster: str = ""
    """Its ARN."""
    tags: tuple[tuple[str, str], ...] = ()
    """Where they were asked for."""
    revisions: tuple[str, ...] = ()
    """ARNs of the service revisions that it runs now."""

    @classmethod
    def of(cls, described: Document) -> "Service":
        """What a service of another controller does not have is empty: its task sets have it."""
        configuration = described.get("deploymentConfiguration", {})
        early = configuration.get("earlySuccessCriteria", {})
        return cls(
            name=described["serviceName"],
            task_definition=described.get("taskDefinition", ""),
            desired=described["desiredCount"],
            running=described["runningCount"],
            deployments=described.get("deployments", []),
            controller=described.get("deploymentController", {}).get("type", "ECS"),
            strategy=configuration.get("strategy") or "ROLLING",
            status=described["status"],
            scheduling=described.get("schedulingStrategy", "REPLICA"),
            is_express=described.get("resourceManagementType") == "ECS",
            minimum_percent=configuration.get("minimumHealthyPercent"),
            maximum_percent=configuration.get("maximumPercent"),
            has_breaker=configuration.get("deploymentCircuitBreaker", {}).get("enable", True),
            early_percent=early.get("healthyPercent", 0) if early.get("enable") else None,
            cluster=described.get("clusterArn", ""),
            tags=tuple((tag["key"], tag.get("value", "")) for tag in described.get("tags", [])),
            revisions=tuple(each["arn"] for each in described.get("currentServiceRevisions", [])),
        )

    @classmethod
    def gone(cls, name: str) -> "Service":
        """What is left of a service that ECS does not know."""
        return cls(name, "", 0, 0, [], "ECS", "ROLLING", "INACTIVE")

    @property
    def current(self) -> Document | None:
        """The deployment that ECS is bringing about, or has."""
        return next((d for d in self.deployments if d["status"] == "PRIMARY"), None)

    @property
    def settled(self) -> bool:
        """One deployment, and ECS not still working on it. Its tasks may be fewer or more by now.

        `rolloutState` is absent behind a Classic Load Balancer; see
        https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html
        """
        if len(self.deployments) != 1:
            return False
        state = self.deployments[0].get("rolloutState")
        return self.running >= self.desired if state is None else state == "COMPLETED"

    @property
    def keeps_count(self) -> bool:
        """Whether ECS stops none of its tasks before another one runs in its place; what it does
        where nothing is said is in
        https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html
        """
        return self.minimum_percent is None or self.minimum_percent >= 100

    @property
    def is_full(self) -> bool:
        """Whether all tasks run that the current deployment wants, where ECS does not wait for them
        itself: with early success it calls a deployment complete before, and starts the rest, or
        stops the old ones, in the background. See
        https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentEarlySuccessCriteria.html
        """
        if self.early_percent is None or self.current is None:
            return True
        return int(self.current.get("runningCount", 0)) >= self.desired


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
    if service.scheduling != "REPLICA":
        raise RequestRejected(
            f"{field}: ECS service {service.name} is scheduled as {service.scheduling}, a task per"
            " container instance, so it has no number of tasks to scale; make it a REPLICA service"
        )
    if service.is_express:
        raise RequestRejected(
            f"{field}: ECS service {service.name} is an Express Mode service, whose load balancer"
            " and deployments ECS manages itself; name a service that you manage"
        )


def check_replaceable(field: str, service: Service) -> None:
    """Raises `RequestRejected` where ECS can start no new task before an old one goes, nor stop an
    old one before a new one runs."""
    if service.desired and batch_of(service) == 0:
        raise RequestRejected(
            f"{field}: ECS can replace no task of {service.name}: {service.minimum_percent} % of"
            f" {service.desired} have to run and {service.maximum_percent} % may"
            " (minimumHealthyPercent, maximumPercent); raise maximumPercent"
        )


def batch_of(service: Service) -> int | None:
    """How many tasks ECS replaces at once; None where it does not say. See
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
    """
    if service.minimum_percent is None or service.maximum_percent is None:
        return None
    most = service.desired * service.maximum_percent // 100
    least = -(-service.desired * service.minimum_percent // 100)
    return max(0, most - least)


BATCH_SECONDS = 120
"""What a batch of tasks may take to start at least, and those that it replaces to go."""


def warnings(field: str, service: Service, deadline_seconds: int) -> list[str]:
    """What of the service's settings the release makes up for, or suffers from, in sentences."""
    found = []
    if service.early_percent is not None:
        found.append(
            f"{field}: ECS calls a deployment of {service.name} complete at"
            f" {service.early_percent} % of its tasks (early success); the release waits for all of"
            " them"
        )
    batch = batch_of(service)
    batches = -(-service.desired // batch) if batch else 0
    if batches * BATCH_SECONDS > deadline_seconds:
        found.append(
            f"{field}: ECS replaces the tasks of {service.name} {batch} at a time, so that"
            f" {service.desired} may take {batches * BATCH_SECONDS} s, and the deadline is after"
            f" {deadline_seconds} s; raise maximumPercent or deployment.deadline_seconds"
        )
    if field == "primary" and not service.keeps_count:
        found.append(
            f"{field}: ECS may stop tasks of {service.name} before new ones run"
            f" (minimumHealthyPercent {service.minimum_percent}), so an alarm while it is replaced"
            " cannot return the traffic to its old tasks: all of it stays on the canary until the"
            " old version has started again; set minimumHealthyPercent to 100 and maximumPercent to"
            " 200"
        )
    if not service.has_breaker:
        found.append(
            f"{field}: {service.name} has no deployment circuit breaker, so that a version which"
            f" does not start is given up only at the deadline, after {deadline_seconds} s"
        )
    return found


def looked_at(service: Service, started: Started) -> Started:
    """The deployment as the next check needs it."""
    shown = any(d["id"] == started.deployment_id for d in service.deployments)
    return started.model_copy(update={"seen": started.seen or shown, "checks": started.checks + 1})


def is_complete(service: Service, started: Started) -> bool:
    """Whether this deployment is all there is of the service, and ECS is done with it.

    A later deployment of the same revision is as good. Raises `DeploymentFailed` when ECS gave it
    up or another revision replaced it: a circuit breaker that rolls back leaves a steady service on
    the old version, which must not look like success. What no read has shown yet is only late.
    """
    current = service.current
    ours = next((d for d in service.deployments if d["id"] == started.deployment_id), None)
    if current is not None and current["taskDefinition"] == started.task_definition:
        # A read that lags may still show an earlier deployment of the same revision.
        ours = current if started.seen or _is_later(current, started) else ours
    if ours is None and not started.seen:
        return False
    if ours is not None and ours.get("rolloutState") == "FAILED":
        reason = ours.get("rolloutStateReason", "ECS gave no reason").rstrip(".")
        raise DeploymentFailed(
            f"ECS service {service.name}: deployment {started.deployment_id} failed: {reason}."
            " Look at the stopped tasks of the service"
        )
    if ours is None or ours is not current:
        raise DeploymentFailed(
            f"ECS service {service.name}: deployment {started.deployment_id} was replaced, rolled"
            " back by ECS or overtaken by another deployment. Look at the events of the service"
        )
    return service.settled and service.is_full and service.desired > 0


def _is_later(deployment: Document, started: Started) -> bool:
    created: datetime | None = deployment.get("createdAt")
    return created is not None and created.timestamp() >= started.started_at


def wait_before_next(started: Started, check_seconds: int, execution: str) -> int:
    """Seconds until the next check: longer each time, as `before_next_check` says.

    A fifth of it is the execution's own, so that releases that began together drift apart.
    """
    deadline_seconds = started.deadline_at - started.started_at
    grown = before_next_check(started.checks, check_seconds, deadline_seconds)
    own = int(hashlib.sha256(f"{execution} {started.checks}".encode()).hexdigest()[:4], 16)
    return max(1, round(grown * (1 - JITTER + 2 * JITTER * own / 0xFFFF)))


def longest_pause(started: Started, check_seconds: int) -> int:
    """Seconds until the next check of a deployment that is under way for long."""
    late = started.model_copy(update={"checks": MOST_CHECKS})
    return wait_before_next(late, check_seconds, "")


def is_overdue(now: datetime, deadline_at: float) -> bool:
    return now.timestamp() > deadline_at
