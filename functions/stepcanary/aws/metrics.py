"""Metrics: what CloudWatch has counted, of many series in few calls."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.measures import Series
from stepcanary.errors import AwsRefused, AwsUnavailable

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import MetricDataQueryTypeDef, MetricDataResultTypeDef

QUERIES_PER_CALL = 500
"""See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html"""

Values = dict[int, float]
"""By the second at which a period begins; a period without data is left out."""


@aws_failures
def read(series: Sequence[Series], start: int, end: int, period: int) -> list[Values]:
    """What each series has from `start` on and before `end`, in epoch seconds; in their order.

    Raises `AwsUnavailable` where CloudWatch could not answer for all, and `AwsRefused`.
    """
    distinct = list(dict.fromkeys(_key(each) for each in series))
    found: dict[str, Values] = {}
    for first in range(0, len(distinct), QUERIES_PER_CALL):
        some = distinct[first : first + QUERIES_PER_CALL]
        found |= dict(zip(some, _read(some, start, end, period), strict=True))
    return [found[_key(each)] for each in series]


def summed(values: Iterable[Values]) -> Values:
    """What several series have together."""
    total: Values = {}
    for each in values:
        for at, value in each.items():
            total[at] = total.get(at, 0.0) + value
    return total


def _key(series: Series) -> str:
    """Names what is asked; a series has dimensions, and so no hash."""
    return series.model_dump_json()


def _read(some: list[str], start: int, end: int, period: int) -> list[Values]:
    queries = [_query(f"q{n}", Series.model_validate_json(k), period) for n, k in enumerate(some)]
    found: list[Values] = [{} for _ in some]
    status: dict[str, str] = {}
    for result in _pages(queries, start, end):
        moments = [int(at.timestamp()) for at in result["Timestamps"]]
        found[int(result["Id"][1:])] |= dict(zip(moments, result["Values"], strict=True))
        status[result["Id"]] = result.get("StatusCode", "Complete")
    # Of a series that goes on with the next page the last word counts. A part of the counts of one
    # side is never compared with those of the other.
    if "Forbidden" in status.values():
        raise AwsRefused("CloudWatch lets nobody read a metric", "Forbidden")
    if set(status.values()) - {"Complete"}:
        raise AwsUnavailable("CloudWatch could not read a metric, or only a part of it")
    return found


def _query(name: str, series: Series, period: int) -> "MetricDataQueryTypeDef":
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": series.namespace,
                "MetricName": series.metric,
                "Dimensions": [{"Name": n, "Value": v} for n, v in series.dimensions.items()],
            },
            "Period": period,
            "Stat": series.statistic,
        },
    }


def _pages(
    queries: "list[MetricDataQueryTypeDef]", start: int, end: int
) -> "Iterator[MetricDataResultTypeDef]":
    pages = (
        clients.cloudwatch()
        .get_paginator("get_metric_data")
        .paginate(
            MetricDataQueries=queries,
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
            ScanBy="TimestampAscending",
        )
    )
    for page in pages:
        yield from page["MetricDataResults"]
