"""EventBridge: events, rules that match them, and the bus that invokes the rules' functions."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.events.models import EventPattern

from emulator.account import ACCOUNT, REGION
from emulator.awslambda import RETRY_SECONDS, Asynchronous, Later

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """`path` is the rule's InputPath: `$.detail` or all of the event. `retries` is how often Lambda
    calls the function again that has failed on the event."""

    function: str
    pattern: Event
    path: str | None = None
    retries: int = len(RETRY_SECONDS)

    def input_for(self, event: Event) -> Any:
        """What the function gets; None where the pattern does not match."""
        pattern: Any = EventPattern(None, self.pattern)
        if not pattern.matches_event(event):
            return None
        return event["detail"] if self.path == "$.detail" else event


class Bus:
    """The default event bus: each matching rule's function is invoked, as Lambda would."""

    def __init__(
        self, rules: list[Rule], invoke: Callable[[str, Event], Any], later: Later
    ) -> None:
        self._rules, self.functions = rules, Asynchronous(invoke, later)

    def put(self, source: str, detail_type: str, detail: Event, resources: Any = ()) -> None:
        self.deliver(event_of(source, detail_type, detail, resources))

    def deliver(self, event: Event) -> None:
        """As it is, with the id that it has: the second time as the first."""
        for rule in self._rules:
            given = rule.input_for(event)
            if given is not None:
                self.functions.invoke(rule.function, given, retries=rule.retries)


def alarm_detail(name: str, before: str, state: str, reason: str, at: datetime) -> Event:
    """The detail of a `CloudWatch Alarm State Change`."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
    return {
        "alarmName": name,
        "state": {"value": state, "reason": reason, "reasonData": "{}", "timestamp": stamp},
        "previousState": {"value": before, "reason": "", "timestamp": stamp},
        "configuration": {"metrics": []},
    }


def execution_detail(arn: str, machine: str, status: str) -> Event:
    """The detail of a `Step Functions Execution Status Change`."""
    return {
        "executionArn": arn,
        "stateMachineArn": machine,
        "name": arn.rsplit(":", 1)[-1],
        "status": status,
    }


def event_of(source: str, detail_type: str, detail: Event, resources: Any = ()) -> Event:
    """An event as EventBridge delivers it."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "source": source,
        "detail-type": detail_type,
        "account": ACCOUNT,
        "region": REGION,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resources": list(resources),
        "detail": detail,
    }
