"""Alarms: their life between two states, which moto leaves out.

Holes of moto 5.2.5 that are filled while installed: an alarm begins in OK, nobody is told that one
changes, there is no history and there are no composite alarms.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

Change = Callable[[Alarm, str], None]
State = Callable[[str], str]
Condition = Callable[[State], bool]
METRIC, COMPOSITE = "MetricAlarm", "CompositeAlarm"
MOST_RECORDS = 100

lock = threading.RLock()


def install(on_change: Change = lambda _alarm, _before: None) -> Callable[[], None]:
    """Let moto's alarms live; the answer takes it back.

    `on_change` is told of each alarm that has changed, and its state before, whoever changed it.
    """
    alarm_init, describe = Alarm.__init__, CloudWatchResponse.describe_alarms
    set_state = CloudWatchBackend.set_alarm_state

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        alarm_init(self, *args, **kwargs)
        self.state_value = "INSUFFICIENT_DATA"
        self.state_transitioned_timestamp = self.state_updated_timestamp

    def set_alarm_state(
        self: CloudWatchBackend, alarm_name: str, reason: str, reason_data: str, state_value: str
    ) -> None:
        with lock:
            known = self.alarms.get(alarm_name)
            before = known.state_value if known else ""
            set_state(self, alarm_name, reason, reason_data, state_value)
            alarm: Any = self.alarms[alarm_name]
            if before == state_value:
                return
            alarm.state_transitioned_timestamp = alarm.state_updated_timestamp
            on_change(alarm, before)
            told = f"{alarm.alarm_arn} transitioned to {state_value}"
            evaluate_composites(self, alarm_name, told)

    def describe_alarms(self: CloudWatchResponse) -> ActionResult:
        answer = describe(self)
        if COMPOSITE not in (self._get_param("AlarmTypes") or [METRIC]):
            described: Any = answer.result
            described["CompositeAlarms"] = []
        return answer

    def put_composite_alarm(self: CloudWatchResponse) -> ActionResult:
        backend, name = self.cloudwatch_backend, self._get_param("AlarmName")
        _, children = parse_rule(self._get_param("AlarmRule"))
        if unknown := sorted(children - backend.alarms.keys()):
            raise ValidationError(f"AlarmRule names no existing alarm: {', '.join(unknown)}")
        with lock:
            answer = self.put_metric_alarm()
            evaluate_composites(backend, None, f"{name} was created", only=name)
        return answer

    def describe_alarm_history(self: CloudWatchResponse) -> ActionResult:
        items = _history(self)
        first = int(self._get_param("NextToken") or 0)
        last = first + int(self._get_param("MaxRecords") or MOST_RECORDS)
        answer: dict[str, Any] = {"AlarmHistoryItems": items[first:last]}
        if last < len(items):
            answer["NextToken"] = str(last)
        return ActionResult(answer)

    def restore() -> None:
        Alarm.__init__ = alarm_init  # type: ignore[method-assign]
        CloudWatchBackend.set_alarm_state = set_state  # type: ignore[method-assign]
        CloudWatchResponse.describe_alarms = describe  # type: ignore[method-assign]
        for added in (put_composite_alarm, describe_alarm_history):
            delattr(CloudWatchResponse, added.__name__)

    Alarm.__init__ = init  # type: ignore[method-assign]
    CloudWatchBackend.set_alarm_state = set_alarm_state  # type: ignore[method-assign]
    CloudWatchResponse.describe_alarms = describe_alarms  # type: ignore[method-assign]
    for added in (put_composite_alarm, describe_alarm_history):
        setattr(CloudWatchResponse, added.__name__, added)
    return restore


def _history(asked: CloudWatchResponse) -> list[dict[str, Any]]:
    """The items that were asked for; only changes of state are kept here."""
    name, start, end = (asked._get_param(key) for key in ("AlarmName", "StartDate", "EndDate"))
    types = asked._get_param("AlarmTypes") or [METRIC]
    if asked._get_param("HistoryItemType") not in (None, "StateUpdate"):
        return []
    items = [
        item
        for alarm in list(asked.cloudwatch_backend.alarms.values())
        if name in (None, alarm.name)
        for item in changes(alarm)
        if item["AlarmType"] in types
        and (start is None or item["Timestamp"] >= _utc(start))
        and (end is None or item["Timestamp"] <= _utc(end))
    ]
    newest_first = asked._get_param("ScanBy") != "TimestampAscending"
    return sorted(items, key=lambda item: item["Timestamp"], reverse=newest_first)


def changes(alarm: Alarm) -> Iterator[dict[str, Any]]:
    """The alarm's changes of state, oldest first, as items of its history."""
    # moto keeps (type, reason, reason data, state, time) of every state but the present one.
    kept = [(state, reason, at) for _, reason, _, state, at in alarm.history]
    kept.append((alarm.state_value, alarm.state_reason, alarm.state_updated_timestamp))
    for (old, old_reason, _), (new, reason, at) in pairwise(kept):
        if old == new:
            continue
        data = {
            "version": "1.0",
            "oldState": {"stateValue": old, "stateReason": old_reason},
            "newState": {"stateValue": new, "stateReason": reason},
        }
        yield {
            "AlarmName": alarm.name,
            "AlarmType": METRIC if alarm.rule is None else COMPOSITE,
            "Timestamp": _utc(at),
            "HistoryItemType": "StateUpdate",
            "HistorySummary": f"Alarm updated from {old} to {new}",
            "HistoryData": json.dumps(data),
        }


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def evaluate_composites(
    backend: CloudWatchBackend, child: str | None, reason: str, *, only: str | None = None
) -> None:
    """Bring the composite alarms that name `child`, or one of them alone, to their state."""

    def state_of(name: str) -> str:
        alarm = backend.alarms.get(name)
        return alarm.state_value if alarm else "INSUFFICIENT_DATA"

    for alarm in list(backend.alarms.values()):
        if alarm.rule is None:
            continue
        condition, children = parse_rule(alarm.rule)
        if child in children or alarm.name == only:
            state = "ALARM" if condition(state_of) else "OK"
            if state != alarm.state_value:
                backend.set_alarm_state(alarm.name, reason, "{}", state)


TOKENS = re.compile(
    r"""\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"(?P<quoted>[^"]+)"|(?P<bare>[^\s"()]+))\s*\)
    |(?P<word>AND\b|OR\b|NOT\b|TRUE\b|FALSE\b|[()]))\s*""",
    re.VERBOSE,
)


def parse_rule(rule: str) -> tuple[Condition, set[str]]:
    """An AlarmRule as a condition on its children's states, and their names."""
    reader = _Rule(rule)
    condition = reader.any()
    reader.expect("")
    return condition, reader.children


class _Rule:
    """Reads a rule from left to right; NOT binds tightest, then AND, then OR."""

    def __init__(self, rule: str) -> None:
        self._rule, self._at = rule, 0
        self.children: set[str] = set()

    def any(self) -> Condition:
        parts = [self.all()]
        while self._took("OR"):
            parts.append(self.all())
        return lambda state: any(part(state) for part in parts)

    def all(self) -> Condition:
        parts = [self.one()]
        while self._took("AND"):
            parts.append(self.one())
        return lambda state: all(part(state) for part in parts)

    def one(self) -> Condition:
        if self._took("NOT"):
            inner = self.one()
            return lambda state: not inner(state)
        if self._took("("):
            inner = self.any()
            self.expect(")")
            return inner
        for word in ("TRUE", "FALSE"):
            if self._took(word):
                return lambda _state: word == "TRUE"
        return self._child()

    def _child(self) -> Condition:
        found = TOKENS.match(self._rule, self._at)
        if found is None or found["state"] is None:
            raise self._error()
        self._at = found.end()
        wanted = found["state"]
        name = (found["quoted"] or found["bare"]).rpartition(":alarm:")[2]
        self.children.add(name)
        return lambda state: state(name) == wanted

    def _took(self, word: str) -> bool:
        found = TOKENS.match(self._rule, self._at)
        if found is None or found["word"] != word:
            return False
        self._at = found.end()
        return True

    def expect(self, word: str) -> None:
        if not (self._took(word) if word else self._at == len(self._rule)):
            raise self._error()

    def _error(self) -> ValidationError:
        return ValidationError(f"AlarmRule is wrong at {self._rule[self._at :][:40]!r}")
