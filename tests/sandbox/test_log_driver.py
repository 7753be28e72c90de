"""What a task writes becomes lines of its log group, by the batch."""

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from emulator.moto_gaps import ecs
from sandbox import log_driver
from sandbox.ecs_agent import EcsAgent
from sandbox.log_driver import LogDriver
from tests.eventually import within

eventually = within(20)
GROUP = "/ecs/shop"


class Stream:
    """Who writes to a driver when a test says so, and what the driver has put."""

    def __init__(self, seconds: float) -> None:
        self.put: list[list[dict[str, Any]]] = []
        self.was_put = threading.Event()
        echo = "import sys; [sys.stdout.buffer.write(each) for each in sys.stdin.buffer]"
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-I", "-S", "-c", echo],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.driver = LogDriver(self.process, self._put, seconds=seconds)

    def _put(self, events: list[dict[str, Any]]) -> None:
        self.put.append(events)
        self.was_put.set()

    def write(self, text: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()
        self.driver.wait()

    @property
    def lines(self) -> list[list[str]]:
        return [[event["message"] for event in events] for events in self.put]


def test_lines_are_put_every_few_seconds() -> None:
    stream = Stream(seconds=0.2)
    stream.write(b"one\ntwo\n")
    assert stream.was_put.wait(20)
    stream.write(b"three\n")
    stream.end()
    assert [line for lines in stream.lines for line in lines] == ["one", "two", "three"]
    stamps = [event["timestamp"] for events in stream.put for event in events]
    assert stamps == sorted(stamps)


def test_what_is_left_is_put_at_the_end() -> None:
    stream = Stream(seconds=600)
    stream.write(b"one\nhalf")
    stream.write(b" a line\ncut \xff off")
    stream.end()
    assert stream.lines == [["one", "half a line", "cut \N{REPLACEMENT CHARACTER} off"]]


def test_a_large_batch_is_put_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_driver, "MOST_LINES", 3)
    monkeypatch.setattr(log_driver, "MOST_BYTES", 100)
    stream = Stream(seconds=600)
    stream.write(b"a\nb\nc\nd\n" + b"e" * 60 + b"\nf\n")
    stream.end()
    assert stream.lines == [["a", "b", "c"], ["d"], ["e" * 60], ["f"]]


@pytest.fixture
def agent() -> Iterator[EcsAgent]:
    with mock_aws(), ecs.filled():
        boto3.client("logs", region_name="us-east-1").create_log_group(logGroupName=GROUP)
        agent = EcsAgent(flush_seconds=0.2)
        agent.start()
        yield agent
        agent.close()


def run(group: str, **options: str) -> Any:
    """An ECS service of one task that writes to this group."""
    client = boto3.client("ecs", region_name="us-east-1")
    client.create_cluster(clusterName="example")
    written = {"awslogs-group": group, "awslogs-region": "us-east-1", **options}
    client.register_task_definition(
        family="shop",
        containerDefinitions=[
            {
                "name": "app",
                "image": "shop:v1",
                "memory": 128,
                "logConfiguration": {"logDriver": "awslogs", "options": written},
            }
        ],
    )
    client.create_service(
        cluster="example", serviceName="shop", taskDefinition="shop", desiredCount=1
    )
    return client


def deployment(client: Any) -> dict[str, Any]:
    answer = client.describe_services(cluster="example", services=["shop"])
    found: dict[str, Any] = answer["services"][0]["deployments"][0]
    return found


def test_each_request_is_a_line_in_the_stream_of_the_task(agent: EcsAgent) -> None:
    client = run(GROUP, **{"awslogs-stream-prefix": "front"})
    eventually(lambda: deployment(client)["rolloutState"] == "COMPLETED")
    [arn] = client.list_tasks(cluster="example", serviceName="shop")["taskArns"]
    stream = f"front/app/{arn.rpartition('/')[2]}"
    [task] = [task for fleet in agent._fleets.values() for task in fleet.tasks]
    urllib.request.urlopen(f"http://127.0.0.1:{task.port}/cart?id=1", timeout=10).close()
    logs = boto3.client("logs", region_name="us-east-1")

    def lines() -> list[dict[str, Any]]:
        found = logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True)[
            "events"
        ]
        return [json.loads(event["message"]) for event in found]

    eventually(lambda: [line for line in lines() if line["path"] == "/cart?id=1"])
    line = lines()[-1]
    assert (line["method"], line["status"]) == ("GET", 200)
    assert 0 <= line["duration_ms"] < 10_000
    assert lines()[0]["path"] == "/health"


def test_whose_a_task_was_is_known_when_it_has_stopped(agent: EcsAgent) -> None:
    """Its lines may come later than its end."""
    client = run(GROUP, **{"awslogs-stream-prefix": "front"})
    eventually(lambda: deployment(client)["rolloutState"] == "COMPLETED")
    [arn] = client.list_tasks(cluster="example", serviceName="shop")["taskArns"]
    id = arn.rpartition("/")[2]
    client.update_service(cluster="example", service="shop", desiredCount=0)
    eventually(lambda: not client.list_tasks(cluster="example", serviceName="shop")["taskArns"])
    answer = client.describe_tasks(cluster="example", tasks=[id, "0" * 32])
    [task] = answer["tasks"]
    assert (task["taskArn"], task["group"]) == (arn, "service:shop")
    assert task["taskDefinitionArn"] == deployment(client)["taskDefinition"]
    assert task["lastStatus"] == "STOPPED"
    assert [failure["reason"] for failure in answer["failures"]] == ["MISSING"]


def test_a_task_does_not_start_without_its_log_group(agent: EcsAgent) -> None:
    client = run("/ecs/other", **{"awslogs-stream-prefix": "front"})
    eventually(lambda: deployment(client)["failedTasks"] > 0)
    assert deployment(client)["runningCount"] == 0


def test_a_log_group_is_made_where_the_task_asks_for_it(agent: EcsAgent) -> None:
    client = run("/ecs/other", **{"awslogs-create-group": "true"})
    eventually(lambda: deployment(client)["rolloutState"] == "COMPLETED")
    [arn] = client.list_tasks(cluster="example", serviceName="shop")["taskArns"]
    logs = boto3.client("logs", region_name="us-east-1")
    [stream] = logs.describe_log_streams(logGroupName="/ecs/other")["logStreams"]
    assert stream["logStreamName"] == arn.rpartition("/")[2]


def test_a_group_that_is_deleted_meanwhile_takes_no_lines() -> None:
    options = {"awslogs-group": GROUP, "awslogs-create-group": "true"}
    container = {"name": "app", "logConfiguration": {"logDriver": "awslogs", "options": options}}
    with mock_aws():
        put = log_driver.stream_for(container, "task", "123456789012", "us-east-1")
        assert put is not None
        boto3.client("logs", "us-east-1").delete_log_group(logGroupName=GROUP)
        put([{"timestamp": 1, "message": "late"}])
