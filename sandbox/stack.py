"""Stack: what template.yaml declares for those who operate it, so that the runbook finds it here.

Its log group, queues, alarms, rules and dashboard. What runs, the functions and the state machine,
is elsewhere.
"""

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from moto.logs.models import logs_backends

from emulator import dashboard, template
from emulator.account import ACCOUNT, REGION
from sandbox.fronts.front import ClientOf, Json

NAME = "stepcanary"
LOG_GROUP = f"/aws/lambda/{NAME}"
ELSEWHERE = {"AlarmActions", "OKActions", "Tags", "KmsKeyId", "RetentionInDays"}
"""Properties that name what is not here, or what means nothing here."""


def create(client: ClientOf) -> None:
    """Make what the template declares, named as a stack of this name would name it."""
    for logical, resource in template.document()["Resources"].items():
        properties = _filled(resource.get("Properties", {}))
        match resource["Type"]:
            case "AWS::Logs::LogGroup":
                client("logs").create_log_group(logGroupName=properties["LogGroupName"])
            case "AWS::SQS::Queue":
                client("sqs").create_queue(QueueName=f"{NAME}-{logical}")
            case "AWS::CloudWatch::Alarm":
                client("cloudwatch").put_metric_alarm(**properties)
            case "AWS::CloudWatch::Dashboard":
                name, body = properties["DashboardName"], json.dumps(dashboard.body(NAME))
                client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=body)
            case "AWS::Serverless::Function":
                for event, declared in resource["Properties"].get("Events", {}).items():
                    _put_rule(client, f"{NAME}-{logical}{event}", declared)


def _put_rule(client: ClientOf, name: str, event: Json) -> None:
    """A rule to be looked at: what it starts is started without it."""
    properties = event["Properties"]
    if event["Type"] == "Schedule":
        client("events").put_rule(Name=name, ScheduleExpression=properties["Schedule"])
    elif event["Type"] == "EventBridgeRule":
        pattern = template.with_names(properties["Pattern"])
        client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))


def _filled(value: Any) -> Any:
    """A template's value with the stack's name in it, of a stack on which every condition holds."""
    if isinstance(value, str):
        return NAME if value == "AWS::StackName" else value.replace("${AWS::StackName}", NAME)
    if isinstance(value, list):
        # `!If` is read as a list.
        return [_filled(each[1] if isinstance(each, list) else each) for each in value]
    if isinstance(value, dict):
        return {name: _filled(each) for name, each in value.items() if name not in ELSEWHERE}
    return value


class ToLogGroup(logging.Handler):
    """Sends what functions log to their log group, each to a stream that has its name."""

    def __init__(self) -> None:
        super().__init__()
        self._logs = logs_backends[ACCOUNT][REGION]
        self._streams: set[str] = set()
        self._writing = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
            function = json.loads(line).get("function_name", "unknown")
            stream = f"{datetime.now(UTC):%Y/%m/%d}/{NAME}-{function}[1]"
            event = {"timestamp": int(time.time() * 1000), "message": line}
            with self._writing:
                if stream not in self._streams:
                    self._logs.create_log_stream(LOG_GROUP, stream)
                    self._streams.add(stream)
                self._logs.put_log_events(LOG_GROUP, stream, [event])
        except Exception:
            self.handleError(record)


@contextmanager
def logs_kept() -> Iterator[None]:
    """While it is open, what functions log is in their log group as well."""
    from stepcanary.observability import logger

    handler = ToLogGroup()
    handler.setFormatter(logger.registered_formatter)
    functions = logging.getLogger(logger.service)
    functions.addHandler(handler)
    try:
        yield
    finally:
        functions.removeHandler(handler)
