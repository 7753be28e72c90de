"""The examples that the CloudWatch user guide gives for alarms with missing data."""

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.cloudwatch.models import cloudwatch_backends

from emulator.moto_gaps import cloudwatch
from emulator.moto_gaps.alarm_evaluation import evaluate, evaluate_alarms

STATES = ("missing", "ignore", "breaching", "notBreaching")


def points_of(pattern: str) -> list[float | None]:
    values: dict[str, float | None] = {"0": 0.0, "X": 10.0, "-": None}
    return [values[mark] for mark in pattern.split()]


@pytest.mark.parametrize(
    ("pattern", "needed", "expected"),
    [
        ("0 - X - X", 3, ("OK", "OK", "OK", "OK")),
        ("0 - - - -", 3, ("OK", "OK", "OK", "OK")),
        ("- - - - -", 3, ("INSUFFICIENT_DATA", "current", "ALARM", "OK")),
        ("0 X X - X", 3, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("- - X - -", 3, ("ALARM", "current", "ALARM", "OK")),
        ("0 - X - X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0 0 X 0 X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0 - X - -", 2, ("OK", "OK", "ALARM", "OK")),
        ("- - - - 0", 2, ("OK", "OK", "ALARM", "OK")),
        ("- - - X -", 2, ("ALARM", "current", "ALARM", "OK")),
    ],
)
def test_missing_data(pattern: str, needed: int, expected: tuple[str, ...]) -> None:
    states = tuple(
        evaluate(
            points_of(pattern),
            comparison="GreaterThanThreshold",
            threshold=3,
            evaluation_periods=3,
            datapoints_to_alarm=needed,
            treat_missing_data=treatment,
            current="current",
        )
        for treatment in STATES
    )
    assert states == expected


@pytest.mark.parametrize(
    ("comparison", "value", "state"),
    [
        ("GreaterThanThreshold", 3, "OK"),
        ("GreaterThanOrEqualToThreshold", 3, "ALARM"),
        ("LessThanThreshold", 3, "OK"),
        ("LessThanOrEqualToThreshold", 3, "ALARM"),
    ],
)
def test_value_at_the_threshold(comparison: str, value: float, state: str) -> None:
    assert evaluate([value], comparison=comparison, threshold=3, evaluation_periods=1) == state


def test_too_few_breaching_points_keep_the_state() -> None:
    state = evaluate(
        points_of("- - - - X"),
        comparison="GreaterThanThreshold",
        threshold=3,
        evaluation_periods=3,
        current="OK",
    )
    assert state == "OK"


NOW = 1_800_000_000.0
SHARE = "100 * FILL(errors, 0) / requests"


def query(id: str, period: int = 60) -> dict[str, Any]:
    metric = {"Namespace": "Shop", "MetricName": id}
    stat = {"Metric": metric, "Period": period, "Stat": "Sum"}
    return {"Id": id, "ReturnData": False, "MetricStat": stat}


def state_of(metrics: list[dict[str, Any]], data: dict[str, list[float | None]]) -> dict[str, Any]:
    """The alarm `share` after these minutes of data, oldest first."""
    with mock_aws(), cloudwatch.filled(lambda *_: None):
        client: Any = boto3.client("cloudwatch", region_name="us-east-1")
        client.put_metric_alarm(
            AlarmName="share",
            Metrics=metrics,
            EvaluationPeriods=3,
            DatapointsToAlarm=2,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        for name, values in data.items():
            for ago, value in enumerate(reversed(values), 1):
                moment = datetime.fromtimestamp(NOW - 60 * ago, UTC)
                if value is not None:
                    datum = {"MetricName": name, "Timestamp": moment, "Value": value}
                    client.put_metric_data(Namespace="Shop", MetricData=[datum])
        evaluate_alarms(cloudwatch_backends["123456789012"]["us-east-1"], NOW)
        (alarm,) = client.describe_alarms(AlarmNames=["share"])["MetricAlarms"]
        found: dict[str, Any] = alarm
        return found


@pytest.mark.parametrize(
    ("errors", "requests", "state"),
    [
        ([None, None, None], [50, 50, 50], "OK"),
        ([None, 5, 5], [50, 50, 50], "ALARM"),
        ([None, 5, None], [50, 50, 50], "OK"),
        ([None, None, None], [None, None, None], "INSUFFICIENT_DATA"),
    ],
)
def test_a_share_of_errors_is_evaluated_where_there_were_requests(
    errors: list[float | None], requests: list[float | None], state: str
) -> None:
    expression = {"Id": "share", "Expression": SHARE}
    metrics = [expression, query("errors"), query("requests")]
    alarm = state_of(metrics, {"errors": errors, "requests": requests})
    assert alarm["StateValue"] == state


def test_an_expression_may_be_made_of_others() -> None:
    share = {"Id": "share", "Expression": "100 * filled / requests"}
    filled: dict[str, Any] = {"Id": "filled", "Expression": "FILL(errors, 0)", "ReturnData": False}
    metrics: list[dict[str, Any]] = [share, filled, query("errors"), query("requests")]
    data: dict[str, list[float | None]] = {"errors": [5, 5, 5], "requests": [50, 50, 50]}
    assert state_of(metrics, data)["StateValue"] == "ALARM"


@pytest.mark.parametrize(
    ("expression", "period", "reason"),
    [
        ("SUM(METRICS())", 60, "nothing is known of SUM(METRICS())"),
        (SHARE, 300, "periods of different lengths"),
        ("share + 1", 60, "nothing is known of share"),
    ],
)
def test_metric_math_that_nobody_knows_here_says_so(
    expression: str, period: int, reason: str
) -> None:
    metrics = [
        {"Id": "share", "Expression": expression},
        query("errors"),
        query("requests", period),
    ]
    alarm = state_of(metrics, {})
    assert alarm["EvaluationState"] == "EVALUATION_ERROR"
    assert reason in alarm["StateReason"]
