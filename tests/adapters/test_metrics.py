"""GetMetricData: exact requests, many series in few calls, and each answer where it belongs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.stub import Stubber

from stepcanary.aws import clients, metrics
from stepcanary.domain.measures import Series
from stepcanary.errors import AwsRefused, AwsUnavailable

START, END = 1_795_478_400, 1_795_478_700
REQUESTS = Series(namespace="Shop", metric="Requests", dimensions={"Side": "canary"})
SLOW = Series(namespace="Shop", metric="Time", statistic="TC(0.4:)")


@pytest.fixture
def cloudwatch() -> Iterator[Stubber]:
    client = boto3.client(
        "cloudwatch", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stubber, patch.object(clients, "cloudwatch", lambda: client):
        yield stubber
        stubber.assert_no_pending_responses()


def query(number: int, series: Series) -> Any:
    return {
        "Id": f"q{number}",
        "MetricStat": {
            "Metric": {
                "Namespace": series.namespace,
                "MetricName": series.metric,
                "Dimensions": [{"Name": n, "Value": v} for n, v in series.dimensions.items()],
            },
            "Period": 60,
            "Stat": series.statistic,
        },
    }


def asked(*series: Series, **more: Any) -> Any:
    return {
        "MetricDataQueries": [query(number, each) for number, each in enumerate(series)],
        "StartTime": datetime.fromtimestamp(START, UTC),
        "EndTime": datetime.fromtimestamp(END, UTC),
        "ScanBy": "TimestampAscending",
        **more,
    }


def result(number: int, values: dict[int, float], status: str = "Complete") -> Any:
    return {
        "Id": f"q{number}",
        "Timestamps": [datetime.fromtimestamp(at, UTC) for at in values],
        "Values": list(values.values()),
        "StatusCode": status,
    }


def test_each_series_gets_its_own_values_and_a_repeated_one_is_asked_once(
    cloudwatch: Stubber,
) -> None:
    answer = {"MetricDataResults": [result(1, {START: 3.0}), result(0, {START: 9.0})]}
    cloudwatch.add_response("get_metric_data", answer, asked(REQUESTS, SLOW))
    found = metrics.read([REQUESTS, SLOW, REQUESTS], START, END, 60)
    assert found == [{START: 9.0}, {START: 3.0}, {START: 9.0}]


def test_what_is_partial_goes_on_with_the_next_page(cloudwatch: Stubber) -> None:
    first = {"MetricDataResults": [result(0, {START: 1.0}, "PartialData")], "NextToken": "more"}
    second = {"MetricDataResults": [result(0, {START + 60: 2.0})]}
    cloudwatch.add_response("get_metric_data", first, asked(REQUESTS))
    cloudwatch.add_response("get_metric_data", second, asked(REQUESTS, NextToken="more"))
    assert metrics.read([REQUESTS], START, END, 60) == [{START: 1.0, START + 60: 2.0}]


def test_a_call_has_five_hundred_queries_at_most(cloudwatch: Stubber) -> None:
    many = [Series(namespace="Shop", metric=f"M{number}") for number in range(501)]
    for some in (many[:500], many[500:]):
        results = [result(number, {START: 1.0}) for number in range(len(some))]
        answer = {"MetricDataResults": results}
        cloudwatch.add_response("get_metric_data", answer, asked(*some))
    assert len(metrics.read(many, START, END, 60)) == 501


def test_nothing_is_asked_for_nothing(cloudwatch: Stubber) -> None:
    assert metrics.read([], START, END, 60) == []


@pytest.mark.parametrize(
    ("status", "error"), [("InternalError", AwsUnavailable), ("Forbidden", AwsRefused)]
)
def test_a_metric_that_was_not_read_is_not_without_data(
    cloudwatch: Stubber, status: str, error: type[Exception]
) -> None:
    answer = {"MetricDataResults": [result(0, {}, status)]}
    cloudwatch.add_response("get_metric_data", answer, asked(REQUESTS))
    with pytest.raises(error):
        metrics.read([REQUESTS], START, END, 60)
