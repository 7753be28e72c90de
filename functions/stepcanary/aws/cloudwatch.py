"""CloudWatch: the alarms that judge a release, as they stand and as they stood."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from stepcanary import clock
from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.model import Document
from stepcanary.domain.verdict import Alarm

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.literals import AlarmTypeType

NAMES_PER_CALL = 100
# Without them a composite alarm is left out, as if it did not exist. See
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
TYPES: "list[AlarmTypeType]" = ["MetricAlarm", "CompositeAlarm"]


Described = dict[str, Document]
"""Alarms by name, as CloudWatch describes them."""


@aws_failures
def describe(names: list[str]) -> Described:
    """Metric and composite alarms; a name that CloudWatch does not know is simply absent."""
    found: Described = {}
    for first in range(0, len(names), NAMES_PER_CALL):
        answer = clients.cloudwatch().describe_alarms(
            AlarmNames=names[first : first + NAMES_PER_CALL],
            AlarmTypes=TYPES,
            MaxRecords=NAMES_PER_CALL,
        )
        for alarm in [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]:
            found[alarm["AlarmName"]] = cast("Document", alarm)
    return found


def describe_alarms(names: list[str], since: int | None) -> list[Alarm]:
    """Those of these alarms that there are; `since` as in `alarms_of`."""
    return alarms_of(describe(names), names, since)


@aws_failures
def alarms_of(described: Described, names: list[str], since: int | None) -> list[Alarm]:
    """The named ones among alarms that were described.

    With `since`, in epoch seconds, an alarm that changed after it is looked up in the history, so
    that one which fired and cleared again is seen.
    """
    return [_alarm(described[name], since) for name in names if name in described]


def _alarm(described: Any, since: int | None) -> Alarm:
    name, state = described["AlarmName"], described["StateValue"]
    reason = described.get("StateReason", "")
    if state == "ALARM":
        return Alarm(name, state, reason, fired=True)
    changed: datetime | None = described.get("StateTransitionedTimestamp")
    if since is None or (changed is not None and changed.timestamp() < since):
        return Alarm(name, state, reason)
    fired = _fired_since(name, since)
    return Alarm(name, state, fired or reason, fired=fired is not None)


def _fired_since(name: str, since: int) -> str | None:
    """When the alarm last went to ALARM, in words; None when it has not."""
    pages = (
        clients.cloudwatch()
        .get_paginator("describe_alarm_history")
        .paginate(
            AlarmName=name,
            AlarmTypes=TYPES,
            HistoryItemType="StateUpdate",
            StartDate=datetime.fromtimestamp(since, UTC),
            EndDate=clock.now(),
            ScanBy="TimestampDescending",
        )
    )
    for page in pages:
        for item in page["AlarmHistoryItems"]:
            change = json.loads(item.get("HistoryData") or "{}")
            if change.get("newState", {}).get("stateValue") == "ALARM":
                when = item["Timestamp"].strftime("%H:%M:%S UTC")
                return f"it fired at {when} and has cleared since"
    return None
