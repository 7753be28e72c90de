"""A strict in-memory ECS: revisions of task definitions that come and go, and services.

Deployments, new tasks and what autoscaling does take virtual time.
"""

import copy
import hashlib
import heapq
import itertools
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from emulator.registry import Registry
from tests.fakes.clock import VirtualClock
from tests.fakes.deployments import Service
from tests.fakes.past import Lagging
from tests.fakes.service import Document, Refusal

REGION = "us-east-1"
ACCOUNT = "123456789012"
AUTOSCALER_SECONDS = 60.0
TASKS_PER_PAGE = 100
UNKNOWN = "Unable to describe task definition."
FOREIGN_IMAGE = "shop:hotfix"


def task_definition(family: str, image: str, **more: Any) -> Document:
    envoy = {
        "name": "envoy",
        "image": "envoy:v1",
        "environment": [{"name": "APPMESH_RESOURCE_ARN", "value": f"virtualNode/{family}"}],
    }
    return {
        "family": family,
        "containerDefinitions": [{"name": "app", "image": image, "environment": []}, envoy],
        **more,
    }


def pairs_of(definition: Document) -> list[Document]:
    """Environment variables and properties of the proxy, which are of one type."""
    proxy: list[Document] = definition.get("proxyConfiguration", {}).get("properties", [])
    containers = definition["containerDefinitions"]
    return [pair for c in containers for pair in c.get("environment", [])] + proxy


def refuse_to_register(definition: Document) -> None:
    tags = definition.get("tags")
    if tags is not None and not tags:
        # https://github.com/fabfuel/ecs-deploy/issues/146
        raise Refusal("ClientException", "Tags can not be empty.")
    if any(tag["key"].lower().startswith("aws:") for tag in tags or []):
        reserved = "aws: prefixed tag key names are not allowed for external use."
        raise Refusal("InvalidParameterException", reserved)
    if any("name" not in pair or "value" not in pair for pair in pairs_of(definition)):
        raise Refusal("ClientException", "A pair has a name and a value.")


CLUSTER_ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/example"


class Minimums(dict[str, int]):
    """Minimum counts by service; whoever sets one is heard."""

    def __init__(self, minimums: Mapping[str, int], hear: Callable[[str], None]) -> None:
        super().__init__(minimums)
        self._hear = hear

    def __setitem__(self, service: str, minimum: int) -> None:
        super().__setitem__(service, minimum)
        self._hear(service)

    def update(self, *others: Any, **more: Any) -> None:
        for service, minimum in dict(*others, **more).items():
            self[service] = minimum


class Ecs(Lagging):
    """`definitions` has each family's revisions in order, the first one being revision 1.

    `startup_seconds` is how long a new task needs; images in `broken_images` never run, or not on
    the service that is named with the image. Each deployment resolves the tags of its images once.
    """

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.startup_seconds = 15.0
        self.registry = Registry()
        self.silent = False
        """Whether no answer says which digest a task runs, as older agents leave it out."""
        self._contents: dict[str, dict[str, str]] = {}
        self._revisions: dict[str, str] = {}
        self._task_names: dict[str, str] = {}
        self.broken_images: set[str | tuple[str, str]] = set()
        self.definitions: dict[str, list[Document]] = {
            "example1": [task_definition("example1", "shop:v1", cpu="256")],
            "example2": [task_definition("example2", "shop:v1", cpu="256")],
        }
        self._statuses: dict[str, list[tuple[datetime, str]]] = {}
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = itertools.count(1)
        self._below: dict[str, datetime] = {}
        self._minimums = Minimums({}, self.see_desired)
        self.services: dict[str, Service] = {}
        self._add_service("example1", desired=2)
        self._add_service("example2", desired=0)

    def _add_service(self, name: str, desired: int) -> None:
        self.services[name] = Service(self, name, self.arn(name, 1), desired)

    # Time

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Do it once so much time has passed, and at once where that is none."""
        if seconds <= 0:
            do()
            return
        moment = self.clock.now() + timedelta(seconds=seconds)
        heapq.heappush(self._due, (moment, next(self._numbers), do))
        self.clock.after(seconds, self.advance)

    def advance(self) -> None:
        """Let everything that is due happen."""
        while self._due and self._due[0][0] <= self.clock.now():
            heapq.heappop(self._due)[2]()

    # Task definitions

    def arn(self, family: str, revision: int) -> str:
        return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{family}:{revision}"

    def register(self, family: str, image: str) -> str:
        """A person registers a new revision; its ARN."""
        return self._register(task_definition(family, image, cpu="256"))

    def _register(self, document: Document) -> str:
        """A number that was used once is not used again: no revision leaves the list."""
        revisions = self.definitions.setdefault(document["family"], [])
        revisions.append(document)
        arn = self.arn(document["family"], len(revisions))
        self._statuses[arn] = [(self.clock.now(), "ACTIVE")]
        return arn

    def status(self, arn: str, at: datetime | None = None) -> str:
        """Of a revision; empty where there is none, and none yet or any more at that moment."""
        family, number = self._found(arn)
        arn = self.arn(family, number)
        if not 0 < number <= len(self.definitions.get(family, [])):
            return ""
        if not (statuses := self._statuses.get(arn)):
            return "ACTIVE"
        if at is None:
            return statuses[-1][1]
        return next((status for since, status in reversed(statuses) if since <= at), "")

    def deregister(self, arn: str) -> None:
        """Somebody cleans up: the revision can be described, and not be deployed any more."""
        self._set_status(arn, "INACTIVE")

    def start_deleting(self, arn: str) -> None:
        self._set_status(arn, "DELETE_IN_PROGRESS")

    def delete(self, arn: str) -> None:
        """The revision is gone; what runs of it runs on."""
        self._set_status(arn, "")

    def _set_status(self, arn: str, status: str) -> None:
        assert self.status(arn), f"there is no task definition {arn}"
        statuses = self._statuses.setdefault(self.arn(*self._found(arn)), [(self.began, "ACTIVE")])
        statuses.append((self.clock.now(), status))

    def _found(self, name: str, at: datetime | None = None) -> tuple[str, int]:
        """Family and number of the named revision, or of the family's newest ACTIVE one."""
        family, _, revision = name.rsplit("/", 1)[-1].partition(":")
        if revision:
            return family, int(revision) if revision.isdecimal() else 0
        newest = reversed(range(1, len(self.definitions.get(family, [])) + 1))
        active = (n for n in newest if self.status(self.arn(family, n), at) == "ACTIVE")
        return family, next(active, 0)

    def _definition(self, name: str, at: datetime | None = None) -> Document:
        family, number = self._found(name, at)
        arn = self.arn(family, number)
        if not (status := self.status(arn, at)):
            raise Refusal("ClientException", UNKNOWN)
        definition = copy.deepcopy(self.definitions[family][number - 1])
        for pair in pairs_of(definition):
            if pair.get("value") == "":
                # What is empty is left out of every answer.
                del pair["value"]
        described = {
            **definition,
            "taskDefinitionArn": arn,
            "revision": number,
            "status": status,
            "registeredBy": "somebody",
            "requiresAttributes": [{"name": "com.amazonaws.ecs.capability"}],
        }
        if status != "ACTIVE":
            described["deregisteredAt"] = self._statuses[arn][1][0]
        return described

    def _ecs_DescribeTaskDefinition(self, params: Document) -> Document:  # noqa: N802
        at = self.moment("ecs.DescribeTaskDefinition")
        definition = self._definition(params["taskDefinition"], at)
        tags = definition.pop("tags", [])
        return {"taskDefinition": definition, "tags": tags}

    def _ecs_RegisterTaskDefinition(self, params: Document) -> Document:  # noqa: N802
        refuse_to_register(params)
        return {"taskDefinition": self._definition(self._register(copy.deepcopy(params)))}

    def _ecs_DeregisterTaskDefinition(self, params: Document) -> Document:  # noqa: N802
        arn = params["taskDefinition"]
        if ":" not in arn.rsplit("/", 1)[-1]:
            raise Refusal("ClientException", "Must specify a revision.")
        if self.status(arn) != "ACTIVE":
            raise Refusal("ClientException", "The specified task definition is inactive.")
        self.deregister(arn)
        return {"taskDefinition": self._definition(arn)}

    # Services

    def view(self, name: str, at: datetime | None = None) -> Document:
        """The service as AWS describes it, now or as it was at that moment."""
        self.advance()
        service = self.services[name].at(at)
        return {
            "deploymentConfiguration": {},
            **service,
            "deployments": [dict(deployment) for deployment in service["deployments"]],
        }

    def runs(self, service: str) -> int:
        """How many tasks run."""
        running: int = self.view(service)["runningCount"]
        return running

    def content(self, service: str) -> dict[str, str]:
        """What a service's newest finished deployment runs, by container and for people."""
        self.advance()
        deployments = self.services[service]["deployments"]
        done = [d for d in deployments if d["rolloutState"] == "COMPLETED"]
        return self._contents[done[-1]["id"]]

    def mix(self, service: str) -> list[tuple[dict[str, str], int]]:
        """What each deployment of a service runs, and how many tasks of it."""
        view = self.view(service)
        return [(self._contents[d["id"]], d["runningCount"]) for d in view["deployments"]]

    def running_image(self, service: str) -> str:
        """The same of its first container alone."""
        return next(iter(self.content(service).values()))

    def resolve(self, id: str, definition: str) -> None:
        self._contents[id] = self.meaning(definition)
        self._revisions[id] = self.arn(*self._found(definition))

    def meaning(self, definition: str) -> dict[str, str]:
        """What a deployment of this revision would run now, by container and for people."""
        family, number = self._found(definition)
        containers = self.definitions[family][number - 1]["containerDefinitions"]
        return {c["name"]: self.registry.label(c["image"]) for c in containers}

    def is_broken(self, service: str, deployment: str) -> bool:
        if not self.broken_images:
            return False
        image = next(iter(self._contents[deployment].values()))
        return bool(self.broken_images & {image, (service, image)})

    def _ecs_DescribeServices(self, params: Document) -> Document:  # noqa: N802
        if params["cluster"].rpartition("/")[2] != "example":
            raise Refusal("ClusterNotFoundException", "Cluster not found.")
        at = self.moment("ecs.DescribeServices")
        known = [s for s in params["services"] if s in self.services]
        gone = [{"arn": s, "reason": "MISSING"} for s in params["services"] if s not in known]
        services = [{**self.view(name, at), "clusterArn": CLUSTER_ARN} for name in known]
        if "TAGS" in params.get("include", []):
            services = [{**each, "tags": self._tags(each["serviceName"])} for each in services]
        return {"services": services, "failures": gone}

    def _tags(self, service: str) -> list[Document]:
        return [{"key": k, "value": v} for k, v in self.tags_of(service).items()]

    def task_id(self, deployment: str, number: int) -> str:
        """As long and as opaque as ECS's own."""
        name = f"{deployment.partition('/')[2]}.{number}"
        id = hashlib.sha256(name.encode()).hexdigest()[:32]
        self._task_names[id] = name
        return id

    def _ecs_ListTasks(self, params: Document) -> Document:  # noqa: N802
        at = self.moment("ecs.ListTasks")
        name = params["serviceName"]
        if name not in self.services:
            raise Refusal("ServiceNotFoundException", "Service not found.")
        tasks = [
            f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/example/{self.task_id(deployment['id'], n)}"
            for deployment in self.view(name, at)["deployments"]
            for n in range(deployment["runningCount"] + deployment["pendingCount"])
        ]
        first, most = int(params.get("nextToken", 0)), params.get("maxResults", TASKS_PER_PAGE)
        more = {"nextToken": str(first + most)} if first + most < len(tasks) else {}
        return {"taskArns": tasks[first : first + most], **more}

    def _ecs_DescribeTasks(self, params: Document) -> Document:  # noqa: N802
        if not 0 < len(params["tasks"]) <= TASKS_PER_PAGE:
            raise Refusal("InvalidParameterException", "Tasks cannot be empty or over 100.")
        at = self.moment("ecs.DescribeTasks")
        found = {arn: self._task(arn, at) for arn in params["tasks"]}
        return {
            "tasks": [task for task in found.values() if task],
            "failures": [
                {"arn": arn, "reason": "MISSING"} for arn, task in found.items() if not task
            ],
        }

    def _task(self, arn: str, at: datetime | None = None) -> Document | None:
        """A task that is stopped by now is described for a while longer; one that was not yet
        there at that moment is not described."""
        self.advance()
        of, _, number = self._task_names.get(arn.rpartition("/")[2], "").partition(".")
        if not of:
            return None
        id = f"ecs-svc/{of}"
        counts = {
            deployment["id"]: (deployment["runningCount"], deployment["pendingCount"])
            for service in self.services.values()
            for deployment in service.at(at)["deployments"]
        }
        now = {d["id"] for service in self.services.values() for d in service["deployments"]}
        if id not in counts and id in now:
            return None
        running, pending = counts.get(id, (0, 0))
        alive = "PENDING" if running <= int(number) < running + pending else "STOPPED"
        status = "RUNNING" if int(number) < running else alive
        # A container that was not pulled yet has no digest.
        unknown = status == "PENDING" or self.silent
        containers = [
            {"name": name} | ({} if unknown else {"imageDigest": self.registry.digest(label)})
            for name, label in self._contents[id].items()
        ]
        return {
            "taskArn": arn,
            "taskDefinitionArn": self._revisions[id],
            "group": f"service:{of.rpartition('-')[0]}",
            "startedBy": id,
            "lastStatus": status,
            "containers": containers,
        }

    def _ecs_UpdateService(self, params: Document) -> Document:  # noqa: N802
        self.advance()
        name = params["service"]
        if name not in self.services:
            raise Refusal("ServiceNotFoundException", "Service not found.")
        named, forced = params.get("taskDefinition"), params.get("forceNewDeployment")
        service = self.services[name]
        arn = self._deployable(named or service.definition) if named or forced else None
        desired = params.get("desiredCount", service.desired)
        if arn and (forced or arn != service.definition):
            self._deploy(name, arn, desired, self.startup_seconds)
        elif desired != service.desired:
            service.scale(desired, self.startup_seconds)
        return {"service": self.view(name)}

    def _deployable(self, name: str) -> str:
        """The revision's ARN."""
        family, number = self._found(name)
        arn = self.arn(family, number)
        if not (status := self.status(arn)):
            raise Refusal("ClientException", UNKNOWN)
        if status != "ACTIVE":
            raise Refusal("ClientException", "TaskDefinition is inactive")
        return arn

    def _deploy(self, service: str, arn: str, desired: int, seconds: float) -> str:
        id = f"ecs-svc/{service}-{next(self._numbers)}"
        self.services[service].deploy(id, arn, desired, seconds)
        return id

    # What others do

    def ecs_update(self, service: str, task_definition: str) -> None:
        """A person deploys something by hand."""
        self._ecs_UpdateService({"service": service, "taskDefinition": task_definition})

    def deploy_foreign(
        self,
        service: str,
        image: str = FOREIGN_IMAGE,
        seconds: float | None = None,
        same_revision: bool = False,
    ) -> str:
        """Somebody deploys a new revision with this image, or anew the one that runs.

        The id of the deployment, which is complete after so many seconds.
        """
        self.advance()
        here = self.services[service]
        family, _ = self._found(here.definition)
        wanted = here.definition if same_revision else self.register(family, image)
        seconds = self.startup_seconds if seconds is None else seconds
        return self._deploy(service, self._deployable(wanted), here.desired, seconds)

    def lose_tasks(
        self, service: str, count: int | None = None, heals_after: float | None = None
    ) -> None:
        """So many tasks, or all of them, stop at once.

        ECS has replaced them after so many seconds; where that is None they crash whenever it
        starts them, until there is a new deployment.
        """
        self.advance()
        self.services[service].lose(count, heals_after)

    def set_desired(self, service: str, count: int) -> None:
        """Infrastructure code, or an operator, sets the desired count."""
        self.advance()
        if count != self.services[service].desired:
            self.services[service].scale(count, self.startup_seconds)

    def autoscale(self, service: str, delta: int) -> None:
        """Autoscaling adds so many tasks, or takes them away."""
        self.set_desired(service, max(0, self.services[service].desired + delta))

    @property
    def autoscaler_minimum(self) -> dict[str, int]:
        """Counts by service, below which autoscaling leaves no service for longer than a minute."""
        return self._minimums

    @autoscaler_minimum.setter
    def autoscaler_minimum(self, minimums: Mapping[str, int]) -> None:
        self._minimums = Minimums(minimums, self.see_desired)
        for service in minimums:
            self.see_desired(service)

    def see_desired(self, service: str) -> None:
        """The service's desired count or its minimum may have changed."""
        minimum = self._minimums.get(service, 0)
        if not minimum or self.services[service].desired >= minimum:
            self._below.pop(service, None)
        elif service not in self._below:
            since = self._below[service] = self.clock.now()
            self.after(AUTOSCALER_SECONDS, lambda: self._scale_out(service, since))

    def _scale_out(self, service: str, since: datetime) -> None:
        if self._below.get(service) == since and service in self._minimums:
            del self._below[service]
            self.set_desired(service, self._minimums[service])
