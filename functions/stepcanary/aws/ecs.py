"""ECS: read services, register task definitions once, start deployments once."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any, cast

from stepcanary.aws import clients, members
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.deployment import Service
from stepcanary.domain.members import Paths, sendable
from stepcanary.domain.model import Document
from stepcanary.errors import AwsRefused, RequestRejected

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import RegisterTaskDefinitionRequestTypeDef

SERVICES_PER_CALL = 10
TASKS_PER_CALL = 100
REVISIONS_PER_CALL = 20
RESERVED_TAGS = "aws:"
"""Begin like this in any case, are in answers, and are refused in requests; see
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html
"""


@aws_failures
def describe_services(cluster: str, names: list[str], *, tags: bool = False) -> dict[str, Service]:
    """Those that ECS knows, with their tags where they are asked for; one that it does not know is
    no error but one of `failures`.

    See https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html
    """
    found: dict[str, Service] = {}
    ask = partial(clients.ecs().describe_services, cluster=cluster)
    if tags:
        ask = partial(ask, include=["TAGS"])
    for first in range(0, len(names), SERVICES_PER_CALL):
        some = names[first : first + SERVICES_PER_CALL]
        answer = ask(services=some)
        for described in answer["services"]:
            service = Service.of(cast("Document", described))
            found[service.name] = service
    return found


def require_service(cluster: str, name: str, field: str) -> Service:
    """Raises `RequestRejected` when the cluster or the service is missing."""
    try:
        service = describe_services(cluster, [name], tags=True).get(name)
    except AwsRefused as refused:
        if refused.code == "ClusterNotFoundException":
            raise RequestRejected(f"cluster: there is no ECS cluster {cluster}") from refused
        raise
    if service is None:
        raise RequestRejected(
            f"{field}: there is no ECS service {name} in cluster {cluster}; mend the profile"
        )
    return service


@dataclass(frozen=True, slots=True)
class Task:
    """A running task of a service; `digests` has those that ECS knows, by container.

    See https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Container.html
    """

    deployment: str
    digests: dict[str, str]


@aws_failures
def running_tasks(cluster: str, service: str) -> list[Task]:
    """All that a service runs, of whichever deployment."""
    pages = clients.ecs().get_paginator("list_tasks").paginate(cluster=cluster, serviceName=service)
    arns = [arn for page in pages for arn in page["taskArns"]]
    found: list[Task] = []
    for first in range(0, len(arns), TASKS_PER_CALL):
        some = arns[first : first + TASKS_PER_CALL]
        for task in clients.ecs().describe_tasks(cluster=cluster, tasks=some)["tasks"]:
            if task["lastStatus"] == "RUNNING":
                containers = task["containers"]
                digests = {c["name"]: c["imageDigest"] for c in containers if c.get("imageDigest")}
                found.append(Task(task.get("startedBy", ""), digests))
    return found


@dataclass(frozen=True, slots=True)
class ServiceTask:
    """A task's service by its name, and the ARN of the task definition that it runs."""

    service: str
    task_definition: str


@aws_failures
def service_task(cluster: str, task: str) -> ServiceTask | None:
    """Also of a task that has just stopped; None where ECS does not know it, or it is of no
    service."""
    for found in clients.ecs().describe_tasks(cluster=cluster, tasks=[task])["tasks"]:
        kind, _, service = found.get("group", "").partition(":")
        if kind == "service":
            return ServiceTask(service, found["taskDefinitionArn"])
    return None


@aws_failures
def has_gateway(services: list[Service]) -> list[str]:
    """The names of those whose tasks get requests from a gateway of ECS's own.

    Only the service's revision says so. One of before October 2024 cannot be described, and is
    older than gateways. See
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_GatewayConnector.html
    """
    owners = {arn: service.name for service in services for arn in service.revisions}
    arns = sorted(owners)
    names: set[str] = set()
    for first in range(0, len(arns), REVISIONS_PER_CALL):
        some = arns[first : first + REVISIONS_PER_CALL]
        answer = clients.ecs().describe_service_revisions(serviceRevisionArns=some)
        for revision in answer["serviceRevisions"]:
            if revision.get("gatewayConnectors"):
                names.add(owners[revision["serviceRevisionArn"]])
    return sorted(names)


@cache
def _registrable_keys() -> frozenset[str]:
    # An allow-list from the API model: a read-only field that AWS adds later cannot break us.
    operation = clients.ecs().meta.service_model.operation_model("RegisterTaskDefinition")
    assert operation.input_shape is not None
    return frozenset(operation.input_shape.members)


@cache
def _read_only_keys() -> frozenset[str]:
    operation = clients.ecs().meta.service_model.operation_model("DescribeTaskDefinition")
    described: Any = operation.output_shape
    return frozenset(described.members["taskDefinition"].members) - _registrable_keys()


@dataclass(frozen=True, slots=True)
class TaskDefinition:
    """`document` is the part that can be registered again, with tags but for those of AWS's own.

    `unknown` are the members that it would be registered without.

    One that is not ACTIVE runs on where it runs, and cannot be deployed; see
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html
    """

    arn: str
    document: Document
    status: str
    unknown: Paths = ()

    @property
    def is_active(self) -> bool:
        return self.status == "ACTIVE"


@aws_failures
def describe_task_definition(name: str) -> TaskDefinition:
    """A revision, or without a number the newest ACTIVE one of the family."""
    answer = clients.ecs().describe_task_definition(taskDefinition=name, include=["TAGS"])
    described = cast("Document", answer["taskDefinition"])
    registrable = {k: v for k, v in sendable(described).items() if k in _registrable_keys()}
    for pair in _pairs(registrable):
        # ECS leaves out an empty one on Describe and wants it on Register. See
        # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KeyValuePair.html
        pair.setdefault("name", "")
        pair.setdefault("value", "")
    tags = [t for t in answer.get("tags", []) if not t["key"].lower().startswith(RESERVED_TAGS)]
    if tags:
        registrable["tags"] = tags
    status = described.get("status", "ACTIVE")
    read_only = [f"taskDefinition.{key}" for key in _read_only_keys()]
    unknown = members.unknown(answer, ("taskDefinition", "tags"), but=read_only)
    return TaskDefinition(described["taskDefinitionArn"], registrable, status, unknown)


def _pairs(document: Document) -> Iterator[Document]:
    """The members of type `KeyValuePair`: environment variables, and properties of the proxy."""
    for container in document["containerDefinitions"]:
        yield from container.get("environment", [])
    yield from document.get("proxyConfiguration", {}).get("properties", [])


def find_task_definition(name: str) -> TaskDefinition | None:
    """None where there is none: deleted, or a family without an ACTIVE revision."""
    try:
        return describe_task_definition(name)
    except AwsRefused as refused:
        if refused.code in {"ClientException", "InvalidParameterException"}:
            return None
        raise


def require_task_definition(name: str, field: str) -> TaskDefinition:
    """Raises `RequestRejected` where there is none, or one that ECS does not deploy any more."""
    found = find_task_definition(name)
    if found is None:
        raise RequestRejected(f"{field}: there is no task definition {name}; register it first")
    if not found.is_active:
        raise RequestRejected(
            f"{field}: task definition {name} is {found.status}, and ECS deploys only one that is"
            " ACTIVE; register it again and name the new revision"
        )
    return found


def find_or_register(wanted: Document, may_be_lost: Collection[str] = ()) -> str:
    """ARN of the family's newest ACTIVE revision if it is the wanted one, else of a new revision.

    RegisterTaskDefinition is not idempotent: without the look first, each retry whose answer
    was lost would leave one more revision behind. One with a member that botocore does not know is
    not the wanted one, unless that `may_be_lost`.
    """
    newest = find_task_definition(wanted["family"])
    if newest is not None and newest.document == wanted and set(newest.unknown) <= set(may_be_lost):
        return newest.arn
    return _register(wanted)


@aws_failures
def deregister(arn: str) -> None:
    """A revision that is ACTIVE: from then on no service can be brought to it."""
    clients.ecs().deregister_task_definition(taskDefinition=arn)


@aws_failures
def _register(wanted: Document) -> str:
    answer = clients.ecs().register_task_definition(
        **cast("RegisterTaskDefinitionRequestTypeDef", wanted)
    )
    return answer["taskDefinition"]["taskDefinitionArn"]


@aws_failures
def deploy(
    cluster: str,
    service: Service,
    task_definition: str,
    *,
    tasks: int | None = None,
    asks: bool = False,
    anew: bool = False,
) -> tuple[str, str | None]:
    """Bring the service to this task definition, and to so many `tasks` where it is to have others.

    With `asks` the task definition is sent also where the service was read with it, for the read
    may lag; to ECS the one that runs already is no new deployment. `anew` makes it one, for which
    ECS looks up its tags again.

    The id of the deployment, and the task definition of one that nobody had seen and that this one
    has replaced, if there is any.
    """
    current = service.current
    replaced = None
    change: dict[str, Any] = {}
    if asks or service.task_definition != task_definition:
        change["taskDefinition"] = task_definition
    failed = current is not None and current.get("rolloutState") == "FAILED"
    if (failed or anew) and service.task_definition == task_definition:
        change["forceNewDeployment"] = True
    if tasks is not None and service.desired != tasks:
        change["desiredCount"] = tasks
    if change:
        answer = clients.ecs().update_service(cluster=cluster, service=service.name, **change)
        now = Service.of(cast("Document", answer["service"]))
        current = now.current
        known = {deployment["id"] for deployment in service.deployments}
        unseen = [d for d in now.deployments if d["id"] not in known and d is not current]
        replaced = unseen[0]["taskDefinition"] if unseen else None
    if current is None:
        raise AwsRefused(f"ECS service {service.name} has no PRIMARY deployment", "NoDeployment")
    return current["id"], replaced


@aws_failures
def scale(cluster: str, service: Service, tasks: int) -> None:
    """Nothing for a service that is gone."""
    if service.desired != tasks and service.status == "ACTIVE":
        clients.ecs().update_service(cluster=cluster, service=service.name, desiredCount=tasks)
