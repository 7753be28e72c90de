"""A strict in-memory App Mesh, ECS, Cloud Map, CloudWatch and SSM behind real boto3 clients.

What AWS would refuse and moto accepts (weights over 100, unknown nodes) is refused. ECS
deployments take virtual time.
"""

import copy
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from tests.builders import PROFILE
from tests.fakes.clock import VirtualClock
from tests.fakes.service import Document, Fake, Refusal, serve

__all__ = ["ACCOUNT", "REGION", "Cloud", "Document", "Refusal", "serve", "task_definition"]

REGION = "us-east-1"
ACCOUNT = "123456789012"


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


class Cloud(Fake):
    """The article's environment. Change its attributes to change the world.

    `startup_seconds` is how long a new task needs; images in `broken_images` never run, or not on
    the service that is named with the image.
    """

    traffic: ClassVar[Document] = PROFILE["traffic"][0]
    read = "appmesh.DescribeRoute"
    """The call that reads the split."""
    versioned = True
    """Whether a foreign write shows although the weights were written over since."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__()
        self.clock = clock
        self.weights: list[tuple[int, int]] = []
        self.on_write: Callable[[int, int], None] = lambda _primary, _canary: None
        self.startup_seconds = 15.0
        self.broken_images: set[str | tuple[str, str]] = set()
        self.alarms: dict[str, str] = {}
        self.alarm_history: dict[str, list[tuple[datetime, str, str]]] = {}
        self.composite_alarms: set[str] = set()
        self.on_alarm: Callable[[str, str, str], None] = lambda _name, _before, _state: None
        self.alarm_at: dict[int, dict[str, str]] = {}
        self.set_alarm("example2-5xx", "OK")
        self.parameters: dict[str, str] = {}
        self.secrets: dict[str, str] = {}
        self.on_invoke: Callable[[str, Document], None] = lambda _function, _event: None
        self.undiscovered: set[str] = set()
        self.other_routes: set[str] = set()
        self.route: Document = {
            "priority": 7,
            "httpRoute": {
                "match": {"prefix": "/", "headers": [{"name": "x-a", "match": {"exact": "b"}}]},
                "action": {
                    "weightedTargets": [
                        {"virtualNode": "example1", "weight": 100, "port": 80},
                        {"virtualNode": "example2", "weight": 0, "port": 80},
                    ]
                },
                "retryPolicy": {
                    "maxRetries": 2,
                    "perRetryTimeout": {"value": 2, "unit": "s"},
                    "httpRetryEvents": ["server-error"],
                },
                "timeout": {"idle": {"value": 30, "unit": "s"}},
            },
        }
        self.route_version = 1
        self.nodes = {
            node: {"awsCloudMap": {"namespaceName": "example.internal", "serviceName": node}}
            for node in ("example1", "example2")
        }
        self.definitions: dict[str, list[Document]] = {
            "example1": [task_definition("example1", "shop:v1", cpu="256")],
            "example2": [task_definition("example2", "shop:v1", cpu="256")],
        }
        self.services: dict[str, Document] = {}
        self._add_service("example1", desired=2)
        self._add_service("example2", desired=0)

    def _add_service(self, name: str, desired: int) -> None:
        deployment = {
            "id": f"ecs-svc/{name}-0",
            "status": "PRIMARY",
            "rolloutState": "COMPLETED",
            "taskDefinition": self.arn(name, 1),
            "ready_at": self.clock.now(),
        }
        self.services[name] = {
            "serviceName": name,
            "status": "ACTIVE",
            "desiredCount": desired,
            "deployments": [deployment],
        }

    def arn(self, family: str, revision: int) -> str:
        return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{family}:{revision}"

    def targets(self) -> list[Document]:
        kind = next(k for k in self.route if k.endswith("Route"))
        targets: list[Document] = self.route[kind]["action"]["weightedTargets"]
        return targets

    def weight(self, node: str) -> int:
        weights: dict[str, int] = {t["virtualNode"]: t["weight"] for t in self.targets()}
        return weights[node]

    def split(self) -> tuple[int, int]:
        return self.weight("example1"), self.weight("example2")

    def described(self) -> Document:
        """The route as it stands, with its version."""
        return {"spec": self.route, "version": self.route_version}

    def without_weights(self) -> Document:
        """What of the route has to stay."""
        bare: Document = copy.deepcopy(self.route)
        kind = next(k for k in bare if k.endswith("Route"))
        for target in bare[kind]["action"]["weightedTargets"]:
            del target["weight"]
        return bare

    def register(self, family: str, image: str) -> str:
        """A person registers a new revision; its ARN."""
        self.definitions[family].append(task_definition(family, image, cpu="256"))
        return self.arn(family, len(self.definitions[family]))

    def ecs_update(self, service: str, task_definition: str) -> None:
        """A person deploys something by hand."""
        self._ecs_UpdateService({"service": service, "taskDefinition": task_definition})

    def write_foreign(self, canary: int) -> None:
        """Somebody who knows nothing of the release gives the canary so many percent."""
        for target in self.targets():
            weights = {"example1": 100 - canary, "example2": canary}
            target["weight"] = weights.get(target["virtualNode"], target["weight"])
        self.route_version += 1

    def _find_route(self, params: Document) -> None:
        named = (params["meshName"], params["virtualRouterName"], params["routeName"])
        if named[:2] != ("example", "example") or named[2] not in {"example", *self.other_routes}:
            raise Refusal("NotFoundException", f"no route {named}", 404)

    def _route_answer(self) -> Document:
        return {
            "route": {
                "spec": copy.deepcopy(self.route),
                "metadata": {"version": self.route_version},
                "status": {"status": "ACTIVE"},
            }
        }

    def _appmesh_DescribeRoute(self, params: Document) -> Document:  # noqa: N802
        self._find_route(params)
        return self._route_answer()

    def _appmesh_UpdateRoute(self, params: Document) -> Document:  # noqa: N802
        self._find_route(params)
        spec = copy.deepcopy(params["spec"])
        kind = next(k for k in spec if k.endswith("Route"))
        targets = spec[kind]["action"]["weightedTargets"]
        if not 0 < sum(t["weight"] for t in targets) <= 100:
            raise Refusal("BadRequestException", "total weight must be 1..100")
        for target in targets:
            if target["virtualNode"] not in self.nodes:
                raise Refusal("BadRequestException", f"no node {target['virtualNode']}")
        self.route = spec
        self.route_version += 1
        self._see_write()
        return self._route_answer()

    def _see_write(self) -> None:
        self.weights.append(self.split())
        self.on_write(*self.weights[-1])

    def _appmesh_DescribeVirtualNode(self, params: Document) -> Document:  # noqa: N802
        name = params["virtualNodeName"]
        if name not in self.nodes:
            raise Refusal("NotFoundException", f"no node {name}", 404)
        return {"virtualNode": {"spec": {"serviceDiscovery": self.nodes[name]}}}

    def _servicediscovery_DiscoverInstances(self, params: Document) -> Document:  # noqa: N802
        name = params["ServiceName"]
        if name not in self.services:
            raise Refusal("ServiceNotFound")
        return {"Instances": [{"InstanceId": str(n)} for n in range(self.healthy(name))]}

    def healthy(self, service: str) -> int:
        """How many of its tasks the route would send requests to."""
        running: int = self.view(service)["runningCount"]
        return 0 if service in self.undiscovered else running

    def running_image(self, service: str) -> str:
        """The image that a service's newest finished deployment runs."""
        view = self.view(service)
        done = [d for d in view["deployments"] if d["rolloutState"] == "COMPLETED"]
        image: str = self._definition(done[-1]["taskDefinition"])["containerDefinitions"][0][
            "image"
        ]
        return image

    def _definition(self, name: str) -> Document:
        family, _, revision = name.rsplit("/", 1)[-1].partition(":")
        revisions = self.definitions.get(family, [])
        number = int(revision) if revision else len(revisions)
        if not 0 < number <= len(revisions):
            raise Refusal("ClientException", "Unable to describe task definition.")
        return {
            **copy.deepcopy(revisions[number - 1]),
            "taskDefinitionArn": self.arn(family, number),
            "revision": number,
            "status": "ACTIVE",
            "registeredBy": "somebody",
            "requiresAttributes": [{"name": "com.amazonaws.ecs.capability"}],
        }

    def view(self, name: str) -> Document:
        """The service as it is now: deployments finish, or fail, as time passes."""
        service = self.services[name]
        newest = service["deployments"][0]
        image = self._definition(newest["taskDefinition"])["containerDefinitions"][0]["image"]
        if newest["rolloutState"] == "IN_PROGRESS" and self.clock.now() >= newest["ready_at"]:
            if self.broken_images & {image, (name, image)}:
                newest["rolloutState"] = "FAILED"
                newest["rolloutStateReason"] = "ECS deployment circuit breaker: tasks failed"
            else:
                newest["rolloutState"] = "COMPLETED"
                del service["deployments"][1:]
        serving = newest["rolloutState"] == "COMPLETED" and self.clock.now() >= newest["ready_at"]
        older = len(service["deployments"]) > 1
        running = service["desiredCount"] if serving or older else 0
        return {
            **copy.deepcopy(service),
            "taskDefinition": newest["taskDefinition"],
            "runningCount": running,
            "deploymentConfiguration": service.get("deploymentConfiguration", {}),
        }

    def advance(self) -> None:
        """Let every deployment that is due finish."""
        for name in self.services:
            self.view(name)

    def _ecs_DescribeServices(self, params: Document) -> Document:  # noqa: N802
        if params["cluster"].rpartition("/")[2] != "example":
            raise Refusal("ClusterNotFoundException", "Cluster not found.")
        known = [s for s in params["services"] if s in self.services]
        gone = [{"arn": s, "reason": "MISSING"} for s in params["services"] if s not in known]
        return {"services": [self.view(name) for name in known], "failures": gone}

    def _ecs_DescribeTaskDefinition(self, params: Document) -> Document:  # noqa: N802
        definition = self._definition(params["taskDefinition"])
        tags = definition.pop("tags", [])
        return {"taskDefinition": definition, "tags": tags}

    def _ecs_RegisterTaskDefinition(self, params: Document) -> Document:  # noqa: N802
        revisions = self.definitions.setdefault(params["family"], [])
        revisions.append(copy.deepcopy(params))
        return {"taskDefinition": self._definition(params["family"])}

    def _ecs_UpdateService(self, params: Document) -> Document:  # noqa: N802
        service = self.services[params["service"]]
        before = self.view(params["service"])
        now = self.clock.now()
        wanted: str = params.get("taskDefinition") or before["taskDefinition"]
        arn = self._definition(wanted)["taskDefinitionArn"]
        grows = params.get("desiredCount", 0) > service["desiredCount"]
        if "desiredCount" in params:
            service["desiredCount"] = params["desiredCount"]
        ready_at = now + timedelta(seconds=self.startup_seconds)
        if arn != before["taskDefinition"] or params.get("forceNewDeployment"):
            for older in service["deployments"]:
                older["status"] = "ACTIVE"
            number = len(self.calls)
            deployment = {
                "id": f"ecs-svc/{params['service']}-{number}",
                "status": "PRIMARY",
                "rolloutState": "IN_PROGRESS",
                "taskDefinition": arn,
                "ready_at": ready_at,
            }
            service["deployments"].insert(0, deployment)
            if before["runningCount"] == 0:
                del service["deployments"][1:]
        elif grows:
            service["deployments"][0]["ready_at"] = ready_at
        return {"service": self.view(params["service"])}

    def set_alarm(self, name: str, state: str) -> None:
        """Let an alarm go to a state, with a trace in its history and an event."""
        before = self.alarms.get(name, "INSUFFICIENT_DATA")
        if before == state:
            return
        self.alarms[name] = state
        self.alarm_history.setdefault(name, []).append((self.clock.now(), before, state))
        self.on_alarm(name, before, state)

    def _cloudwatch_DescribeAlarms(self, params: Document) -> Document:  # noqa: N802
        assert set(params["AlarmTypes"]) == {"MetricAlarm", "CompositeAlarm"}
        for name, state in self.alarm_at.get(self.weight("example2"), {}).items():
            self.set_alarm(name, state)
        found: dict[bool, list[Document]] = {True: [], False: []}
        for name in params["AlarmNames"]:
            if name in self.alarms:
                found[name in self.composite_alarms].append(
                    {
                        "AlarmName": name,
                        "StateValue": self.alarms[name],
                        "StateReason": "Threshold Crossed: 9 > 3",
                        "StateTransitionedTimestamp": self.alarm_history[name][-1][0],
                    }
                )
        return {"MetricAlarms": found[False], "CompositeAlarms": found[True]}

    def _cloudwatch_DescribeAlarmHistory(self, params: Document) -> Document:  # noqa: N802
        assert set(params["AlarmTypes"]) == {"MetricAlarm", "CompositeAlarm"}
        assert params["HistoryItemType"] == "StateUpdate"
        items = [
            {
                "AlarmName": params["AlarmName"],
                "Timestamp": at,
                "HistoryItemType": "StateUpdate",
                "HistoryData": json.dumps(
                    {"oldState": {"stateValue": before}, "newState": {"stateValue": state}}
                ),
            }
            for at, before, state in reversed(self.alarm_history.get(params["AlarmName"], []))
            if params["StartDate"] <= at <= params["EndDate"]
        ]
        return {"AlarmHistoryItems": items}

    def _secretsmanager_GetSecretValue(self, params: Document) -> Document:  # noqa: N802
        if params["SecretId"] not in self.secrets:
            raise Refusal("ResourceNotFoundException", "Secrets Manager can't find it")
        return {"SecretString": self.secrets[params["SecretId"]]}

    def _sns_Publish(self, params: Document) -> Document:  # noqa: N802
        if len(params["Message"].encode()) > 262_144:
            raise Refusal("InvalidParameter", "Message too long")
        return {"MessageId": "1"}

    def _lambda_Invoke(self, params: Document) -> Document:  # noqa: N802
        """Asynchronous, so that nobody hears what the function answers."""
        if params["InvocationType"] != "Event":
            raise Refusal("InvalidParameterValueException", "no function of this stack is called")
        self.on_invoke(params["FunctionName"], json.loads(params["Payload"]))
        return {"StatusCode": 202}

    def _ssm_GetParametersByPath(self, params: Document) -> Document:  # noqa: N802
        below = f"{params['Path'].rstrip('/')}/"
        found = [n for n in self.parameters if n.startswith(below)]
        return {"Parameters": [{"Name": n, "Value": self.parameters[n]} for n in sorted(found)]}

    def _ssm_GetParameter(self, params: Document) -> Document:  # noqa: N802
        if params["Name"] not in self.parameters:
            raise Refusal("ParameterNotFound")
        return {"Parameter": {"Value": self.parameters[params["Name"]]}}
