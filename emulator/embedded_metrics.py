"""Embedded metrics: what CloudWatch makes of a line of a log in its embedded metric format.

See https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def data_of(line: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    """Namespace and datum, as `PutMetricData` takes it, of each metric under each of its sets of
    dimensions."""
    about = line["_aws"]
    moment = datetime.fromtimestamp(about["Timestamp"] / 1_000, UTC).replace(tzinfo=None)
    for directive in about["CloudWatchMetrics"]:
        for dimensions in directive["Dimensions"]:
            named = [{"Name": name, "Value": line[name]} for name in dimensions]
            for metric in directive["Metrics"]:
                value = line[metric["Name"]]
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": named,
                        "Timestamp": moment,
                        "Values": value if isinstance(value, list) else [value],
                        "Unit": metric["Unit"],
                    },
                )
