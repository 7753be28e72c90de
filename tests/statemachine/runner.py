"""Runs the real definition and handlers on moto's engine, against the fake cloud.

Time is virtual. EventBridge is there too: an alarm that fires and an execution that ends reach the
functions whose rules match, and the schedule calls its function every minute.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

import boto3
from moto import mock_aws
from moto.core import models as moto_models

from emulator import shortcut, template, workflow
from emulator.awslambda import Asynchronous, Invoker, Throttled
from emulator.clients import forget_clients
from emulator.events import Bus, alarm_detail, execution_detail
from stepcanary import clock as canary_clock
from stepcanary.aws import clients, roles
from stepcanary.domain.outcome import Outcome as LedgerOutcome
from stepcanary.domain.questions import function_of
from stepcanary.domain.signals import Signal
from stepcanary.release import log_counting
from stepcanary.store import leases, ledger, table
from stepcanary.store.table import Put
from tests.builders import PROFILE
from tests.fakes import parameters
from tests.fakes.clock import VirtualClock
from tests.fakes.cloud import Cloud, serve

FROM_MOTO = ("dynamodb", "events", "s3", "stepfunctions")
FACTORIES = (
    "appmesh",
    "autoscaling",
    "awslambda",
    "cloudformation",
    "cloudwatch",
    "ecs",
    "elbv2",
    "logs",
    "patient_lambda",
    "secretsmanager",
    "servicediscovery",
    "sns",
    "ssm",
    "sts",
    "vpc_lattice",
)
ENDED_BADLY = ("FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True)
class Outcome:
    """`state` is the terminal state's name; `path` the states entered, in order."""

    status: str
    state: str
    cause: str
    path: list[str]
    events: int


def name_of(document: dict[str, Any]) -> str:
    """Of the execution whose release it is."""
    return str(document["pk"]["S"]).removeprefix("release#")


def forget_tasks() -> None:
    """A task of the same id was of another world's service."""
    log_counting._service_task.cache_clear()
    log_counting._unknown.clear()


class World:
    def __init__(self) -> None:
        forget_tasks()
        self.clock = VirtualClock()
        self.cloud = Cloud(self.clock)
        self.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(PROFILE)
        self.cloud.on_alarm = self._tell_of_alarm
        self.cloud.on_ask = self._answer
        self.cloud.on_lines = self.deliver_lines
        self.handlers = template.handlers()
        self.lost: set[str] = set()
        self.ended: dict[str, threading.Event] = {}
        self.bus = Bus(template.rules(**template.OPEN), self.deliver, self.clock.after)
        self.invoker = Invoker(self.handlers)
        self._asynchronous = Asynchronous(
            self._deliver_unless_throttled, self.clock.after, template.oldest_events()
        )

    def invoke(self, function: str, event: Any) -> Any:
        """As EventBridge or a person would: straight to the function."""
        return self.invoker.call(function, event)

    def deliver_lines(self, event: Any) -> None:
        """As CloudWatch Logs calls its subscriber, without waiting for an answer."""
        self._asynchronous.invoke("CountRequestsFunction", event)

    def _deliver_unless_throttled(self, function: str, event: Any) -> Any:
        if self.cloud.throttled:
            raise Throttled
        return self.deliver(function, event)

    def _answer(self, function: str, event: Any) -> Any:
        """As a function that waits for another one's answer gets it."""
        assert function == function_of(template.machine_arn())
        return self.invoke("AnswerQuestionFunction", event)

    def ask(self, question: str, **more: Any) -> Any:
        """The answer to a question. Raises `AssertionError` with the cause where there is none."""
        answered = self.invoke("AnswerQuestionFunction", {"question": question, **more})
        assert answered["accepted"], answered["cause"]
        return answered["answer"]

    def deliver(self, function: str, event: Any) -> Any:
        """What EventBridge does with an event; the ones for functions in `lost` never arrive."""
        return None if function in self.lost else self.invoke(function, event)

    def signal(self, kind: str, service: str = "checkout", by: str = "test") -> Any:
        return self.invoke("SignalReleaseFunction", {"service": service, "signal": kind, "by": by})

    def _tell_of_alarm(self, name: str, before: str, state: str) -> None:
        detail = alarm_detail(name, before, state, "Threshold Crossed: 9 > 3", self.clock.now())
        self.bus.put("aws.cloudwatch", "CloudWatch Alarm State Change", detail)

    def tell_of_end(self, arn: str, status: str) -> None:
        detail = execution_detail(arn, self.machine, status)
        self.bus.put("aws.states", "Step Functions Execution Status Change", detail)

    def pass_minutes(self, minutes: int) -> None:
        """Let the schedule do its work."""
        for _ in range(minutes):
            self.clock.sleep(60)
            for function in template.schedules():
                self.deliver(function, {"id": "schedule", "detail-type": "Scheduled Event"})

    def start(self, request: Any, name: str = "release-1") -> str:
        arn: str = self.sfn.start_execution(
            stateMachineArn=self.machine, name=name, input=json.dumps(request)
        )["executionArn"]
        return arn

    def arn(self, name: str) -> str:
        """Of an execution."""
        return f"{self.machine.replace(':stateMachine:', ':execution:')}:{name}"

    def stop(self, arn: str) -> None:
        self.sfn.stop_execution(executionArn=arn)

    def end_all(self) -> None:
        """Stop what still runs."""
        pages = self.sfn.get_paginator("list_executions").paginate(
            stateMachineArn=self.machine, statusFilter="RUNNING"
        )
        for arn in [each["executionArn"] for page in pages for each in page["executions"]]:
            self.stop(arn)
            self.end_of(arn).wait(10)

    def start_and_stop(self, request: Any, name: str, seconds: float) -> str:
        """An execution that an operator stops after so long."""
        arn = self.arn(name)
        self.clock.after(seconds, lambda: self.stop(arn))
        return self.start(request, name)

    def end_of(self, arn: str) -> threading.Event:
        """Set once the execution has ended and whoever is to hear of it was told.

        Its status says so a moment before: who looked at that would be ahead of the event.
        """
        return self.ended.setdefault(arn, threading.Event())

    def wait(self, arn: str) -> Outcome:
        if not self.end_of(arn).wait(60):
            raise AssertionError(f"{arn} did not end")
        execution = self.sfn.describe_execution(executionArn=arn)
        history = self.sfn.get_execution_history(executionArn=arn)["events"]
        path = [
            e["stateEnteredEventDetails"]["name"]
            for e in history
            if e["type"].endswith("StateEntered")
        ]
        return Outcome(
            execution["status"], path[-1], execution.get("cause", ""), path, len(history)
        )

    def release(self, request: Any, name: str = "release-1") -> Outcome:
        return self.wait(self.start(request, name))

    def ledger(self) -> list[dict[str, Any]]:
        """All items but the turn that each request takes when it is started."""
        pages = clients.dynamodb().get_paginator("scan").paginate(TableName="ledger")
        items: list[dict[str, Any]] = [item for page in pages for item in page["Items"]]
        return [item for item in items if item["pk"]["S"] != "starts"]

    def steal(self, outcome: LedgerOutcome | None) -> None:
        """The lease goes to nobody; with an outcome, the ledger says that help closed it."""
        (held,) = leases.held()
        release = leases.release_of(held)
        if outcome:
            ledger.record(release, outcome, "by help from outside")
        leases.free(held, release)

    def lease(self) -> dict[str, Any]:
        """The split's lease as DynamoDB keeps it; empty before the first release."""
        return next(iter(self.leases()), {})

    def leases(self) -> list[dict[str, Any]]:
        return [item for item in self.ledger() if item["sk"]["S"] == "lease"]

    def forget_content(self, name: str) -> None:
        """As a release that began on a version of this stack which noted none."""
        key = ledger._document_key(self.arn(name))
        item = table.get(key)
        assert item is not None
        release = json.loads(item["release"])
        release["primary"]["content"] = {}
        table.put(Put(key, {**item, "release": json.dumps(release)}))

    def documents(self) -> list[dict[str, Any]]:
        """Those of releases that have begun."""
        found = [item for item in self.ledger() if item["sk"]["S"] == "document"]
        return [item for item in found if "outcome" in item]

    def left_behind(self) -> list[str]:
        """What still finds a lease: nothing, once all releases are over."""
        found_by = ("held", "alarm#", "ecs#")
        return [
            f"{item['pk']['S']} {item['sk']['S']}"
            for item in self.ledger()
            if item["pk"]["S"].startswith(found_by) or item["sk"]["S"].startswith("running#")
        ]

    def signals(self, name: str) -> list[str]:
        """The signals that the release accepted, as `promote by jane`."""
        events = ledger.story(self.arn(name)).events
        told = [event["signal"] for event in events if event["kind"] == "signal"]
        return [str(Signal.model_validate(signal)) for signal in told]

    def records(self) -> dict[str, str]:
        """Outcome by execution name."""
        return {name_of(item): item["outcome"]["S"] for item in self.documents()}

    def causes(self) -> dict[str, str]:
        """What each ended with, by execution name."""
        return {name_of(item): item["cause"]["S"] for item in self.documents()}

    def open(self) -> None:
        self.sfn = operator()
        self.machine: str = self.sfn.create_state_machine(
            name=template.machine_name(),
            definition=template.definition(),
            roleArn="arn:aws:iam::123456789012:role/release",
        )["stateMachineArn"]
        clients.dynamodb().create_table(TableName="ledger", **template.ledger_schema())

    def set_parameters(self, **changed: str) -> None:
        """Somebody updates the stack, whose parameters allow all that a test does."""
        self.cloud.parameters[parameters.NAME] = parameters.settings(**changed)


_open: list[World] = []
"""The worlds that are open; the last one answers."""


@cache
def kept_clients() -> dict[str, Any]:
    """The functions' clients. To make them costs more than most releases, so worlds share them.

    moto answers whichever client was made after it was imported, in the world that is open.
    """
    made = {name: getattr(clients, name).__wrapped__() for name in (*FACTORIES, *FROM_MOTO)}
    for name in FACTORIES:
        serve(made[name], lambda: _open[-1].cloud)
    shortcut.shorten(made["dynamodb"])
    return made


@cache
def operator() -> Any:
    """The client of whoever starts and stops executions; what listens to the functions' does not
    hear it."""
    client = boto3.client("stepfunctions", region_name="us-east-1")
    shortcut.shorten(client)
    return client


@contextmanager
def listening(event: str, hear: Callable[..., Any], *, first: bool = False) -> Iterator[None]:
    """Let it hear this event of every client of the functions."""
    emitters = [client.meta.events for client in kept_clients().values()]
    for emitter in emitters:
        (emitter.register_first if first else emitter.register)(event, hear)
    try:
        yield
    finally:
        for emitter in emitters:
            emitter.unregister(event, hear)


@contextmanager
def world(here: World | None = None) -> Iterator[World]:
    here = here or World()
    with opened_world(here, lambda _arn, _status: None):
        yield here


@contextmanager
def opened_world(here: World, on_end: Callable[[str, str], None]) -> Iterator[None]:
    with ExitStack() as opened:
        # Nothing here calls AWS but by boto3, so moto need not hear each `requests` as well.
        opened.enter_context(patch.object(moto_models, "RESPONSES_METHODS", []))
        opened.enter_context(mock_aws())
        forget_clients()
        roles.forget()
        for name, client in kept_clients().items():
            opened.enter_context(patch.object(clients, name, lambda client=client: client))
        _open.append(here)
        opened.callback(_open.remove, here)
        opened.enter_context(patch.object(canary_clock, "now", here.clock.now))
        opened.enter_context(patch.object(canary_clock, "sleep", here.clock.sleep))

        def ended(arn: str, status: str) -> None:
            if status in ENDED_BADLY:
                here.tell_of_end(arn, status)
            on_end(arn, status)
            here.end_of(arn).set()

        opened.enter_context(workflow.engine(here.handlers, here.clock, ended))
        here.open()
        # An execution that went on would tell the next world of its end.
        opened.callback(here.end_all)
        yield
