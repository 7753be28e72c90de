"""Dashboard: which metrics the dashboard of template.yaml names, and which of them there are.

See https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
and https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from emulator import template
from emulator.account import ACCOUNT, REGION

SEARCH = re.compile(
    r"SEARCH\('\{(?P<namespace>[^,}]+),(?P<dimensions>[^}]+)\} (?P<terms>[^']+)', '\w+', \d+\)"
)
TERM = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Series:
    """A metric that somebody has put."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Named:
    """A metric as a graph names it. A search finds all with exactly these dimensions, some of whose
    values are `given`; a metric of its own has all of them."""

    namespace: str
    name: str
    dimensions: frozenset[str]
    given: frozenset[tuple[str, str]]

    def is_met_by(self, series: Series) -> bool:
        return (
            (self.namespace, self.name) == (series.namespace, series.name)
            and self.dimensions == {name for name, _ in series.dimensions}
            and self.given <= series.dimensions
        )


def body(stack: str = "stepcanary") -> dict[str, Any]:
    """As CloudWatch gets it from a stack of this name, on which every condition holds."""
    resources = template.document()["Resources"]
    text, joined = resources["Dashboard"]["Properties"]["DashboardBody"]
    # `!If` and `!Join` are read as lists.
    values = {"AWS::StackName": stack, "AWS::Region": REGION}
    values["MoreAlarms"] = "".join(each[1] for each in joined["MoreAlarms"][1])
    for name, resource in resources.items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            alarm = resource["Properties"]["AlarmName"].replace("${AWS::StackName}", stack)
            values[f"{name}.Arn"] = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm}"
    for _ in range(2):
        # What is joined names alarms as well.
        text = re.sub(r"\$\{([\w:.]+)\}", lambda found: values[found[1]], text)
    found: dict[str, Any] = json.loads(text.replace("${!", "${"))
    return found


def named(widgets: Iterable[dict[str, Any]]) -> Iterator[Named]:
    """By every graph of a dashboard. Raises `ValueError` for what this does not know."""
    for widget in widgets:
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], dict):
                yield _searched(metric[0]["expression"])
                continue
            namespace, name, *rest = (each for each in metric if isinstance(each, str))
            given = frozenset(zip(rest[::2], rest[1::2], strict=True))
            yield Named(namespace, name, frozenset(dimension for dimension, _ in given), given)


def _searched(expression: str) -> Named:
    found = SEARCH.fullmatch(expression)
    if found is None:
        raise ValueError(f"{expression} is no search that this knows")
    terms = dict(TERM.findall(found["terms"]))
    name = terms.pop("MetricName")
    dimensions = frozenset(found["dimensions"].split(","))
    if not terms.keys() <= dimensions:
        raise ValueError(f"{expression} asks for a dimension that its schema has not")
    return Named(found["namespace"], name, dimensions, frozenset(terms.items()))


def series_of(listed: Iterable[dict[str, Any]]) -> set[Series]:
    """Of what `ListMetrics` answers, or of data as `PutMetricData` takes them with a namespace."""
    return {
        Series(
            each["Namespace"],
            each["MetricName"],
            frozenset((d["Name"], d["Value"]) for d in each["Dimensions"]),
        )
        for each in listed
    }
