"""A client of CloudWatch sees alarms change, remembers how, and may combine them."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.cloudwatch.models import cloudwatch_backends

from emulator.moto_gaps.alarm_evaluation import evaluate_alarms
from emulator.moto_gaps.cloudwatch import fail_evaluation, filled

QUERY: Any = {
    "QueryString": "fields @message",
    "LogGroupIdentifiers": ["checkout"],
    "ScheduledQueryRoleARN": "arn:aws:iam::123456789012:role/queries",
    "ScheduleConfiguration": {"ScheduleExpression": "rate(5 minutes)", "StartTimeOffset": 300},
    "AggregationExpression": "count(*)",
}
ALL = ["MetricAlarm", "CompositeAlarm", "LogAlarm"]


class CloudWatch:
    """`changes` are (name, before, after) as the listener got them."""

    def __init__(self, changes: list[tuple[str, str, str]]) -> None:
        self.client = boto3.client("cloudwatch", region_name="us-east-1")
        self.changes = changes

    def put(self, name: str) -> None:
        self.client.put_metric_alarm(
            AlarmName=name,
            Namespace="Envoy",
            MetricName="Errors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
        )

    def set(self, name: str, state: Any, reason: str = "a drill") -> None:
        self.client.set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)
        time.sleep(0.002)

    def combine(self, name: str, rule: str) -> str:
        self.client.put_composite_alarm(AlarmName=name, AlarmRule=rule)
        return self.state(name)

    def watch_logs(self, name: str) -> None:
        self.client.put_log_alarm(
            AlarmName=name,
            ScheduledQueryConfiguration=QUERY,
            QueryResultsToEvaluate=3,
            QueryResultsToAlarm=2,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
        )

    def described(self, name: str, types: Any = ALL) -> Any:
        answer: Any = self.client.describe_alarms(AlarmNames=[name], AlarmTypes=types)
        [alarm] = (alarm for kind in ALL for alarm in answer.get(f"{kind}s", []))
        return alarm

    def state(self, name: str) -> str:
        state: str = self.described(name)["StateValue"]
        return state

    def history(self, **request: Any) -> list[Any]:
        pages = self.client.get_paginator("describe_alarm_history").paginate(**request)
        return [item for page in pages for item in page["AlarmHistoryItems"]]


@pytest.fixture
def cloudwatch() -> Iterator[CloudWatch]:
    changes: list[tuple[str, str, str]] = []
    with (
        mock_aws(),
        filled(lambda alarm, before: changes.append((alarm.name, before, alarm.state_value))),
    ):
        here = CloudWatch(changes)
        for name in ("a", "b"):
            here.put(name)
        yield here


def test_a_change_is_told_once(cloudwatch: CloudWatch) -> None:
    assert cloudwatch.state("a") == "INSUFFICIENT_DATA"
    cloudwatch.set("a", "OK")
    cloudwatch.set("a", "ALARM")
    since = cloudwatch.described("a")["StateTransitionedTimestamp"]
    cloudwatch.set("a", "ALARM", "again")
    assert cloudwatch.changes == [("a", "INSUFFICIENT_DATA", "OK"), ("a", "OK", "ALARM")]
    again = cloudwatch.described("a")
    assert again["StateTransitionedTimestamp"] == since < again["StateUpdatedTimestamp"]


def test_an_unknown_alarm_changes_nothing(cloudwatch: CloudWatch) -> None:
    with pytest.raises(ClientError, match="ResourceNotFound"):
        cloudwatch.set("c", "ALARM")
    assert cloudwatch.changes == []


def test_history_says_from_what_to_what_and_why(cloudwatch: CloudWatch) -> None:
    cloudwatch.set("a", "OK", "calm")
    cloudwatch.set("a", "OK", "calm still")
    cloudwatch.set("a", "ALARM", "9 > 3")
    cloudwatch.set("b", "OK")
    newest, oldest = cloudwatch.history(AlarmName="a", HistoryItemType="StateUpdate")
    assert newest["Timestamp"] > oldest["Timestamp"]
    assert newest["Timestamp"] == cloudwatch.described("a")["StateTransitionedTimestamp"]
    assert (newest["AlarmName"], newest["AlarmType"]) == ("a", "MetricAlarm")
    assert newest["HistorySummary"] == "Alarm updated from OK to ALARM"
    data = json.loads(newest["HistoryData"])
    assert data["oldState"] == {"stateValue": "OK", "stateReason": "calm still"}
    assert data["newState"] == {"stateValue": "ALARM", "stateReason": "9 > 3"}
    assert {item["AlarmName"] for item in cloudwatch.history()} == {"a", "b"}
    assert cloudwatch.history(HistoryItemType="Action") == []


def test_history_by_time_and_in_pages(cloudwatch: CloudWatch) -> None:
    cloudwatch.set("a", "OK")
    middle = datetime.now(UTC)
    time.sleep(0.002)
    for state in ("ALARM", "OK", "ALARM", "OK"):
        cloudwatch.set("a", state)
    later = cloudwatch.history(
        AlarmName="a",
        StartDate=middle,
        EndDate=datetime.now(UTC),
        ScanBy="TimestampAscending",
        PaginationConfig={"PageSize": 3},
    )
    summaries = [item["HistorySummary"].removeprefix("Alarm updated from ") for item in later]
    assert summaries == ["OK to ALARM", "ALARM to OK"] * 2
    newest_first = cloudwatch.history(AlarmName="a", PaginationConfig={"PageSize": 2})
    assert len(newest_first) == 5
    assert newest_first[:4] == later[::-1]
    assert cloudwatch.history(StartDate=datetime.now(UTC) + timedelta(seconds=1)) == []
    assert len(cloudwatch.history(EndDate=middle)) == 1


@pytest.mark.parametrize(
    ("rule", "a", "b", "state"),
    [
        ('ALARM("a")', "ALARM", "OK", "ALARM"),
        ("ALARM(a)", "OK", "ALARM", "OK"),
        ('NOT OK("a")', "INSUFFICIENT_DATA", "OK", "ALARM"),
        ('ALARM("a") OR ALARM("b")', "OK", "ALARM", "ALARM"),
        ('ALARM("a") AND ALARM("b")', "OK", "ALARM", "OK"),
        ('OK("b") OR ALARM("a") AND ALARM("b")', "OK", "OK", "ALARM"),
        ('(OK("b") OR ALARM("a")) AND ALARM("b")', "OK", "OK", "OK"),
        ('NOT (ALARM("a") OR INSUFFICIENT_DATA("b"))', "OK", "INSUFFICIENT_DATA", "OK"),
        ("ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:a)", "ALARM", "OK", "ALARM"),
        ('TRUE AND ALARM("a")', "ALARM", "OK", "ALARM"),
        ('FALSE OR ALARM("a")', "OK", "OK", "OK"),
    ],
)
def test_composite_rules(cloudwatch: CloudWatch, rule: str, a: str, b: str, state: str) -> None:
    cloudwatch.set("a", a)
    cloudwatch.set("b", b)
    assert cloudwatch.combine("both", rule) == state


def test_a_composite_follows_its_children(cloudwatch: CloudWatch) -> None:
    for name in ("a", "b"):
        cloudwatch.set(name, "OK")
    cloudwatch.combine("either", 'ALARM("a") OR ALARM("b")')
    cloudwatch.combine("not-either", 'NOT ALARM("either")')
    cloudwatch.changes.clear()
    cloudwatch.set("b", "ALARM")
    assert cloudwatch.changes == [
        ("b", "OK", "ALARM"),
        ("either", "OK", "ALARM"),
        ("not-either", "ALARM", "OK"),
    ]
    either = cloudwatch.described("either")
    assert either["AlarmRule"] == 'ALARM("a") OR ALARM("b")'
    assert either["StateReason"].endswith("alarm:b transitioned to ALARM")
    summaries = [i["HistorySummary"] for i in cloudwatch.history(AlarmTypes=["CompositeAlarm"])]
    assert "Alarm updated from OK to ALARM" in summaries


def test_a_composite_has_to_be_asked_for(cloudwatch: CloudWatch) -> None:
    cloudwatch.combine("both", 'ALARM("a")')
    answer = cloudwatch.client.describe_alarms(AlarmNames=["a", "both"])
    assert [alarm["AlarmName"] for alarm in answer["MetricAlarms"]] == ["a"]
    assert (answer["CompositeAlarms"], answer["LogAlarms"]) == ([], [])


def test_a_log_alarm_is_of_a_type_of_its_own(cloudwatch: CloudWatch) -> None:
    cloudwatch.watch_logs("errors")
    cloudwatch.set("errors", "ALARM")
    answer = cloudwatch.client.describe_alarms(AlarmNames=["errors"], AlarmTypes=["LogAlarm"])
    assert (answer["MetricAlarms"], answer["CompositeAlarms"]) == ([], [])
    [alarm] = answer["LogAlarms"]
    assert (alarm["StateValue"], alarm["QueryResultsToAlarm"]) == ("ALARM", 2)
    assert alarm["ScheduledQueryConfiguration"] == QUERY
    assert cloudwatch.history(AlarmName="errors", AlarmTypes=["MetricAlarm"]) == []
    [change] = cloudwatch.history(AlarmName="errors", AlarmTypes=["LogAlarm"])
    assert change["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to ALARM"


def test_an_alarm_that_cannot_be_evaluated_keeps_its_state(cloudwatch: CloudWatch) -> None:
    cloudwatch.set("a", "OK")
    assert "EvaluationState" not in cloudwatch.described("a")
    backend = cloudwatch_backends["123456789012"]["us-east-1"]
    fail_evaluation(backend, "a", "EVALUATION_ERROR", "no such metric")
    evaluate_alarms(backend, time.time())
    blind = cloudwatch.described("a")
    assert (blind["StateValue"], blind["EvaluationState"]) == ("OK", "EVALUATION_ERROR")
    assert blind["StateReason"] == "no such metric"
    backend.alarms["a"].evaluation_state = None  # type: ignore[attr-defined]
    evaluate_alarms(backend, time.time())
    assert cloudwatch.state("a") == "INSUFFICIENT_DATA"


def test_an_alarm_that_was_deleted_is_not_described(cloudwatch: CloudWatch) -> None:
    cloudwatch.client.delete_alarms(AlarmNames=["a"])
    answer = cloudwatch.client.describe_alarms(AlarmNames=["a", "b"])
    assert [alarm["AlarmName"] for alarm in answer["MetricAlarms"]] == ["b"]


@pytest.mark.parametrize(
    "rule", ['ALARM("c")', 'ALARM("a") AND', 'ALARM("a"', "NOT", 'OK("a") OK("b")']
)
def test_a_wrong_rule_is_refused(cloudwatch: CloudWatch, rule: str) -> None:
    with pytest.raises(ClientError, match=r"ValidationError.*AlarmRule"):
        cloudwatch.client.put_composite_alarm(AlarmName="both", AlarmRule=rule)
