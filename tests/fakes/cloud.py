"""A strict in-memory App Mesh, ECS, Cloud Map, CloudWatch and SSM behind real boto3 clients.

What AWS would refuse and moto accepts (weights over 100, unknown nodes) is refused. ECS
deployments take virtual time.
"""

import copy
import io
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from tests.builders import PROFILE
from tests.fakes import parameters
from tests.fakes.accounts import Accounts
from tests.fakes.clock import VirtualClock
from tests.fakes.ecs import ACCOUNT, REGION, task_definition
from tests.fakes.logs import Logs
from tests.fakes.metrics import Measured
from tests.fakes.past import Remembered
from tests.fakes.published import Published
from tests.fakes.scaling import Scaling
from tests.fakes.service import Document, Refusal, serve

__all__ = ["ACCOUNT", "REGION", "Cloud", "Document", "Refusal", "serve", "task_definition"]


METRIC_ALARM: Document = {
    "Namespace": "AWS/ApplicationELB",
    "MetricName": "HTTPCode_Target_5XX_Count",
    "Period": 60,
    "EvaluationPeriods": 1,
    "TreatMissingData": "missing",
}
"""An alarm as a user has it."""


def _revision(service: str) -> str:
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:service-revision/example/{service}/1"


def _type(settings: Document) -> str:
    if "AlarmRule" in settings:
        return "CompositeAlarm"
    return "LogAlarm" if "ScheduledQueryConfiguration" in settings else "MetricAlarm"


MEMBER: Document = {"mirrorPolicy": {"percent": 1}}
"""Of a route: what a later version of AWS may answer."""


ROUTE_ARN = (
    "arn:aws:appmesh:us-east-1:123456789012:mesh/example/virtualRouter/example/route/example"
)


class Cloud(Scaling, Published, Measured, Logs):
    """The article's environment. Change its attributes to change the world."""

    traffic: ClassVar[Document] = PROFILE["traffic"][0]
    read = "appmesh.DescribeRoute"
    """The call that reads the split."""
    pinned_seconds = 0
    """How long the router keeps clients on the canary without weight."""
    versioned = True
    """Whether a foreign write shows although the weights were written over since."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.share_of = lambda service: self.weight(service) / 100
        self.weights: list[tuple[int, int]] = []
        self.begin_measuring()
        self.begin_logging()
        self.on_write: Callable[[int, int], None] = lambda _primary, _canary: None
        self.alarms = Remembered(clock, {})
        self.alarm_history: dict[str, list[tuple[datetime, str, str]]] = {}
        self._deleted: set[str] = set()
        self.evaluations = Remembered(clock, {})
        """EvaluationState by alarm, where CloudWatch could not evaluate it."""
        self.alarm_settings: dict[str, Document] = {}
        """What an alarm is beside its state, where that differs from `METRIC_ALARM`."""
        self.on_alarm: Callable[[str, str, str], None] = lambda _name, _before, _state: None
        self.alarm_at: dict[int, dict[str, str]] = {}
        self.set_alarm("example2-5xx", "OK")
        self.service_settings: dict[str, Document] = {}
        """What DescribeServices says of a service beside its tasks and deployments."""
        self.gateways: set[str] = set()
        """Services whose revisions have a gateway connector."""
        self.accounts = Accounts(clock)
        self.parameters: dict[str, str] = {parameters.NAME: parameters.settings()}
        self.secrets: dict[str, str] = {}
        self.on_invoke: Callable[[str, Document], None] = lambda _function, _event: None
        self.on_ask: Callable[[str, Document], Document] = lambda _function, _event: {}
        self.versions: dict[str, list[int]] = {}
        self.aliases: dict[str, list[Document]] = {}
        self.undiscovered: set[str] = set()
        self.other_routes: set[str] = set()
        spec: Document = {
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
        self._described = Remembered(clock, {"spec": spec, "version": 1})
        self.nodes = {
            node: {"awsCloudMap": {"namespaceName": "example.internal", "serviceName": node}}
            for node in ("example1", "example2")
        }

    def _know(self, name: str, key: str) -> None:
        self.accounts.know(name, key)

    def _sts_AssumeRole(self, params: Document) -> Document:  # noqa: N802
        return self.accounts.assume(params)

    @property
    def route(self) -> Document:
        """The route's spec."""
        spec: Document = self._described["spec"]
        return spec

    @route.setter
    def route(self, spec: Document) -> None:
        self._described["spec"] = spec

    @property
    def route_version(self) -> int:
        return int(self._described["version"])

    @route_version.setter
    def route_version(self, version: int) -> None:
        self._described["version"] = version

    def targets(self) -> list[Document]:
        kind = next(k for k in self.route if k.endswith("Route"))
        targets: list[Document] = self.route[kind]["action"]["weightedTargets"]
        return targets

    def weight(self, node: str) -> int:
        weights: dict[str, int] = {t["virtualNode"]: t["weight"] for t in self.targets()}
        return weights[node]

    def split(self) -> tuple[int, int]:
        return self.weight("example1"), self.weight("example2")

    def all_traffic(self) -> list[Document]:
        """What a profile says of each route."""
        return [self.traffic]

    def splits(self) -> list[tuple[int, int]]:
        """The weights of each route."""
        return [self.split()]

    def described(self) -> Document:
        """The route as it stands, with its version."""
        return dict(self._described)

    def without_weights(self) -> Document:
        """What of the route has to stay, but for `MEMBER`."""
        bare: Document = copy.deepcopy(self.route)
        kind = next(k for k in bare if k.endswith("Route"))
        bare[kind].pop(next(iter(MEMBER)), None)
        for target in bare[kind]["action"]["weightedTargets"]:
            del target["weight"]
        return bare

    def write_foreign(self, canary: int) -> None:
        """Somebody who knows nothing of the release gives the canary so many percent."""
        weights = {"example1": 100 - canary, "example2": canary}
        kind = next(k for k in self.route if k.endswith("Route"))
        targets = [
            {**target, "weight": weights.get(target["virtualNode"], target["weight"])}
            for target in self.targets()
        ]
        action = {**self.route[kind]["action"], "weightedTargets": targets}
        self._put_route({**self.route, kind: {**self.route[kind], "action": action}})

    def add_member(self) -> None:
        """Somebody writes `MEMBER`, which botocore has no shape for; the weights stay."""
        kind = next(k for k in self.route if k.endswith("Route"))
        self._put_route({**self.route, kind: {**self.route[kind], **copy.deepcopy(MEMBER)}})

    def has_member(self) -> bool:
        kind = next(k for k in self.route if k.endswith("Route"))
        return MEMBER.keys() <= set(self.route[kind])

    def reset_weights(self) -> None:
        """Infrastructure code is applied, which has the weights at rest."""
        self.write_foreign(0)

    def _put_route(self, spec: Document) -> None:
        self._described.update(spec=spec, version=self.route_version + 1)

    def _find_route(self, params: Document) -> None:
        named = (params["meshName"], params["virtualRouterName"], params["routeName"])
        if named[:2] != ("example", "example") or named[2] not in {"example", *self.other_routes}:
            raise Refusal("NotFoundException", f"no route {named}", 404)

    def _route_answer(self, described: Document) -> Document:
        return {
            "route": {
                "spec": copy.deepcopy(described["spec"]),
                "metadata": {"version": described["version"], "arn": ROUTE_ARN},
                "status": {"status": "ACTIVE"},
            }
        }

    def _appmesh_DescribeRoute(self, params: Document) -> Document:  # noqa: N802
        self._find_route(params)
        return self._route_answer(self._described.at(self.moment("appmesh.DescribeRoute")))

    def _appmesh_ListTagsForResource(self, params: Document) -> Document:  # noqa: N802
        tags = self.tags_of(params["resourceArn"])
        return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

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
        self._put_route(spec)
        self._see_write()
        return self._route_answer(self._described)

    def _see_write(self) -> None:
        self.weights.append(self.split())
        self.remember_split(self.weights[-1])
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
        healthy = self.healthy(name, self.moment("servicediscovery.DiscoverInstances"))
        return {"Instances": [{"InstanceId": str(n)} for n in range(healthy)]}

    def healthy(self, service: str, at: datetime | None = None) -> int:
        """How many of its tasks the route would send requests to, now or at that moment."""
        self.advance()
        running: int = self.services[service].at(at)["runningCount"]
        return 0 if service in self.undiscovered else running

    def view(self, name: str, at: datetime | None = None) -> Document:
        """As `Ecs` has it, with what else there is about the service."""
        service = super().view(name, at)
        revision = {"arn": _revision(name), "runningTaskCount": service["runningCount"]}
        return {
            **service,
            "currentServiceRevisions": [revision],
            **self.service_settings.get(name, {}),
        }

    def _ecs_DescribeServiceRevisions(self, params: Document) -> Document:  # noqa: N802
        names = {_revision(name): name for name in self.services}
        if len(params["serviceRevisionArns"]) > 20:
            raise Refusal("InvalidParameterException", "at most 20 service revisions")
        connector = {"portName": "http"}
        return {
            "serviceRevisions": [
                {
                    "serviceRevisionArn": arn,
                    "gatewayConnectors": [connector] if names[arn] in self.gateways else [],
                }
                for arn in params["serviceRevisionArns"]
                if arn in names
            ],
            "failures": [
                {"arn": arn, "reason": "MISSING"}
                for arn in params["serviceRevisionArns"]
                if arn not in names
            ],
        }

    def succeed_early(self, service: str, percent: int) -> None:
        """ECS calls its deployments complete at so many percent of their tasks."""
        criteria = {
            "enable": True,
            "healthyPercent": percent,
            "sourceServiceRevisionCleanup": "BLOCKING",
        }
        configuration = {"strategy": "ROLLING", "earlySuccessCriteria": criteria}
        self.service_settings[service] = {"deploymentConfiguration": configuration}
        self.services[service].early_percent = percent

    def set_alarm(self, name: str, state: str) -> None:
        """Let an alarm go to a state, with a trace in its history and an event."""
        before = self.alarms.get(name, "INSUFFICIENT_DATA")
        if before == state or name in self._deleted:
            return
        self.alarms[name] = state
        self.alarm_history.setdefault(name, []).append((self.clock.now(), before, state))
        self.on_alarm(name, before, state)

    def combine(self, name: str, rule: str, state: str = "OK") -> None:
        """A composite alarm, whose state is what it is set to."""
        self.alarm_settings[name] = {"AlarmRule": rule}
        self.set_alarm(name, state)

    def watch_logs(self, name: str, schedule: str = "rate(1 minute)", **settings: Any) -> None:
        """A log alarm, which is OK."""
        query = {
            "QueryString": "fields @message | filter level = 'ERROR'",
            "ScheduleConfiguration": {"ScheduleExpression": schedule},
            "AggregationExpression": "count(*)",
        }
        self.alarm_settings[name] = {
            "ScheduledQueryConfiguration": query,
            "QueryResultsToEvaluate": 1,
            "QueryResultsToAlarm": 1,
            "TreatMissingData": "missing",
            **settings,
        }
        self.set_alarm(name, "OK")

    def delete_alarm(self, name: str) -> None:
        """Somebody deletes the alarm, if it is there; no event tells of it."""
        if name in self.alarms:
            del self.alarms[name]
            self._deleted.add(name)

    def fail_evaluation(self, name: str, evaluation: str = "EVALUATION_ERROR") -> None:
        """CloudWatch cannot evaluate the alarm from here on, and leaves its state as it is."""
        self.evaluations[name] = evaluation

    def evaluate_again(self, name: str) -> None:
        del self.evaluations[name]

    def _cloudwatch_DescribeAlarms(self, params: Document) -> Document:  # noqa: N802
        if len(params["AlarmNames"]) > 100 or params.get("MaxRecords", 50) > 100:
            raise Refusal("ValidationError", "at most 100 alarms in one call")
        at_weight = self.alarm_at.get(self.weight("example2"), {}) if self.alarm_at else {}
        for name, state in at_weight.items():
            self.set_alarm(name, state)
        # Whoever does not say which types gets one of the three.
        types = params.get("AlarmTypes", ["MetricAlarm"])
        found: dict[str, list[Document]] = {f"{alarm_type}s": [] for alarm_type in types}
        at = self.moment("cloudwatch.DescribeAlarms")
        states, evaluations = self.alarms.at(at), self.evaluations.at(at)
        for name in params["AlarmNames"]:
            settings = self.alarm_settings.get(name, METRIC_ALARM)
            if name not in states or (answer := found.get(f"{_type(settings)}s")) is None:
                continue
            alarm = {
                "AlarmName": name,
                "StateValue": states[name],
                "StateReason": "Threshold Crossed: 9 > 3",
                "StateTransitionedTimestamp": self._changed_at(name, at),
                **settings,
            }
            if name in evaluations:
                alarm |= {"EvaluationState": evaluations[name], "StateReason": "no such metric"}
            answer.append(alarm)
        return found

    def _changed_at(self, alarm: str, at: datetime | None) -> datetime:
        """When it went to the state that it was in at that moment."""
        changes = [changed for changed, _, _ in self.alarm_history[alarm]]
        return next((c for c in reversed(changes) if at is None or c <= at), changes[0])

    def _cloudwatch_DescribeAlarmHistory(self, params: Document) -> Document:  # noqa: N802
        assert params["HistoryItemType"] == "StateUpdate"
        settings = self.alarm_settings.get(params["AlarmName"], METRIC_ALARM)
        if _type(settings) not in params.get("AlarmTypes", ["MetricAlarm"]):
            return {"AlarmHistoryItems": []}
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
        """What is asynchronous nobody hears the answer of."""
        function, event = params["FunctionName"], json.loads(params["Payload"])
        if params.get("InvocationType") == "Event":
            self.on_invoke(function, event)
            return {"StatusCode": 202}
        answer = json.dumps(self.on_ask(function, event)).encode()
        return {"StatusCode": 200, "Payload": io.BytesIO(answer)}

    def _ssm_GetParametersByPath(self, params: Document) -> Document:  # noqa: N802
        below = f"{params['Path'].rstrip('/')}/"
        found = [n for n in self.parameters if n.startswith(below)]
        return {"Parameters": [{"Name": n, "Value": self.parameters[n]} for n in sorted(found)]}

    def _ssm_GetParameters(self, params: Document) -> Document:  # noqa: N802
        if not 0 < len(params["Names"]) <= 10:
            raise Refusal("ValidationException", "Names has 1 to 10 members")
        there = [name for name in params["Names"] if name in self.parameters]
        return {
            "Parameters": [{"Name": name, "Value": self.parameters[name]} for name in there],
            "InvalidParameters": [name for name in params["Names"] if name not in there],
        }

    def _ssm_GetParameter(self, params: Document) -> Document:  # noqa: N802
        if params["Name"] not in self.parameters:
            raise Refusal("ParameterNotFound")
        return {"Parameter": {"Value": self.parameters[params["Name"]]}}
