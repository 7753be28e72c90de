"""Runs the real definition and handlers on moto's engine, against the fake cloud."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws

from canary import clock as canary_clock
from canary.aws import clients
from sandbox import stack, workflow
from tests.builders import PROFILE
from tests.fakes.cloud import Cloud, VirtualClock

FACTORIES = ("appmesh", "cloudwatch", "ecs", "servicediscovery", "ssm")


@dataclass(frozen=True)
class Outcome:
    """`state` is the terminal state's name; `path` the states entered, in order."""

    status: str
    state: str
    cause: str
    path: list[str]
    events: int


class World:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.cloud = Cloud(self.clock)
        self.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(PROFILE)
        self.handlers = stack.handlers()

    def start(self, request: Any, name: str = "release-1") -> str:
        arn: str = self._sfn.start_execution(
            stateMachineArn=self._machine, name=name, input=json.dumps(request)
        )["executionArn"]
        return arn

    def wait(self, arn: str) -> Outcome:
        for _ in range(3000):
            execution = self._sfn.describe_execution(executionArn=arn)
            if execution["status"] != "RUNNING":
                break
            time.sleep(0.005)
        else:
            raise AssertionError(f"{arn} did not end")
        history = self._sfn.get_execution_history(executionArn=arn)["events"]
        path = [
            e["stateEnteredEventDetails"]["name"]
            for e in history
            if e["type"].endswith("StateEntered")
        ]
        return Outcome(
            execution["status"], path[-1], execution.get("cause", ""), path, len(history)
        )

    def settle(self, arn: str) -> None:
        """Wait from inside a handler until another execution has ended."""
        self.wait(arn)

    def release(self, request: Any, name: str = "release-1") -> Outcome:
        return self.wait(self.start(request, name))

    def ledger(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = clients.dynamodb().scan(TableName="ledger")["Items"]
        return items

    def _open(self) -> None:
        self._sfn = boto3.client("stepfunctions", region_name="us-east-1")
        self._machine = self._sfn.create_state_machine(
            name=stack.machine_name(),
            definition=stack.definition(),
            roleArn="arn:aws:iam::123456789012:role/release",
        )["stateMachineArn"]
        clients.dynamodb().create_table(TableName="ledger", **stack.ledger_schema())


@contextmanager
def world() -> Iterator[World]:
    here = World()
    with ExitStack() as opened:
        opened.enter_context(mock_aws())
        for name in (*FACTORIES, "dynamodb", "stepfunctions"):
            getattr(clients, name).cache_clear()
        for name in FACTORIES:
            here.cloud.attach(getattr(clients, name)())
        opened.enter_context(patch.object(canary_clock, "now", here.clock.now))
        opened.enter_context(workflow.engine(here.handlers, sleep=here.clock.sleep))
        here._open()
        yield here
