"""CloudFormation: alarms on metric math."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from ministack.services.cloudformation import provisioners

Json = dict[str, Any]

_record = provisioners._cw_metric_alarm_record


@contextmanager
def crossed() -> Iterator[None]:
    """AWS: makes an alarm with `Metrics`. MiniStack: fails the stack.

    Here it is made, and nothing evaluates it: these alarms are the stack's own, and call people.
    """
    with patch.object(provisioners, "_cw_metric_alarm_record", _with_math):
        yield


def _with_math(name: str, properties: Json) -> Json:
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
