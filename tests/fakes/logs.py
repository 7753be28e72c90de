"""CloudWatch Logs: log groups, and subscription filters that bring batches to a function.

As unkind as AWS: a group has two places, a pattern may be refused, a destination has to be a
function of the account, and what is delivered is packed.
"""

import base64
import gzip
import json
from collections.abc import Callable, Iterable
from typing import Any

from tests.fakes.service import Document, Refusal

MOST_FILTERS = 2
BAD_PATTERN = "Invalid character(s) in term"


def packed(message: Document) -> str:
    """As CloudWatch Logs sends it to a function."""
    return base64.b64encode(gzip.compress(json.dumps(message).encode())).decode()


class Logs:
    """A part of the fake cloud."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.log_filters: dict[str, dict[str, Document]] = {}
        """By log group and name."""
        self.log_lines = 0
        """How many were written, from which each has its id."""
        self.on_lines: Callable[[Document], None] = lambda _event: None
        """Whoever is called with a batch."""

    def delivered(
        self, group: str, stream: str, lines: Iterable[tuple[int, str]]
    ) -> list[Document]:
        """The events that lines of a stream become, by filter: each with its time in epoch
        milliseconds."""
        events = []
        for at, line in lines:
            self.log_lines += 1
            events.append({"id": f"{self.log_lines:056}", "timestamp": at, "message": line})
        return [
            {
                "awslogs": {
                    "data": packed(
                        {
                            "messageType": "DATA_MESSAGE",
                            "owner": "123456789012",
                            "logGroup": group,
                            "logStream": stream,
                            "subscriptionFilters": [name],
                            "logEvents": events,
                        }
                    )
                }
            }
            for name in self.log_filters.get(group, {})
        ]

    def _group(self, name: str) -> dict[str, Document]:
        if name not in self.log_filters:
            raise Refusal("ResourceNotFoundException", "The specified log group does not exist.")
        return self.log_filters[name]

    def _logs_DescribeLogGroups(self, params: Document) -> Document:  # noqa: N802
        prefix = params.get("logGroupNamePrefix", "")
        names = sorted(name for name in self.log_filters if name.startswith(prefix))
        return {"logGroups": [{"logGroupName": name} for name in names]}

    def _logs_DescribeSubscriptionFilters(self, params: Document) -> Document:  # noqa: N802
        return {"subscriptionFilters": list(self._group(params["logGroupName"]).values())}

    def _logs_PutSubscriptionFilter(self, params: Document) -> Document:  # noqa: N802
        filters, name = self._group(params["logGroupName"]), params["filterName"]
        _check_pattern(params["filterPattern"])
        if name not in filters and len(filters) >= MOST_FILTERS:
            raise Refusal("LimitExceededException", "Resource limit exceeded.")
        if ":function:" not in params["destinationArn"]:
            raise Refusal("InvalidParameterException", "Could not execute the lambda function.")
        filters[name] = dict(params)
        return {}

    def _logs_DeleteSubscriptionFilter(self, params: Document) -> Document:  # noqa: N802
        filters = self._group(params["logGroupName"])
        if params["filterName"] not in filters:
            raise Refusal("ResourceNotFoundException", "The specified filter does not exist.")
        del filters[params["filterName"]]
        return {}

    def _logs_TestMetricFilter(self, params: Document) -> Document:  # noqa: N802
        _check_pattern(params["filterPattern"])
        return {"matches": []}


def _check_pattern(pattern: str) -> None:
    """Only what is needed of the grammar: brackets are in pairs."""
    if any(pattern.count(a) != pattern.count(b) for a, b in ("{}", "[]", "()")):
        raise Refusal("InvalidParameterException", BAD_PATTERN)
