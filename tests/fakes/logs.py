"""CloudWatch Logs: log groups, and subscription filters that bring batches to a function.

As unkind as AWS: a group has two places, a pattern may be refused, a destination has to be a
function of the account, and what is delivered is packed. See
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscriptions.html
"""

import json
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from emulator import template
from emulator.filter_pattern import Invalid, matcher
from emulator.log_subscription import control_message, delivery, log_event
from emulator.refusals.logs import bad_pattern, refusal
from tests.fakes.clock import VirtualClock
from tests.fakes.service import Document, Refusal

ARN = "arn:aws:logs:us-east-1:123456789012:log-group"
_matcher = lru_cache(matcher)


class Logs:
    """A part of a fake that has a clock, ECS services and a split.

    `log_filters` are the subscription filters by log group and name, `log_classes` the classes of
    groups that are not the standard one, and `on_lines` is whoever is called with a batch. Lines
    are brought `lines_after` so many seconds, each batch `deliveries` times. While the function is
    `throttled` there is no concurrency for it, and Lambda tries again later. While it is `refused`,
    nobody may call it: CloudWatch Logs disables the filters, which are there all the same, and
    leaves out what is written then.
    """

    clock: VirtualClock
    services: Any
    bad: Callable[[str, datetime], float]
    task_id: Callable[[str, int], str]
    tags_of: Callable[[str], dict[str, str]]
    _share: Callable[[str, datetime], float]
    lines_after = 3.0
    deliveries = 1
    throttled = False
    refused = False

    def begin_logging(self) -> None:
        self.log_filters: dict[str, dict[str, Document]] = {}
        self.log_classes: dict[str, str] = {}
        self.on_lines: Callable[[Document], None] = lambda _event: None

    def _milliseconds(self) -> int:
        return int(self.clock.now().timestamp() * 1_000)

    def write_lines(self, group: str, stream: str, lines: list[str]) -> None:
        """A stream gets lines, which every filter of its group brings in a batch of its own."""
        events = [log_event(line, self._milliseconds()) for line in lines]
        if self.refused:
            return
        for name, filter_ in self.log_filters[group].items():
            matches = _matcher(filter_["filterPattern"])
            if wanted := [event for event in events if matches(event.message)]:
                brought = delivery(wanted, group=group, stream=stream, filters=[name])
                for _ in range(self.deliveries):
                    self.clock.after(self.lines_after, partial(self._bring, brought))

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
        return {
            "logGroups": [
                {
                    "logGroupName": name,
                    "arn": f"{ARN}:{name}:*",
                    "logGroupClass": self.log_classes.get(name, "STANDARD"),
                }
                for name in names
            ]
        }

    def _logs_ListTagsForResource(self, params: Document) -> Document:  # noqa: N802
        # AWS takes no ARN here that ends as the one it answers with.
        arn = params["resourceArn"]
        if arn.endswith(":*"):
            raise Refusal("InvalidParameterException", "Invalid ARN")
        return {"tags": self.tags_of(arn.removeprefix(f"{ARN}:"))}

    def _logs_DescribeSubscriptionFilters(self, params: Document) -> Document:  # noqa: N802
        return {"subscriptionFilters": list(self._group(params["logGroupName"]).values())}

    def _logs_PutSubscriptionFilter(self, params: Document) -> Document:  # noqa: N802
        filters = self._group(params["logGroupName"])
        if params["logGroupName"] in self.log_classes:
            raise Refusal("InvalidParameterException", "This log group class is not supported.")
        if found := refusal(params, filters.keys(), [template.counter_arn()]):
            raise Refusal(*found)
        self._bring(control_message(self._milliseconds()))
        filters[params["filterName"]] = dict(params)
        return {}

    def _logs_DeleteSubscriptionFilter(self, params: Document) -> Document:  # noqa: N802
        filters = self._group(params["logGroupName"])
        if params["filterName"] not in filters:
            raise Refusal("ResourceNotFoundException", "The specified filter does not exist.")
        del filters[params["filterName"]]
        return {}

    def _logs_TestMetricFilter(self, params: Document) -> Document:  # noqa: N802
        try:
            matcher(params["filterPattern"])
        except Invalid as error:
            raise Refusal(*bad_pattern(error)) from error
        return {"matches": []}
