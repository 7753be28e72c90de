"""CloudWatch Logs: log groups, and subscription filters that bring batches to a function.

As unkind as AWS: a group has two places, a pattern may be refused, a destination has to be a
function of the account, and what is delivered is packed.
"""

import base64
import gzip
import itertools
import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from tests.fakes.clock import VirtualClock
from tests.fakes.service import Document, Refusal

MOST_FILTERS = 2
ARN = "arn:aws:logs:us-east-1:123456789012:log-group"
BAD_PATTERN = "Invalid character(s) in term"


def packed(message: Document) -> str:
    """As CloudWatch Logs sends it to a function."""
    return base64.b64encode(gzip.compress(json.dumps(message).encode(), mtime=0)).decode()


class Logs:
    """A part of a fake that has a clock, ECS services and a split.

    `log_filters` are the subscription filters by log group and name, and `on_lines` is whoever is
    called with a batch. Lines are brought `lines_after` so many seconds, each batch `deliveries`
    times, and none while `lines_lost`.
    """

    clock: VirtualClock
    services: Any
    bad: Callable[[str, datetime], float]
    task_id: Callable[[str, int], str]
    tags_of: Callable[[str], dict[str, str]]
    _share: Callable[[str, datetime], float]
    lines_after = 3.0
    deliveries = 1
    lines_lost = False

    def begin_logging(self) -> None:
        self.log_filters: dict[str, dict[str, Document]] = {}
        self.on_lines: Callable[[Document], None] = lambda _event: None
        self._lines = itertools.count(1)

    def write_lines(self, group: str, stream: str, lines: list[str]) -> None:
        """A stream gets lines, which every filter of its group brings in a batch of its own."""
        at = int(self.clock.now().timestamp() * 1_000)
        events = [
            {"id": f"{next(self._lines):056}", "timestamp": at, "message": line} for line in lines
        ]
        batch = {
            "messageType": "DATA_MESSAGE",
            "owner": "123456789012",
            "logGroup": group,
            "logStream": stream,
            "logEvents": events,
        }
        if self.lines_lost:
            return
        for name in self.log_filters[group] if events else ():
            event = {"awslogs": {"data": packed({**batch, "subscriptionFilters": [name]})}}
            for _ in range(self.deliveries):
                self.clock.after(self.lines_after, partial(self._bring, event))

    def _bring(self, event: Document) -> None:
        self.on_lines(event)

    def log_requests(self, group: str, per_second: float = 2.0, every: float = 15.0) -> None:
        """From now on both sides write a line for each request, as many as their weight brings,
        with the share of bad answers that they have then."""
        self.log_filters.setdefault(group, {})
        owed = {"primary": [0.0, 0.0], "canary": [0.0, 0.0]}

        def write() -> None:
            self.clock.after(every, write)
            now = self.clock.now()
            for side, service in (("primary", "example1"), ("canary", "example2")):
                requests = per_second * every * self._share(side, now)
                owed[side][0] += requests
                owed[side][1] += requests * self.bad(side, now)
                every_line, bad = (int(number) for number in owed[side])
                owed[side][0] -= every_line
                owed[side][1] -= bad
                statuses = [503] * bad + [200] * (every_line - bad)
                lines = [json.dumps({"status": status}) for status in statuses]
                self.write_lines(group, f"app/app/{self.task_of(service)}", lines)

        self.clock.after(every, write)

    def task_of(self, service: str) -> str:
        """The id of its first task."""
        deployments = self.services[service]["deployments"]
        running = [each for each in deployments if each["runningCount"]] or deployments
        return self.task_id(running[0]["id"], 0)

    def _group(self, name: str) -> dict[str, Document]:
        if name not in self.log_filters:
            raise Refusal("ResourceNotFoundException", "The specified log group does not exist.")
        return self.log_filters[name]

    def _logs_DescribeLogGroups(self, params: Document) -> Document:  # noqa: N802
        prefix = params.get("logGroupNamePrefix", "")
        names = sorted(name for name in self.log_filters if name.startswith(prefix))
        return {"logGroups": [{"logGroupName": n, "arn": f"{ARN}:{n}:*"} for n in names]}

    def _logs_ListTagsForResource(self, params: Document) -> Document:  # noqa: N802
        # AWS takes no ARN here that ends as the one it answers with.
        arn = params["resourceArn"]
        if arn.endswith(":*"):
            raise Refusal("InvalidParameterException", "Invalid ARN")
        return {"tags": self.tags_of(arn.removeprefix(f"{ARN}:"))}

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
