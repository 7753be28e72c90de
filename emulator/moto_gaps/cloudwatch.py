"""CloudWatch: the life of an alarm between two states, its history, and composite alarms."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from emulator.moto_gaps.alarm_rule import parse_rule

OnChange = Callable[[Alarm, str], None]
METRIC, COMPOSITE = "MetricAlarm", "CompositeAlarm"
MOST_RECORDS = 100

lock = threading.RLock()


@contextmanager
def filled(on_change: OnChange) -> Iterator[None]:
    """`on_change` gets each alarm that has changed and its state before, whoever changed it."""
    init, describe = Alarm.__init__, CloudWatchResponse.describe_alarms
    set_state = CloudWatchBackend.set_alarm_state

    def init_without_data(self: Any, *args: Any, **kwargs: Any) -> None:
        """AWS: an alarm has no data at first. moto: it is OK."""
        init(self, *args, **kwargs)
        self.state_value = "INSUFFICIENT_DATA"
        self.state_transitioned_timestamp = self.state_updated_timestamp

    def set_alarm_state(
        self: CloudWatchBackend, alarm_name: str, reason: str, reason_data: str, state_value: str
    ) -> None:
        """AWS: tells EventBridge and the composite alarms of a change. moto: tells nobody."""
        with lock:
            known = self.alarms.get(alarm_name)
            before = known.state_value if known else ""
            set_state(self, alarm_name, reason, reason_data, state_value)
            alarm: Any = self.alarms[alarm_name]
            if before == state_value:
                return
            alarm.state_transitioned_timestamp = alarm.state_updated_timestamp
            on_change(alarm, before)
            reason = f"{alarm.alarm_arn} transitioned to {state_value}"
            evaluate_composites(self, alarm_name, reason)

    def describe_alarms(self: CloudWatchResponse) -> ActionResult:
        """AWS: answers composite alarms only if AlarmTypes names them. moto: always."""
        answer = describe(self)
        if COMPOSITE not in (self._get_param("AlarmTypes") or [METRIC]):
            described: Any = answer.result
            described["CompositeAlarms"] = []
        return answer

    def put_composite_alarm(self: CloudWatchResponse) -> ActionResult:
        """AWS: has composite alarms, whose rule must name existing alarms. moto: lacks the call."""
        backend, name = self.cloudwatch_backend, self._get_param("AlarmName")
        _, children = parse_rule(self._get_param("AlarmRule"))
        if unknown := sorted(children - backend.alarms.keys()):
            raise ValidationError(f"AlarmRule names no existing alarm: {', '.join(unknown)}")
        with lock:
            answer = self.put_metric_alarm()
            evaluate_composites(backend, None, f"{name} was created", only=name)
        return answer

    def describe_alarm_history(self: CloudWatchResponse) -> ActionResult:
        """AWS: keeps a history of each alarm, answered in pages. moto: lacks the call."""
        items = _history(self)
        first = int(self._get_param("NextToken") or 0)
        last = first + int(self._get_param("MaxRecords") or MOST_RECORDS)
        answer: dict[str, Any] = {"AlarmHistoryItems": items[first:last]}
        if last < len(items):
            answer["NextToken"] = str(last)
        return ActionResult(answer)

    with (
        patch.object(Alarm, "__init__", init_without_data),
        patch.object(CloudWatchBackend, "set_alarm_state", set_alarm_state),
        patch.multiple(
            CloudWatchResponse,
            create=True,
            describe_alarms=describe_alarms,
            put_composite_alarm=put_composite_alarm,
            describe_alarm_history=describe_alarm_history,
        ),
    ):
        yield


def _history(response: CloudWatchResponse) -> list[dict[str, Any]]:
    """The items that a request selects; only changes of state are kept here."""
    name, start, end = (response._get_param(key) for key in ("AlarmName", "StartDate", "EndDate"))
    types = response._get_param("AlarmTypes") or [METRIC]
    if response._get_param("HistoryItemType") not in (None, "StateUpdate"):
        return []
    items = [
        item
        for alarm in list(response.cloudwatch_backend.alarms.values())
        if name in (None, alarm.name)
        for item in changes(alarm)
        if item["AlarmType"] in types
        and (start is None or item["Timestamp"] >= _utc(start))
        and (end is None or item["Timestamp"] <= _utc(end))
    ]
    newest_first = response._get_param("ScanBy") != "TimestampAscending"
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
