"""Cloud: the sandbox as one object: moto as the AWS API, and everything real behind it."""

import json
import os
import time
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

import boto3
from moto.cloudwatch.models import Alarm
from moto.server import ThreadedMotoServer

from emulator import template, workflow
from emulator.account import ACCOUNT, REGION
from emulator.awslambda import Asynchronous
from emulator.clients import forget_clients
from emulator.events import Bus, alarm_detail, execution_detail
from emulator.moto_gaps import (
    applicationautoscaling,
    appmesh,
    awslambda,
    cloudformation,
    cloudwatch,
    ecs,
    elbv2,
    events,
    iam,
    logs,
    metric_data,
    vpc_lattice,
)
from sandbox import article, metrics, outputs, pace, serving, slack, stack
from sandbox.article import Sizing
from sandbox.autoscaling import AutoScaling
from sandbox.ecs_agent import EcsAgent
from sandbox.example import Example
from sandbox.fronts.appmesh import AppMesh
from sandbox.fronts.front import Front, Json, Series
from sandbox.fronts.names import split
from sandbox.gateway import Gateway
from sandbox.metrics import Metrics
from sandbox.serving import Serving
from sandbox.slack import Slack
from sandbox.timers import Schedule, Timers
from stepcanary.errors import DocumentUnreadable
from stepcanary.store import batches, evidence, ledger
from stepcanary.store.due import COUNT, PARTITIONS

TABLE = "stepcanary-ledger"
SLACK_SECRET = "stepcanary-slack"  # noqa: S105 - the name of a secret
TOPIC = "stepcanary-announcements"
REPORTS = "stepcanary-reports"
"""The bucket of the reports."""
SETTINGS = "/stepcanary/settings"
SECONDS_PER_PERIOD = 1.0
"""How long an alarm's period lasts here; on AWS it would be a minute."""
PUBLICATION = metric_data.Publication(after=0.1, revised=0.5)
"""How late a period can be read; it is final before the judge reads it, a period after its end."""
SECONDS_PER_SCHEDULE = 1.0
"""How often scheduled functions are called here; on AWS it would be each minute, or every five."""
LOGS = "logs.amazonaws.com"
LOG_DELAY = (2.0, 6.0)
"""In seconds, the least and the most."""
STOP_SECONDS = 10.0
"""How long releases that still run when the sandbox closes may take to stop."""
STEADY_SECONDS = 60.0
"""How long an ECS service of a stack that is made may take until its tasks run."""
PUBLIC_IMAGES = "public.ecr.aws/*"
"""Where the images of the examples are."""


def environment(endpoint: str) -> dict[str, str]:
    """The variables with which any SDK or the AWS CLI uses the sandbox."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        # Cloud Map's DiscoverInstances would go to a host named data-127.0.0.1.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@dataclass(frozen=True, slots=True)
class Revision:
    """A task definition: its `family:revision`, and the image of its application."""

    name: str
    image: str
    status: str
    tags: dict[str, str]


class Sandbox:
    """While it is open the stack is deployed, beside an environment for it.

    That is the article's service behind a front, or what the template of an `example` makes, or
    nothing in an `empty` one, where whoever uses the sandbox makes it. `log_delay` is between how
    many seconds after a line was put its subscriptions deliver it.
    """

    def __init__(
        self,
        front: Front | None = None,
        port: int = 0,
        sizing: Sizing | None = None,
        *,
        example: Path | None = None,
        parameters: Mapping[str, str] | None = None,
        empty: bool = False,
        log_delay: tuple[float, float] = LOG_DELAY,
    ) -> None:
        if (front is not None) + (example is not None) + empty > 1:
            raise ValueError("a sandbox has one environment: a front, an example, or none")
        self._example = Example(example, parameters or {}) if example else None
        self._front = None if example or empty else front or AppMesh()
        self._port, self._sizing = port, sizing or Sizing()
        self._log_delay = log_delay
        self._profile: Json | None = None
        self._entry: Gateway | None = None
        self._opened = ExitStack()
        self.endpoint = ""
        self.machine = ""
        self.table = TABLE

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._opened.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=REGION, endpoint_url=self.endpoint)  # type: ignore[call-overload]

    def split(self, traffic: Json | None = None) -> tuple[int, int]:
        """Weights of primary and canary, where the profile has its traffic or this entry has it."""
        return split(self.client, traffic or self.profile["traffic"][0])

    def urls(self) -> dict[str, str]:
        """Where requests come in, by the name of the load balancer or the Lattice service."""
        self._serving.look()
        return self._serving.urls()

    @property
    def url(self) -> str:
        """Where requests come in, of an environment that has one such place."""
        if self._entry:
            return self._entry.url
        (url,) = self.urls().values()
        return url

    @property
    def admin_url(self) -> str:
        """The admin page of the Envoy there."""
        if self._entry:
            return self._entry.admin_url
        return self._serving.admin_url(self.url)

    @property
    def profile(self) -> Json:
        """The profile of the environment that the sandbox has made, or has adopted."""
        if self._profile is None:
            raise LookupError("an empty sandbox has no profile until it adopts one")
        return self._profile

    def adopt(self, profile: Json) -> None:
        """Take this as the profile of an environment that somebody else has made in the sandbox."""
        self._profile = profile

    @property
    def request(self) -> Json:
        """What the example that the sandbox was started from releases."""
        assert self._example is not None
        return self._example.request

    def series(self, service: str) -> Series:
        """Where CloudWatch keeps what the front counts of an ECS service."""
        assert self._front is not None
        return self._front.series(service)

    def service(self, name: str) -> dict[str, Any]:
        cluster = self.profile["cluster"]
        answer = self.client("ecs").describe_services(cluster=cluster, services=[name])
        service: dict[str, Any] = answer["services"][0]
        return service

    def scaling(self) -> dict[str, Any]:
        """Between which counts what scales may be taken, by ECS service, and what is suspended."""
        scaling = self.client("application-autoscaling")
        targets = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
        return {
            target["ResourceId"].rpartition("/")[2]: {
                "minimum": target["MinCapacity"],
                "maximum": target["MaxCapacity"],
                "suspended": sorted(k for k, is_on in target["SuspendedState"].items() if is_on),
            }
            for target in targets
        }

    def image(self, service: str) -> str:
        """What an ECS service runs, whatever its tag means by now."""
        return self.runs(service).image

    def runs(self, service: str) -> Revision:
        """The task definition that an ECS service runs."""
        arn = self.service(service)["taskDefinition"]
        answer = self.client("ecs").describe_task_definition(taskDefinition=arn, include=["TAGS"])
        definition, tags = answer["taskDefinition"], answer.get("tags", [])
        return Revision(
            name=arn.rpartition("/")[2],
            image=self._content(service, definition),
            status=definition["status"],
            tags={tag["key"]: tag["value"] for tag in tags},
        )

    def _content(self, service: str, definition: Json) -> str:
        """What the tasks run in their first container, for people."""
        app = definition["containerDefinitions"][0]
        running = self.agent.content(service)
        return running.get(app["name"]) or self.agent.registry.label(app["image"])

    def register(self, family: str, tag: str, **environment: str) -> str:
        """A new revision of a task definition that runs this version; its ARN."""
        ecs_client = self.client("ecs")
        old = ecs_client.describe_task_definition(taskDefinition=family)["taskDefinition"]
        app, *others = old["containerDefinitions"]
        # What made an earlier one crash is no part of the next.
        kept_environment = [pair for pair in app["environment"] if pair["name"] != "CRASH"]
        kept = ("family", "networkMode", "requiresCompatibilities", "cpu", "memory")
        new = ecs_client.register_task_definition(
            containerDefinitions=[
                {
                    **app,
                    "image": article.image(tag),
                    "environment": kept_environment
                    + [{"name": name, "value": value} for name, value in environment.items()],
                },
                *others,
            ],
            **{name: old[name] for name in kept},
        )
        arn: str = new["taskDefinition"]["taskDefinitionArn"]
        return arn

    def thread(self, execution: str) -> list[str]:
        """The titles of what was posted about a release; its end is posted a moment after it."""
        for _ in range(30):
            thread = self.slack.thread(execution)
            if any(title.endswith((": Released", ": Reverted")) for title in thread):
                break
            time.sleep(0.1)
        return thread

    def record(self, execution: str) -> dict[str, str]:
        """What the ledger says became of the release: its `outcome` and `cause`."""
        name = execution.rsplit(":", 1)[-1]
        key = {"pk": {"S": f"release#{name}"}, "sk": {"S": "document"}}
        item = self.client("dynamodb").get_item(TableName=self.table, Key=key).get("Item", {})
        return {name: item.get(name, {}).get("S", "") for name in ("outcome", "cause")}

    def counted(self, execution: str) -> dict[str, tuple[int, int]]:
        """What the ledger's evidence says of the canary, by metric: requests, and bad answers."""
        try:
            release = ledger.release_of(execution.rsplit(":", 1)[-1])
        except DocumentUnreadable:
            return {}
        tallies = dict(evidence.read(execution).tallies)
        if release.judge:
            tallies |= batches.read(execution, release.judge).tallies(release.judge)
        counts = {name: tally.counts for name, tally in tallies.items()}
        return {name: (found.canary, found.canary_bad) for name, found in counts.items()}

    def signals(self, execution: str) -> list[str]:
        """The signals of people and pipelines that the ledger keeps of the release."""
        name = execution.rsplit(":", 1)[-1]
        events = self._items("pk = :pk AND begins_with(sk, :sk)", f"release#{name}", "event#")
        signals = [event["signal"]["M"] for event in events if "signal" in event]
        return [f"{signal['kind']['S']} by {signal['by']['S']}" for signal in signals]

    def standing(self, execution: str) -> list[str]:
        """What the register says that the release has put up and not taken down."""
        name = execution.rsplit(":", 1)[-1]
        entries = self._items("pk = :pk AND begins_with(sk, :sk)", f"release#{name}", "up#")
        return [entry["sk"]["S"] for entry in entries]

    def triggers(self) -> list[str]:
        """Which service each repository and pipeline is about, as pushes find it."""
        return [item["sk"]["S"] for item in self._items("pk = :pk", "triggers")]

    def is_free(self) -> bool:
        """Whether no release, alive or dead, has a split."""
        return not self._items("pk = :pk", "held")

    def has_counted(self) -> bool:
        """Whether the toll of every release that is over was counted."""
        return not self._items("pk = :pk", PARTITIONS[COUNT])

    def _items(self, condition: str, pk: str, sk: str = "") -> list[dict[str, Any]]:
        values = {":pk": {"S": pk}, **({":sk": {"S": sk}} if sk else {})}
        answer = self.client("dynamodb").query(
            TableName=self.table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        items: list[dict[str, Any]] = answer["Items"]
        return items

    def _open(self) -> None:
        self._open_account()
        self._open_stack()
        self._open_environment()
        self._open_schedules()

    def _open_account(self) -> None:
        """The AWS API, with nothing in it."""
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=self._port, verbose=False)
        server.start()
        self._opened.callback(server.stop)
        host, port = server.get_host_and_port()
        self.endpoint = f"http://{host}:{port}"
        self._opened.enter_context(patch.dict(os.environ, self._settings()))
        os.environ.pop("AWS_PROFILE", None)
        # moto's state and the functions' clients outlive a sandbox that was open before.
        reset = urllib.request.Request(f"{self.endpoint}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset, timeout=10).close()
        forget_clients()
        self._opened.callback(forget_clients)
        for gap in (applicationautoscaling, appmesh, ecs, elbv2, iam, vpc_lattice):
            self._opened.enter_context(gap.filled())
        self._opened.enter_context(cloudwatch.filled(self._publish_alarm))
        self._opened.enter_context(metric_data.filled(PUBLICATION))
        self._opened.enter_context(cloudformation.filled(self._own_client, self._settle))

    def _open_stack(self) -> None:
        """The stack, whose functions run in this process."""
        invoker = self._invoker = self._opened.enter_context(
            workflow.engine(template.handlers(), on_end=self._publish_end)
        )
        self._opened.enter_context(metrics.of_functions())
        stack.create(self.client)
        self._opened.enter_context(stack.logs_kept())
        timers = self._timers = Timers()
        self.slack = self._opened.enter_context(
            Slack(lambda event: invoker.call("AnswerSlackFunction", event))
        )
        self._opened.enter_context(patch.dict(os.environ, {"SLACK_API": self.slack.api}))
        self._opened.enter_context(awslambda.filled(template.functions(), invoker, timers.later))
        asynchronous = Asynchronous(invoker.call, timers.later, template.oldest_events())
        deliveries = logs.Deliveries(asynchronous, self._log_delay)
        self._opened.enter_context(logs.filled(template.invocable_by(LOGS), deliveries.deliver))
        self._opened.enter_context(pace.shortened(SECONDS_PER_PERIOD / 60))
        self.bus = Bus(template.rules(**template.OPEN), invoker.call, timers.later)
        self._opened.enter_context(events.filled(self.bus))
        self._deploy_stack()

    def _open_environment(self) -> None:
        """What a user has: services, what divides their requests, and what counts these."""
        meter = Metrics(seconds_per_period=SECONDS_PER_PERIOD)
        self.meter = meter
        self._serving = Serving(meter)
        self.agent = EcsAgent(variables_of=self._serving.proxy_of)
        if self._front:
            self._open_front(self._front, meter)
        else:
            self.agent.start()
            self._opened.callback(self.agent.close)
        self._opened.enter_context(serving.reachable())
        self._serving.start()
        self._opened.callback(self._serving.close)
        meter.start()
        self._opened.callback(meter.close)
        scaling = AutoScaling(seconds_per_period=SECONDS_PER_PERIOD)
        scaling.start()
        self._opened.callback(scaling.close)
        if self._example:
            self.adopt(self._example.create(self.client))

    def _open_front(self, front: Front, meter: Metrics) -> None:
        """The article's environment."""
        gateways = [Gateway(entry) for entry in front.entries()]
        ports = [gateway.port for gateway in gateways]
        article.create(self.client, front, ports, sizing=self._sizing)
        self.agent.start()
        self._opened.callback(self.agent.close)
        for gateway in gateways:
            gateway.start()
            self._opened.callback(gateway.close)
        self._entry = gateways[0]
        self.adopt(article.profile(front))
        meter.count(gateways[-1], front)

    def _own_client(self, service: str) -> Any:
        """Of the account in this process, whatever else a subclass has beside it."""
        return boto3.client(service, region_name=REGION, endpoint_url=self.endpoint)  # type: ignore[call-overload]

    def _settle(self, type: str, ref: str) -> None:
        """Wait as CloudFormation does until a resource is of use to the next one."""
        if type in serving.SERVED:
            self._serving.look()
        if type == "AWS::ECS::Service":
            ecs_client = self._own_client("ecs")
            _, cluster, name = ref.rsplit("/", 2)
            over = time.monotonic() + STEADY_SECONDS
            while time.monotonic() < over:
                answer = ecs_client.describe_services(cluster=cluster, services=[name])
                deployments = answer["services"][0]["deployments"]
                if [each["rolloutState"] for each in deployments] == ["COMPLETED"]:
                    return
                time.sleep(0.05)
            raise TimeoutError(f"the tasks of {name} did not become steady")

    def _open_schedules(self) -> None:
        # These close first, last one first, so that nothing calls an API that is gone.
        self._opened.callback(self._stop_releases)
        self._opened.callback(self._timers.close)
        scheduled = template.schedules() + template.schedules(template.EVERY_FIVE_MINUTES)
        schedule = Schedule(scheduled, self._invoker.call, SECONDS_PER_SCHEDULE)
        schedule.start()
        self._opened.callback(schedule.close)

    def _settings(self) -> dict[str, str]:
        return {
            **environment(self.endpoint),
            "POWERTOOLS_METRICS_NAMESPACE": "StepCanary",
            "POWERTOOLS_SERVICE_NAME": "stepcanary",
            "LEDGER_TABLE": TABLE,
            "SETTINGS_PARAMETER": SETTINGS,
        }

    def _publish_alarm(self, alarm: Alarm, before: str) -> None:
        at = alarm.state_updated_timestamp
        detail = alarm_detail(alarm.name, before, alarm.state_value, alarm.state_reason, at)
        kind = "CloudWatch Alarm State Change"
        self.bus.put("aws.cloudwatch", kind, detail, [alarm.alarm_arn])

    def _publish_end(self, execution: str, status: str) -> None:
        detail = execution_detail(execution, self.machine, status)
        kind = "Step Functions Execution Status Change"
        self.bus.put("aws.states", kind, detail, [execution])

    def _stop_releases(self) -> None:
        sfn = self.client("stepfunctions")

        def running() -> list[str]:
            answer = sfn.list_executions(stateMachineArn=self.machine, statusFilter="RUNNING")
            return [execution["executionArn"] for execution in answer["executions"]]

        for execution in running():
            sfn.stop_execution(executionArn=execution)
        deadline = time.monotonic() + STOP_SECONDS
        while running() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _deploy_stack(self) -> None:
        self.client("sns").create_topic(Name=TOPIC)
        self.client("s3").create_bucket(Bucket=REPORTS)
        secret = json.dumps(slack.SECRET)
        self.client("secretsmanager").create_secret(Name=SLACK_SECRET, SecretString=secret)
        given = {
            "ClusterArns": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/*",
            "TaskRoleArns": f"arn:aws:iam::{ACCOUNT}:role/*",
            "ImageRepositories": f"{article.REGISTRY}/*,{PUBLIC_IMAGES}",
            "AllowInlineProfiles": "ENABLED",
            "AppMesh": "ENABLED",
            "AnnouncementTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:{TOPIC}",
            "ReportBucket": REPORTS,
            "SlackSecretArn": SLACK_SECRET,
            "SlackChannel": slack.CHANNEL,
            "SlackTeamId": slack.TEAM,
        }
        parameters = template.settings(**given)
        self.client("ssm").put_parameter(Name=SETTINGS, Type="String", Value=parameters)
        self.client("dynamodb").create_table(TableName=TABLE, **template.ledger_schema())
        self.machine = self.client("stepfunctions").create_state_machine(
            name=template.machine_name(),
            definition=template.definition(),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/stepcanary-release",
        )["stateMachineArn"]
        outputs.describe(self.client, given, machine=self.machine, ledger=TABLE)
