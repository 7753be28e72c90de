"""EventBridge for the sandbox: the template's rules, and their functions as real targets."""

import json
import logging
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.events.models import EventPattern, EventsBackend

Event = dict[str, Any]
Later = Callable[[float, Callable[[], None]], None]
# Lambda calls a function again twice when it fails on an event.
RETRY_SECONDS = (60.0, 120.0)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rule:
    """`path` is the rule's InputPath: `$.detail` or all of the event."""

    function: str
    pattern: Event
    path: str | None = None

    def input_for(self, event: Event) -> Any:
        """What the function gets; None where the pattern does not match."""
        pattern: Any = EventPattern(None, self.pattern)
        if not pattern.matches_event(event):
            return None
        return event["detail"] if self.path == "$.detail" else event


class Timers:
    """Lets actions happen later, each on a thread of its own, until it is closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._timers: set[threading.Timer] = set()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        def run() -> None:
            try:
                action()
            finally:
                with self._lock:
                    self._timers.discard(timer)

        timer = threading.Timer(seconds, run)
        timer.daemon = True
        with self._lock:
            if not self._closed:
                self._timers.add(timer)
                timer.start()

    def close(self) -> None:
        """What has begun is waited for; what would come later never does."""
        with self._lock:
            self._closed = True
            timers = list(self._timers)
        for timer in timers:
            timer.cancel()
        for timer in timers:
            timer.join(10)


class Bus:
    """The default event bus: each matching rule's function is invoked, as Lambda would."""

    def __init__(
        self, rules: list[Rule], invoke: Callable[[str, Event], Any], later: Later
    ) -> None:
        self._rules, self._invoke, self._later = rules, invoke, later

    def put(self, source: str, detail_type: str, detail: Event, resources: Any = ()) -> None:
        self.deliver(_event(source, detail_type, detail, resources))

    def deliver(self, event: Event) -> None:
        """As it is, with the id that it has: the second time as the first."""
        for rule in self._rules:
            given = rule.input_for(event)
            if given is not None:
                self._deliver(rule.function, given, RETRY_SECONDS)

    def _deliver(self, function: str, event: Event, retries: tuple[float, ...]) -> None:
        def call() -> None:
            try:
                self._invoke(function, event)
            except Exception:
                log.exception("%s failed on an event", function)
                if retries:
                    self._later(retries[0], lambda: self._deliver(function, event, retries[1:]))

        self._later(0.0, call)


def _event(source: str, detail_type: str, detail: Event, resources: Any = ()) -> Event:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "source": source,
        "detail-type": detail_type,
        "account": "123456789012",
        "region": "us-east-1",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resources": list(resources),
        "detail": detail,
    }


class Schedule:
    """Calls functions again and again, as a rule with a rate does."""

    def __init__(
        self, functions: list[str], invoke: Callable[[str, Event], Any], seconds: float
    ) -> None:
        self._functions, self._invoke, self._seconds = functions, invoke, seconds
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        while not self._closing.wait(self._seconds):
            for function in self._functions:
                try:
                    self._invoke(function, _event("aws.events", "Scheduled Event", {}))
                except Exception:
                    log.exception("%s failed on its schedule", function)


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


def install(bus: Bus) -> Callable[[], None]:
    """Let events that any client puts into moto reach the bus; the answer takes it back."""
    before = EventsBackend.put_events

    def put_events(self: EventsBackend, events: list[Event]) -> list[Event]:
        answers = before(self, events)
        for event, answer in zip(events, answers, strict=True):
            if "EventId" in answer:
                detail = json.loads(event["Detail"])
                bus.put(event["Source"], event["DetailType"], detail, event.get("Resources", ()))
        return answers

    def restore() -> None:
        EventsBackend.put_events = before  # type: ignore[method-assign]

    EventsBackend.put_events = put_events  # type: ignore[method-assign]
    return restore
