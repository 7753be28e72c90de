"""Subscription filters of log groups, as AWS documents them."""

from collections.abc import Iterator
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from emulator import template
from emulator.awslambda import (
    LONGEST_PAUSE_SECONDS,
    OLDEST_SECONDS,
    RETRY_SECONDS,
    Asynchronous,
    Throttled,
)
from emulator.events import Event
from emulator.log_subscription import unpacked
from emulator.moto_gaps import logs
from emulator.moto_gaps.logs import Deliveries
from emulator.template import Function

GROUP = "/ecs/checkout"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:stepcanary-CountRequests:live"
FUNCTION = Function("CountRequests", "a.handler", "stepcanary-CountRequests")
NOW = 1_700_000_000_000


class World:
    """What was invoked, and what happens later: only when somebody asks for it."""

    def __init__(self) -> None:
        self.later: list[tuple[float, Any]] = []
        self.got: list[dict[str, Any]] = []
        self.fails = 0

    def call(self, function: str, event: Event) -> None:
        assert function == "CountRequests"
        self.got.append(unpacked(event))
        if self.fails:
            self.fails -= 1
            raise RuntimeError

    def pass_time(self) -> list[float]:
        """All that waits happens, in its order; answered is when."""
        due, self.later = sorted(self.later, key=lambda each: each[0]), []
        for _, action in due:
            action()
        return [seconds for seconds, _ in due]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Iterator[Any]:
    by = Asynchronous(world.call, lambda seconds, do: world.later.append((seconds, do)))
    deliveries = Deliveries(by, twice=0.0)
    with mock_aws(), logs.filled([FUNCTION], deliveries.deliver):
        client = boto3.client("logs", region_name="us-east-1")
        client.create_log_group(logGroupName=GROUP)
        for task in ("a", "b"):
            client.create_log_stream(logGroupName=GROUP, logStreamName=f"app/app/{task}")
        yield client


def subscribe(client: Any, name: str = "release", pattern: str = "", **more: str) -> None:
    given = {"logGroupName": GROUP, "destinationArn": ARN, **more}
    client.put_subscription_filter(filterName=name, filterPattern=pattern, **given)


def write(client: Any, task: str, *lines: str) -> None:
    now = client.describe_log_groups()["logGroups"][0]["creationTime"]
    events = [{"timestamp": now + i, "message": line} for i, line in enumerate(lines)]
    client.put_log_events(logGroupName=GROUP, logStreamName=f"app/app/{task}", logEvents=events)


def filters(client: Any, **more: str) -> list[str]:
    answer = client.describe_subscription_filters(logGroupName=GROUP, **more)
    return [each["filterName"] for each in answer["subscriptionFilters"]]


def test_a_batch_of_one_stream_reaches_the_function_in_2_to_6_seconds(
    client: Any, world: World
) -> None:
    subscribe(client, pattern="{ $.status >= 500 }")
    world.later.clear()
    write(client, "a", '{"status": 500}', '{"status": 200}', "no JSON", '{"status": 502}')
    write(client, "b", '{"status": 200}')
    assert world.got == []
    [seconds] = world.pass_time()
    assert 2.0 <= seconds <= 6.0
    [got] = world.got
    assert (got["logGroup"], got["logStream"]) == (GROUP, "app/app/a")
    assert (got["messageType"], got["subscriptionFilters"]) == ("DATA_MESSAGE", ["release"])
    assert [each["message"] for each in got["logEvents"]] == ['{"status": 500}', '{"status": 502}']
    assert len({each["id"] for each in got["logEvents"]}) == 2


def test_the_destination_is_tried_at_first(client: Any, world: World) -> None:
    subscribe(client)
    world.pass_time()
    assert [got["messageType"] for got in world.got] == ["CONTROL_MESSAGE"]


def test_a_filter_is_described_changed_and_deleted(client: Any, world: World) -> None:
    subscribe(client, "one")
    subscribe(client, "two")
    subscribe(client, "one", "ERROR")
    assert filters(client) == ["one", "two"]
    assert filters(client, filterNamePrefix="tw") == ["two"]
    [first, _] = client.describe_subscription_filters(logGroupName=GROUP)["subscriptionFilters"]
    assert first.pop("creationTime")
    assert first == {
        "filterName": "one",
        "logGroupName": GROUP,
        "filterPattern": "ERROR",
        "destinationArn": ARN,
        "distribution": "ByLogStream",
    }
    client.delete_subscription_filter(logGroupName=GROUP, filterName="one")
    world.later.clear()
    write(client, "a", "ERROR")
    world.pass_time()
    assert [got["subscriptionFilters"] for got in world.got] == [["two"]]


@pytest.mark.parametrize(
    ("name", "more", "code", "word"),
    [
        ("three", {}, "LimitExceededException", "limit"),
        ("a:b", {}, "InvalidParameterException", "filterName"),
        ("one", {"pattern": "{ $.status = 500"}, "InvalidParameterException", "filter pattern"),
        ("one", {"destinationArn": f"{ARN}er"}, "InvalidParameterException", "Could not execute"),
        # The template lets CloudWatch Logs invoke the alias, and nothing else.
        ("one", {"destinationArn": ARN[:-5]}, "InvalidParameterException", "Could not execute"),
        ("one", {"logGroupName": "/ecs/other"}, "ResourceNotFoundException", "log group"),
    ],
)
def test_what_is_refused(
    client: Any, world: World, name: str, more: dict[str, str], code: str, word: str
) -> None:
    subscribe(client, "one")
    subscribe(client, "two")
    world.later.clear()
    with pytest.raises(ClientError) as refused:
        subscribe(client, name, **more)
    assert refused.value.response["Error"]["Code"] == code
    assert word in refused.value.response["Error"]["Message"]
    assert (filters(client), world.later) == (["one", "two"], [])


def test_what_is_not_there_cannot_be_deleted(client: Any) -> None:
    for group in (GROUP, "/ecs/other"):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            client.delete_subscription_filter(logGroupName=group, filterName="one")


def test_a_pattern_can_be_tried(client: Any) -> None:
    given = {"filterPattern": "{ $.a = 1 }", "logEventMessages": ['{"a": 2}', '{"a": 1}']}
    [match] = client.test_metric_filter(**given)["matches"]
    assert (match["eventNumber"], match["eventMessage"]) == (2, '{"a": 1}')
    with pytest.raises(ClientError, match="InvalidParameterException"):
        client.test_metric_filter(filterPattern="{ $.a", logEventMessages=["a"])


def test_a_group_says_its_tags_by_the_arn_without_a_star(client: Any) -> None:
    client.create_log_group(logGroupName="/ecs/tagged", tags={"stepcanary": "managed"})
    [group] = client.describe_log_groups(logGroupNamePrefix="/ecs/tagged")["logGroups"]
    tags = client.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
    assert tags == {"stepcanary": "managed"}
    with pytest.raises(ClientError, match="InvalidParameterException"):
        client.list_tags_for_resource(resourceArn=group["arn"])


def test_what_was_written_before_the_end_comes_after_it(client: Any, world: World) -> None:
    subscribe(client)
    world.later.clear()
    write(client, "a", "line")
    client.delete_subscription_filter(logGroupName=GROUP, filterName="release")
    world.pass_time()
    assert [got["logStream"] for got in world.got] == ["app/app/a"]


def test_a_function_that_fails_gets_the_same_again(client: Any, world: World) -> None:
    subscribe(client)
    world.later.clear()
    world.fails = 3
    write(client, "a", "line")
    waited = [world.pass_time() for _ in range(4)]
    assert waited[1:] == [[RETRY_SECONDS[0]], [RETRY_SECONDS[1]], []]
    assert len(world.got) == 3
    assert world.got[0] == world.got[1] == world.got[2]


@pytest.mark.parametrize(("oldest", "tries"), [(60.0, 6), (900.0, 11), (None, 80)])
def test_what_is_throttled_comes_later_and_later_until_it_is_too_old(
    oldest: float | None, tries: int
) -> None:
    later: list[tuple[float, Any]] = []
    calls: list[str] = []

    def call(function: str, _event: Event) -> None:
        calls.append(function)
        raise Throttled

    by = Asynchronous(
        call,
        lambda seconds, do: later.append((seconds, do)),
        {"CountRequests": oldest} if oldest else None,
    )
    by.invoke("CountRequests", {})
    pauses = []
    while later:
        seconds, action = later.pop()
        pauses.append(seconds)
        action()
    assert pauses[:5] == [0.0, 1.0, 2.0, 4.0, 8.0]
    assert max(pauses) <= LONGEST_PAUSE_SECONDS
    assert sum(pauses) <= (oldest or OLDEST_SECONDS)
    assert len(calls) == tries


def test_what_was_throttled_may_fail_as_often_as_any() -> None:
    later: list[Any] = []
    answers = iter([Throttled, RuntimeError, Throttled, RuntimeError, RuntimeError])
    seen: list[float] = []

    def call(_function: str, _event: Event) -> None:
        raise next(answers)

    def wait(seconds: float, do: Any) -> None:
        seen.append(seconds)
        later.append(do)

    by = Asynchronous(call, wait)
    by.invoke("CountRequests", {})
    while later:
        later.pop()()
    assert seen == [0.0, 1.0, RETRY_SECONDS[0], 2.0, RETRY_SECONDS[1]]


def test_the_template_says_how_old_an_event_may_become() -> None:
    assert template.oldest_events()["CountRequestsFunction"] == 900.0


def test_deliveries_come_twice_and_in_any_order() -> None:
    seen: list[tuple[float, str]] = []
    by = Asynchronous(
        lambda function, event: None,
        lambda seconds, _: seen.append((seconds, str(len(seen)))),
    )
    deliveries = Deliveries(by, after=(2.0, 6.0), twice=0.1, chance=Random(5))
    for number in range(200):
        deliveries.deliver("CountRequests", {"awslogs": {"data": str(number)}})
    assert 205 <= len(seen) <= 240
    assert all(2.0 <= seconds <= 6.0 for seconds, _ in seen)
    assert [seconds for seconds, _ in seen] != sorted(seconds for seconds, _ in seen)
