"""CloudWatch Logs: subscription filters whose functions are those of the stack."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest.mock import patch

from moto.logs.exceptions import LogsClientError, ResourceNotFoundException
from moto.logs.models import LogsBackend, LogStream, SubscriptionFilter
from moto.logs.responses import LogsResponse

from emulator.awslambda import Asynchronous
from emulator.events import Event
from emulator.filter_pattern import Invalid, matcher
from emulator.log_subscription import LogEvent, control_message, delivery, event_id
from emulator.moto_gaps.awslambda import alias_arn
from emulator.refusals.logs import bad_pattern, refusal
from emulator.template import Function

Deliver = Callable[[str, Event], None]
"""Takes the logical name of a function and what it gets."""

lock = threading.RLock()


@dataclass(frozen=True, slots=True)
class Deliveries:
    """How CloudWatch Logs delivers: each batch by itself, so many seconds `after` it was written,
    so that they come in any order, and a share of them `twice`."""

    by: Asynchronous
    after: tuple[float, float] = (2.0, 6.0)
    twice: float = 0.1
    chance: Random = field(default_factory=Random)

    def deliver(self, function: str, event: Event) -> None:
        for _ in range(2 if self.chance.random() < self.twice else 1):
            self.by.invoke(function, event, after=self.chance.uniform(*self.after))


@contextmanager
def filled(invocable: list[Function], deliver: Deliver) -> Iterator[None]:
    """`invocable` are the functions whose aliases CloudWatch Logs may invoke."""
    known = {alias_arn(function): function.name for function in invocable}
    plain_put = LogsBackend.put_subscription_filter
    plain_delete = LogsBackend.delete_subscription_filter
    plain_events = LogStream.put_log_events

    def put_subscription_filter(
        self: LogsBackend, group: str, name: str, pattern: str, destination: str, role: str
    ) -> None:
        """AWS: refuses what `refusals.logs` says, and tries a new destination at first. moto: knows
        no function of the stack, takes any pattern, and refuses a change of one of two filters."""
        if ":lambda:" not in destination:
            plain_put(self, group, name, pattern, destination, role)
            return
        if group not in self.groups:
            raise ResourceNotFoundException
        wanted = {"filterName": name, "filterPattern": pattern, "destinationArn": destination}
        with lock:
            filters = self.groups[group].subscription_filters
            if refused := refusal(wanted, filters.keys(), known):
                raise LogsClientError(*refused)
            if name in filters:
                filters[name].update(pattern, destination, role)
            else:
                filters[name] = SubscriptionFilter(name, group, pattern, destination, role)
        deliver(known[destination], control_message(int(time.time() * 1000)))

    def delete_subscription_filter(self: LogsBackend, *args: Any, **kwargs: Any) -> None:
        with lock:
            plain_delete(self, *args, **kwargs)

    def describe_subscription_filters(self: LogsResponse) -> str:
        """AWS: answers those whose names begin as FilterNamePrefix says. moto: answers all."""
        found = self.logs_backend.describe_subscription_filters(self._get_param("logGroupName"))
        prefix = self._get_param("filterNamePrefix") or ""
        shown = [each.to_json() for each in list(found) if each.name.startswith(prefix)]
        # A function needs no role, and AWS answers none.
        given = [{k: v for k, v in each.items() if v is not None} for each in shown]
        return json.dumps({"subscriptionFilters": given})

    def test_metric_filter(self: LogsResponse) -> str:
        """AWS: says which lines a pattern matches, or why it takes none such. moto: lacks the call.
        What a pattern with fields takes from a line is not said here."""
        try:
            matches = matcher(self._get_param("filterPattern"))
        except Invalid as error:
            raise LogsClientError(*bad_pattern(error)) from error
        lines = enumerate(self._get_param("logEventMessages"), start=1)
        found = [
            {"eventNumber": number, "eventMessage": line, "extractedValues": {}}
            for number, line in lines
            if matches(line)
        ]
        return json.dumps({"matches": found})

    def list_tags_for_resource(self: LogsResponse) -> str:
        """AWS: takes no ARN that ends as those of DescribeLogGroups do. moto: has no tags then."""
        if self._get_param("resourceArn").endswith(":*"):
            raise LogsClientError("InvalidParameterException", "Invalid ARN")
        return plain_tags(self)

    def put_log_events(self: LogStream, log_events: list[dict[str, Any]]) -> str:
        """AWS: goes on while filters come and go. moto: fails then."""
        with lock:
            return plain_events(self, log_events)

    def send(
        self: LogStream,
        service: str,
        destination_arn: str,
        filter_name: str,
        log_events: list[dict[str, Any]],
    ) -> None:
        """AWS: what matches the filter's pattern is delivered later. moto: delivers all at once, in
        Docker."""
        if service != "lambda":
            plain_send(self, service, destination_arn, filter_name, log_events)
            return
        matches = matcher(self.log_group.subscription_filters[filter_name].filter_pattern)
        lines = [
            LogEvent(event_id(each["timestamp"], each["id"]), each["timestamp"], each["message"])
            for each in log_events
            if matches(each["message"])
        ]
        if lines:
            group, stream = self.log_group.name, self.log_stream_name
            event = delivery(lines, group=group, stream=stream, filters=[filter_name])
            deliver(known[destination_arn], event)

    plain_send, plain_tags = LogStream._send_log_events, LogsResponse.list_tags_for_resource
    with (
        patch.multiple(
            LogsBackend,
            put_subscription_filter=put_subscription_filter,
            delete_subscription_filter=delete_subscription_filter,
        ),
        patch.multiple(
            LogsResponse,
            create=True,
            describe_subscription_filters=describe_subscription_filters,
            test_metric_filter=test_metric_filter,
            list_tags_for_resource=list_tags_for_resource,
        ),
        patch.multiple(LogStream, put_log_events=put_log_events, _send_log_events=send),
    ):
        yield
