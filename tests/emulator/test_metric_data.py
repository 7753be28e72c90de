"""GetMetricData, as a client sees it: extended statistics, periods, and data that come late."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from emulator.moto_gaps import metric_data
from emulator.moto_gaps.metric_data import Publication

PLACE = [{"Name": "TargetGroup", "Value": "targetgroup/shop/1"}]
NOON = 1_795_000_000 // 3600 * 3600
"""A full hour."""


class CloudWatch:
    """A client, and the time at which it asks and puts."""

    def __init__(self, at: Callable[[float], None]) -> None:
        self.client = boto3.client("cloudwatch", region_name="us-east-1")
        self.at = at

    def put(
        self, second: float, *values: float, counts: list[int] | None = None, **more: Any
    ) -> None:
        datum: Any = {
            "MetricName": "Times",
            "Dimensions": PLACE,
            "Timestamp": datetime.fromtimestamp(second, UTC),
            "Values": values,
            "Counts": counts or [1] * len(values),
            **more,
        }
        self.client.put_metric_data(Namespace="Shop", MetricData=[datum])

    def ask(self, *queries: Any, start: float, end: float, **more: Any) -> list[Any]:
        answer: Any = self.client.get_metric_data(
            MetricDataQueries=list(queries),
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
            **more,
        )
        assert {each["StatusCode"] for each in answer["MetricDataResults"]} <= {"Complete"}
        found: list[Any] = answer["MetricDataResults"]
        return found

    def values(self, start: float, end: float, stat: str = "Sum", period: int = 60) -> list[Any]:
        [found] = self.ask(query(stat, period), start=start, end=end)
        seconds = [int(at.timestamp()) - NOON for at in found["Timestamps"]]
        return list(zip(seconds, found["Values"], strict=True))


def query(stat: str = "Sum", period: int = 60, id: str = "a", **more: Any) -> Any:
    metric = {"Namespace": "Shop", "MetricName": "Times", "Dimensions": PLACE}
    return {"Id": id, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}, **more}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Publication], CloudWatch]]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    now = [float(NOON)]

    class Clock:
        time = staticmethod(lambda: now[0])

    def at(second: float) -> None:
        now[0] = second

    with ExitStack() as stack:
        stack.enter_context(mock_aws())

        def opened(publication: Publication) -> CloudWatch:
            stack.enter_context(metric_data.filled(publication))
            stack.enter_context(patch.object(metric_data, "time", Clock))
            return CloudWatch(at)

        yield opened


@pytest.fixture
def cloudwatch(opened: Callable[[Publication], CloudWatch]) -> CloudWatch:
    return opened(Publication())


def test_the_start_is_included_and_the_end_is_not_and_the_newest_is_first(
    cloudwatch: CloudWatch,
) -> None:
    for minute in range(4):
        cloudwatch.put(NOON + 60 * minute + 5, minute + 1.0)
    assert cloudwatch.values(NOON + 60, NOON + 180) == [(120, 3), (60, 2)]
    oldest = cloudwatch.ask(query(), start=NOON, end=NOON + 120, ScanBy="TimestampAscending")
    assert oldest[0]["Values"] == [1, 2]


def test_periods_begin_at_their_multiples_wherever_the_question_does(
    cloudwatch: CloudWatch,
) -> None:
    for second, value in ((70, 1.0), (119.5, 2.0), (120, 4.0)):
        cloudwatch.put(NOON + second, value, StorageResolution=1)
    assert cloudwatch.values(NOON + 90, NOON + 400) == [(120, 4), (60, 3)]
    assert cloudwatch.values(NOON + 10, NOON + 400, period=300) == [(0, 7)]
    assert cloudwatch.values(NOON + 119, NOON + 121, period=1) == [(120, 4), (119, 2)]


def test_what_is_put_without_a_resolution_is_kept_by_the_minute(cloudwatch: CloudWatch) -> None:
    for second in (5, 25, 45, 65):
        cloudwatch.put(NOON + second, 1.0)
    assert cloudwatch.values(NOON, NOON + 120, period=10) == [(60, 1), (0, 3)]


def test_high_resolution_is_kept_for_three_hours(cloudwatch: CloudWatch) -> None:
    for second in (5, 25, 45, 65):
        cloudwatch.put(NOON + second, 1.0, StorageResolution=1)
    by_ten = [(60, 1), (40, 1), (20, 1), (0, 1)]
    assert cloudwatch.values(NOON, NOON + 120, period=10) == by_ten
    cloudwatch.at(NOON + 10_830)
    assert cloudwatch.values(NOON, NOON + 120, period=10) == by_ten[:2]
    assert cloudwatch.values(NOON, NOON + 120) == [(60, 1), (0, 3)]


def test_one_of_two_metrics_may_be_published_later(
    opened: Callable[[Publication], CloudWatch],
) -> None:
    """As a period of which one side is there, and the other is not."""
    cloudwatch = opened(Publication(after=30, lagging={"targetgroup/shop/1": 40}))
    other = [{"Name": "TargetGroup", "Value": "targetgroup/shop/2"}]
    cloudwatch.put(NOON, 1.0)
    cloudwatch.put(NOON, 2.0, Dimensions=other)
    asked = query(id="other")
    asked["MetricStat"]["Metric"]["Dimensions"] = other
    seen = []
    for second in (29, 30, 69, 70):
        cloudwatch.at(NOON + second)
        found = cloudwatch.ask(query(), asked, start=NOON, end=NOON + 60)
        seen.append([each["Values"] for each in found])
    assert seen == [[[], []], [[], [2]], [[], [2]], [[1], [2]]]


def test_slow_answers_are_counted(cloudwatch: CloudWatch) -> None:
    cloudwatch.put(NOON + 1, 0.1, 0.4, 0.9, counts=[90, 6, 4])
    answers = {
        stat: cloudwatch.values(NOON, NOON + 60, stat)
        for stat in ("SampleCount", "TC(0.4:)", "PR(:0.4)", "p95", "Maximum")
    }
    assert {stat: values for stat, [(_, values)] in answers.items()} == {
        "SampleCount": 100,
        "TC(0.4:)": 4,
        "PR(:0.4)": 96,
        "p95": 0.4,
        "Maximum": 0.9,
    }


def test_a_metric_that_is_not_there_has_no_values_and_is_complete(cloudwatch: CloudWatch) -> None:
    assert cloudwatch.values(NOON, NOON + 600) == []


def test_a_period_in_which_nothing_is_so_slow_has_a_zero(cloudwatch: CloudWatch) -> None:
    cloudwatch.put(NOON, 0.1)
    assert cloudwatch.values(NOON, NOON + 60, "TC(0.4:)") == [(0, 0)]


def test_other_dimensions_are_another_metric(cloudwatch: CloudWatch) -> None:
    cloudwatch.put(NOON, 1.0)
    asked = query()
    asked["MetricStat"]["Metric"]["Dimensions"] = []
    [found] = cloudwatch.ask(asked, start=NOON, end=NOON + 60)
    assert found["Values"] == []


def test_an_expression_is_made_of_queries_that_are_not_returned(cloudwatch: CloudWatch) -> None:
    cloudwatch.put(NOON, 1.0, 3.0)
    cloudwatch.put(NOON + 60, 5.0)
    share = {"Id": "share", "Expression": "100 * slow / every"}
    slow = query("TC(2:)", id="slow", ReturnData=False)
    every = query("SampleCount", id="every", ReturnData=False)
    [found] = cloudwatch.ask(share, slow, every, start=NOON, end=NOON + 120)
    assert (found["Id"], found["Values"]) == ("share", [100, 50])


def test_a_datum_can_be_read_after_a_while_and_changes_for_a_while(
    opened: Callable[[Publication], CloudWatch],
) -> None:
    cloudwatch = opened(Publication(after=30, revised=90))
    cloudwatch.at(NOON + 60)
    cloudwatch.put(NOON, 1.0, counts=[120])
    seen = []
    for second in (89, 90, 149, 150):
        cloudwatch.at(NOON + second)
        seen.append(cloudwatch.values(NOON, NOON + 60))
    assert seen == [[], [(0, 108)], [(0, 108)], [(0, 120)]]


def test_what_comes_late_of_few_is_none_and_of_slow_ones_some(
    opened: Callable[[Publication], CloudWatch],
) -> None:
    cloudwatch = opened(Publication(revised=90))
    cloudwatch.put(NOON, 1.0, counts=[9])
    cloudwatch.put(NOON + 60, 0.1, 0.9, counts=[90, 20])
    assert cloudwatch.values(NOON, NOON + 120, "TC(0.4:)") == [(60, 18), (0, 9)]
    cloudwatch.at(NOON + 90)
    assert cloudwatch.values(NOON, NOON + 120, "TC(0.4:)") == [(60, 20), (0, 9)]


@pytest.mark.parametrize(
    ("queries", "why"),
    [
        ([query(id=f"q{n}") for n in range(501)], "more than 500"),
        ([query(), query()], "another"),
        ([query(id="Upper")], "small letter"),
        ([query("TC(1)")], "no statistic"),
        ([query(period=7)], "Period 7"),
        ([{"Id": "a", "Expression": "b + 1"}], "names no query"),
        ([query(), {"Id": "b", "Expression": "RATE(a)"}], "names no query|nothing is known"),
        ([{"Id": "a"}], "either"),
    ],
)
def test_what_aws_would_not_answer_is_refused(
    cloudwatch: CloudWatch, queries: list[Any], why: str
) -> None:
    with pytest.raises(ClientError, match=why):
        cloudwatch.ask(*queries, start=NOON, end=NOON + 60)


def test_the_end_has_to_be_after_the_start(cloudwatch: CloudWatch) -> None:
    with pytest.raises(ClientError, match="EndTime"):
        cloudwatch.ask(query(), start=NOON, end=NOON)


def test_many_samples_are_one_datum_for_the_older_calls_too(cloudwatch: CloudWatch) -> None:
    cloudwatch.put(NOON, 1.0, 4.0, counts=[3, 2])
    [point] = cloudwatch.client.get_metric_statistics(
        Namespace="Shop",
        MetricName="Times",
        Dimensions=PLACE,  # type: ignore[arg-type]
        StartTime=datetime.fromtimestamp(NOON, UTC),
        EndTime=datetime.fromtimestamp(NOON + 60, UTC),
        Period=60,
        Statistics=["Sum", "SampleCount", "Maximum"],
    )["Datapoints"]
    assert (point["Sum"], point["SampleCount"], point["Maximum"]) == (11, 5, 4)
