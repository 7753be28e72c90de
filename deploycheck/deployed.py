"""Deployed: the sandbox's environment with the stack as it is deployed."""

import json
from pathlib import Path
from typing import Any

import boto3
from moto.cloudwatch.models import Alarm

from deploycheck import stack
from deploycheck.ministack import MiniStack
from emulator import template
from emulator.account import REGION
from emulator.awslambda import Asynchronous
from emulator.events import alarm_detail
from emulator.moto_gaps import logs
from emulator.moto_gaps.awslambda import alias_arn
from sandbox.cloud import LOGS, Sandbox
from sandbox.demo.asking import ask
from sandbox.fronts.front import Front
from sandbox.timers import Timers

SANDBOX = {"application-autoscaling", "cloudwatch", "ec2", "ecs", "elbv2", "logs"}
"""What a user's services are made of; all else is the stack's, and MiniStack's."""


class Deployed(Sandbox):
    """While it is open, the `package` is deployed, if there is one; its functions run by
    themselves, by `python`. Without a front it has no service. `name` tells its logs from those of
    another that is open in another process."""

    def __init__(
        self, front: Front | None, package: Path | None, python: str, name: str = "scenarios"
    ) -> None:
        super().__init__(front, empty=front is None)
        self._package, self._python, self._name = package, python, name

    def client(self, service: str) -> Any:
        endpoint = self.endpoint if service in SANDBOX else self.ministack.endpoint
        return boto3.client(service, region_name=REGION, endpoint_url=endpoint)  # type: ignore[call-overload]

    def deploy(self, package: Path) -> None:
        stack.deploy(package, self.ministack.endpoint)

    def invoke(self, function: str, event: dict[str, Any]) -> None:
        """By its name in the template."""
        names = stack.resources(self.ministack.endpoint, "AWS::Lambda::Function")
        payload = json.dumps(event).encode()
        answer = self.client("lambda").invoke(FunctionName=names[function], Payload=payload)
        if "FunctionError" in answer:
            raise RuntimeError(f"{function} failed: {answer['Payload'].read().decode()}")

    def switch_rule(self, rule: str, on: bool) -> None:
        """By its name in the template."""
        name = stack.resources(self.ministack.endpoint, "AWS::Events::Rule")[rule]
        events = self.client("events")
        (events.enable_rule if on else events.disable_rule)(Name=name)

    def put_event(self, source: str, kind: str, detail: dict[str, Any], arn: str = "") -> None:
        entry = {
            "Source": source,
            "DetailType": kind,
            "Detail": json.dumps(detail),
            "Resources": [arn] if arn else [],
        }
        answer = self.client("events").put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise RuntimeError(f"the bus did not take an event of {source}: {answer['Entries']}")

    def schema(self, execution: str) -> int:
        """The schema number of a release's document."""
        key = {"pk": {"S": f"release#{execution.rsplit(':', 1)[-1]}"}, "sk": {"S": "document"}}
        item = self.client("dynamodb").get_item(TableName=self.table, Key=key)["Item"]
        return int(item["schema"]["N"])

    def thread(self, execution: str) -> list[str]:
        return []

    def counted(self, execution: str) -> dict[str, tuple[int, int]]:
        """As the stack's own function answers, since the ledger is not in this process."""
        picture = ask(self, {"question": "show", "release": execution})["picture"]
        return {m["metric"]: (m["canary"], m["canary_bad"]) for m in picture["metrics"]}

    def toll(self, execution: str) -> dict[str, tuple[int, int]]:
        """What the ledger says that a release has cost, by metric, once it is counted for good:
        requests of the canary, and bad answers."""
        key = {"pk": {"S": f"release#{execution.rsplit(':', 1)[-1]}"}, "sk": {"S": "toll"}}
        answer = self.client("dynamodb").get_item(TableName=self.table, Key=key)
        item = answer.get("Item", {"final": {"BOOL": False}})
        if not item["final"]["BOOL"]:
            return {}
        counts = {metric: each["L"] for metric, each in item["toll"]["M"].items()}
        return {m: (int(requests["N"]), int(bad["N"])) for m, (requests, bad) in counts.items()}

    def _open_stack(self) -> None:
        self.ministack = self._opened.enter_context(
            MiniStack(self.endpoint, self._python, self._name)
        )
        if self._package is None:
            return
        self.client("s3").create_bucket(Bucket=stack.REPORTS)
        self.deploy(self._package)
        outputs = stack.outputs(self.ministack.endpoint)
        self.machine, self.table = outputs["ReleaseStateMachineArn"], outputs["LedgerTableName"]
        timers = Timers()
        self._opened.callback(timers.close)
        deliveries = logs.Deliveries(Asynchronous(self._deliver, timers.later), self._log_delay)
        self._opened.enter_context(logs.filled(template.invocable_by(LOGS), deliveries.deliver))

    def _deliver(self, function: str, event: dict[str, Any]) -> None:
        """As CloudWatch Logs invokes what a filter names; Lambda tries it again if it fails."""
        arns = {each.name: alias_arn(each) for each in template.functions()}
        payload = json.dumps(event).encode()
        invocation = {"FunctionName": arns[function], "InvocationType": "Event", "Payload": payload}
        self.client("lambda").invoke(**invocation)

    def _open_schedules(self) -> None:
        # The schedules are the stack's own.
        if self._package:
            self._opened.callback(self._stop_releases)

    def _publish_alarm(self, alarm: Alarm, before: str) -> None:
        at = alarm.state_updated_timestamp
        detail = alarm_detail(alarm.name, before, alarm.state_value, alarm.state_reason, at)
        self.put_event("aws.cloudwatch", "CloudWatch Alarm State Change", detail, alarm.alarm_arn)
