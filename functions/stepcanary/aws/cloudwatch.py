"""CloudWatch: the alarms that judge a release, as they stand and as they stood."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from stepcanary import clock
from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.alarms import Described, children_of, seen
from stepcanary.domain.model import Document
from stepcanary.domain.verdict import Alarm

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.literals import AlarmTypeType

NAMES_PER_CALL = 100
# A type that is not named is left out, as if its alarms did not exist. See
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
TYPES: "list[AlarmTypeType]" = ["MetricAlarm", "CompositeAlarm", "LogAlarm"]


@aws_failures
def describe(names: list[str]) -> Described:
    """Alarms of every type, with the children of the composite ones.

    A name that CloudWatch does not know is simply absent.
    """
    found: Described = {}
    asked: set[str] = set()
    wanted = names
    while wanted:
        asked.update(wanted)
        described = _describe(wanted)
        found |= described
        children = (child for alarm in described.values() for child in children_of(alarm))
        wanted = sorted(set(children) - asked)
    return found


def _describe(names: list[str]) -> Described:
    found: Described = {}
    for first in range(0, len(names), NAMES_PER_CALL):
        answer = clients.cloudwatch().describe_alarms(
            AlarmNames=names[first : first + NAMES_PER_CALL],
            AlarmTypes=TYPES,
            MaxRecords=NAMES_PER_CALL,
        )
        of_every_type = (
            answer.get("MetricAlarms", []),
            answer.get("CompositeAlarms", []),
            answer.get("LogAlarms", []),
        )
        for alarm in itertools.chain.from_iterable(of_every_type):
            found[alarm["AlarmName"]] = cast("Document", alarm)
    return found


def describe_alarms(names: list[str], since: int | None) -> list[Alarm]:
    """Those of these alarms that there are; `since` as in `alarms_of`."""
    return alarms_of(describe(names), names, since)


@aws_failures
def alarms_of(described: Described, names: list[str], since: int | None) -> list[Alarm]:
    """The named ones among alarms that were described.

    With `since`, in epoch seconds, an alarm that changed after it is looked up in the history, so
    that one which fired and cleared again is seen, and one which fired and was deleted as well.
    """
    found = (_alarm(name, described, since) for name in names)
    return [alarm for alarm in found if alarm is not None]


def _alarm(name: str, described: Described, since: int | None) -> Alarm | None:
    alarm = seen(name, described)
    if since is None or (alarm is not None and alarm.fired):
        return alarm
    changed: datetime | None = described.get(name, {}).get("StateTransitionedTimestamp")
    if changed is not None and changed.timestamp() < since:
        return alarm
    fired = _fired_since(name, since)
    if fired is None:
        return alarm
    if alarm is None:
        return Alarm(name, "ALARM", f"{fired} and was deleted since", fired=True)
    return replace(alarm, reason=f"{fired} and has cleared since", fired=True)


def _fired_since(name: str, since: int) -> str | None:
    """When the alarm last went to ALARM, in words; None when it has not.

    CloudWatch keeps the history of an alarm that was deleted.
    """
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
                return f"it fired at {when}"
    return None
