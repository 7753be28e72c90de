"""CloudFormation: alarms on metric math, saved queries, and where a custom resource answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from ministack.services.cloudformation import custom_resource, provisioners

Json = dict[str, Any]

_record = provisioners._cw_metric_alarm_record


@contextmanager
def crossed() -> Iterator[None]:
    with (
        patch.object(provisioners, "_cw_metric_alarm_record", _with_math),
        patch.object(custom_resource, "_response_url", _in_s3),
        patch.dict(provisioners._RESOURCE_HANDLERS, {"AWS::Logs::QueryDefinition": SAVED_QUERY}),
    ):
        yield


def _in_s3(token: str) -> str:
    """AWS: a custom resource answers in S3, by HTTPS. MiniStack: at its own port, by HTTP, which a
    function that is careful about where it answers refuses.

    `functions.AT_GATEWAY` brings it back here.
    """
    return (
        "https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com"
        f"/_ministack/cfn-response/{token}"
    )


def _save(name: str, properties: Json, stack: str) -> tuple[str, Json]:
    """AWS: keeps a query for people. MiniStack: knows no such resource, and fails the stack.

    Here it is named, and nobody is shown it.
    """
    assert properties["Name"]
    assert properties["QueryString"]
    return f"{stack}-{name}", {}


SAVED_QUERY: Json = {"create": _save, "delete": lambda _name, _properties: None}


def _with_math(name: str, properties: Json) -> Json:
    """AWS: makes an alarm with `Metrics`. MiniStack: fails the stack.

    Here it is made, and nothing evaluates it: these alarms are the stack's own, and call people.
    """
    if not properties.get("Metrics"):
        return dict(_record(name, properties))
    metric = next(each["MetricStat"] for each in properties["Metrics"] if "MetricStat" in each)
    plain = {
        **{key: value for key, value in properties.items() if key != "Metrics"},
        **metric["Metric"],
        "Period": metric["Period"],
        "Statistic": metric["Stat"],
    }
    return {**_record(name, plain), "Metrics": properties["Metrics"], "ActionsEnabled": False}
