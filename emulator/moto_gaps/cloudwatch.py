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

from stepcanary.domain.alarm_rule import AlarmRule, parse_rule

OnChange = Callable[[Alarm, str], None]
METRIC, COMPOSITE, LOG = "MetricAlarm", "CompositeAlarm", "LogAlarm"
MOST_RECORDS = 100
LOG_SETTINGS = {
    "ScheduledQueryConfiguration": "scheduled_query_configuration",
    "QueryResultsToEvaluate": "query_results_to_evaluate",
    "QueryResultsToAlarm": "query_results_to_alarm",
}
"""What a log alarm has that no other one has, and what it is called here."""

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
        """AWS: answers alarms of the types that AlarmTypes names. moto: has no log alarms, and
        always answers the others."""
        answer = describe(self)
        described: Any = answer.result
        every = [*described["MetricAlarms"], *described["CompositeAlarms"]]
        wanted = self._get_param("AlarmTypes") or [METRIC]
        for kind in (METRIC, COMPOSITE, LOG):
            named = kind in wanted
            described[f"{kind}s"] = [a for a in every if named and type_of(a) == kind]
        return answer

    def put_composite_alarm(self: CloudWatchResponse) -> ActionResult:
        """AWS: has composite alarms, whose rule must name existing alarms. moto: lacks the call."""
        backend, name = self.cloudwatch_backend, self._get_param("AlarmName")
        children = _rule(self._get_param("AlarmRule")).children
        if unknown := sorted(children - backend.alarms.keys()):
            raise ValidationError(f"AlarmRule names no existing alarm: {', '.join(unknown)}")
        with lock:
            answer = self.put_metric_alarm()
            evaluate_composites(backend, None, f"{name} was created", only=name)
        return answer

    def put_log_alarm(self: CloudWatchResponse) -> ActionResult:
        """AWS: has log alarms, whose results a query brings. moto: lacks the call. No query is ever
        run here, so the alarm is in whatever state it is set to."""
        answer = self.put_metric_alarm()
        alarm: Any = self.cloudwatch_backend.alarms[self._get_param("AlarmName")]
        for key, attribute in LOG_SETTINGS.items():
            setattr(alarm, attribute, self._get_param(key))
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
            put_log_alarm=put_log_alarm,
            describe_alarm_history=describe_alarm_history,
        ),
    ):
        yield


def type_of(alarm: Any) -> str:
    if alarm.rule is not None:
        return COMPOSITE
    return LOG if hasattr(alarm, "scheduled_query_configuration") else METRIC


def fail_evaluation(backend: CloudWatchBackend, name: str, evaluation: str, reason: str) -> None:
    """AWS: says so where it cannot evaluate an alarm, and keeps its state. moto: evaluates none."""
    alarm: Any = backend.alarms[name]
    alarm.evaluation_state, alarm.state_reason = evaluation, reason


def _rule(text: str) -> AlarmRule:
    try:
        return parse_rule(text)
    except ValueError as error:
        raise ValidationError(str(error)) from error


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
            "AlarmType": type_of(alarm),
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
        rule = _rule(alarm.rule)
        if child in rule.children or alarm.name == only:
            met = rule.condition(lambda name, state: state_of(name) == state)
            state = "ALARM" if met else "OK"
            if state != alarm.state_value:
                backend.set_alarm_state(alarm.name, reason, "{}", state)
