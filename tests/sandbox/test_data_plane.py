"""Real requests through a real Envoy to real processes, told what to do by AWS API calls."""

import http.client
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from emulator.moto_gaps import appmesh, cloudwatch, ecs
from sandbox import article
from sandbox.ecs_agent import EcsAgent
from sandbox.fronts.appmesh import AppMesh, route_spec
from sandbox.gateway import Gateway
from sandbox.metrics import Metrics
from tests.eventually import within

eventually = within(20)


@dataclass
class Cloud:
    client: Callable[[str], Any]
    agent: EcsAgent
    gateway: Gateway
    events: list[dict[str, Any]] = field(default_factory=list)
    changes: list[tuple[str, str]] = field(default_factory=list)
    """States of the article's alarm, before and after."""

    def service(self, name: str) -> dict[str, Any]:
        answer = self.client("ecs").describe_services(cluster="example", services=[name])
        found: dict[str, Any] = answer["services"][0]
        return found

    def update(self, name: str, **parameters: Any) -> dict[str, Any]:
        answer = self.client("ecs").update_service(cluster="example", service=name, **parameters)
        found: dict[str, Any] = answer["service"]
        return found

    def register(self, family: str, tag: str) -> str:
        client = self.client("ecs")
        old = client.describe_task_definition(taskDefinition=family)["taskDefinition"]
        containers = old["containerDefinitions"]
        containers[0]["image"] = article.image(tag)
        kept = ("family", "networkMode", "requiresCompatibilities", "cpu", "memory")
        new = client.register_task_definition(
            containerDefinitions=containers, **{name: old[name] for name in kept}
        )
        arn: str = new["taskDefinition"]["taskDefinitionArn"]
        return arn

    def rollout(self, name: str) -> str:
        state: str = self.service(name)["deployments"][0]["rolloutState"]
        return state

    def settled(self, name: str) -> bool:
        service = self.service(name)
        [deployment, *others] = service["deployments"]
        return (
            not others
            and deployment["rolloutState"] == "COMPLETED"
            and deployment["runningCount"] == service["desiredCount"]
        )

    def split(self, primary: int, canary: int) -> None:
        self.client("appmesh").update_route(
            meshName="example",
            virtualRouterName="example",
            routeName="example",
            spec=route_spec(primary, canary),
        )


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.headers["x-version"]
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("x-version") or ""


class Load:
    """Keep-alive clients that never pause; every answer, and every lack of one, is counted."""

    def __init__(self, port: int, clients: int = 4) -> None:
        self._port = port
        self._stop = threading.Event()
        self.answers: Counter[str] = Counter()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(10)

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        while not self._stop.is_set():
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                answer.read()
                self.answers[f"{answer.status} {answer.headers['x-version']}"] += 1
            except OSError as error:
                self.answers[f"error {error}"] += 1
                connection.close()
            time.sleep(0.002)
        connection.close()

    def failures(self) -> dict[str, int]:
        return {key: n for key, n in self.answers.items() if not key.startswith("200 ")}


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    changes: list[tuple[str, str]] = []

    def note(alarm: Any, before: str) -> None:
        if alarm.name == article.ALARM:
            changes.append((before, alarm.state_value))

    front = AppMesh()
    gaps = ExitStack()
    for gap in (
        ecs.filled(),
        appmesh.filled(),
        cloudwatch.filled(note),
    ):
        gaps.enter_context(gap)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    urllib.request.urlopen(
        urllib.request.Request(f"{endpoint}/moto-api/reset", method="POST"), timeout=10
    ).close()

    def client(service: str) -> Any:
        return boto3.client(service, region_name="us-east-1", endpoint_url=endpoint)  # type: ignore[call-overload]

    events: list[dict[str, Any]] = []
    agent = EcsAgent(health_seconds=2.0, on_event=events.append)
    envoy = Gateway(front)
    meter = Metrics(seconds_per_period=1.0)
    try:
        article.create(client, front, [envoy.port])
        agent.start()
        envoy.start()
        meter.count(envoy, front)
        meter.start()
        eventually(lambda: get(envoy.url) == (200, "v1"))
        yield Cloud(client, agent, envoy, events, changes)
        assert envoy.rejected_updates() == 0
    finally:
        meter.close()
        envoy.close()
        agent.close()
        server.stop()
        gaps.close()


def test_a_release_loses_no_request(cloud: Cloud) -> None:
    eventually(lambda: cloud.settled("example1"))
    canary = cloud.update(
        "example2", taskDefinition=cloud.register("example2", "v2"), desiredCount=2
    )
    assert canary["taskDefinition"].startswith("arn:aws:ecs:")
    eventually(lambda: cloud.settled("example2"))
    with Load(cloud.gateway.port) as load:
        cloud.split(50, 50)
        time.sleep(1.0)
        load.answers.clear()
        time.sleep(2.0)
        shares = dict(load.answers)
        before = cloud.service("example1")["deployments"][0]["id"]
        updated = cloud.update("example1", taskDefinition=cloud.register("example1", "v2"))
        [primary, older] = updated["deployments"]
        assert (primary["status"], primary["rolloutState"]) == ("PRIMARY", "IN_PROGRESS")
        assert (older["status"], older["id"]) == ("ACTIVE", before)
        assert primary["id"] != before
        eventually(lambda: cloud.settled("example1"))
        cloud.split(100, 0)
        time.sleep(0.5)
        cloud.update("example2", desiredCount=0)
        eventually(lambda: cloud.service("example2")["runningCount"] == 0)
        time.sleep(0.5)
    assert 0.4 < shares["200 v2"] / sum(shares.values()) < 0.6
    assert load.failures() == {}
    assert sum(load.answers.values()) > 500
    assert get(cloud.gateway.url) == (200, "v2")
    names = [event["detail"]["eventName"] for event in cloud.events]
    assert names.count("SERVICE_DEPLOYMENT_COMPLETED") == 4


def test_weight_zero_carries_nothing(cloud: Cloud) -> None:
    with Load(cloud.gateway.port) as load:
        time.sleep(1.0)
    assert set(load.answers) == {"200 v1"}


@pytest.mark.parametrize("tag", ["v2-crash", "v2-hang"])
def test_circuit_breaker_keeps_the_older_tasks(cloud: Cloud, tag: str) -> None:
    eventually(lambda: cloud.settled("example1"))
    with Load(cloud.gateway.port) as load:
        cloud.update("example1", taskDefinition=cloud.register("example1", tag))
        eventually(lambda: cloud.rollout("example1") == "FAILED")
        time.sleep(1.0)
    service = cloud.service("example1")
    [failed, older] = service["deployments"]
    assert failed["failedTasks"] >= 3
    assert "circuit breaker" in failed["rolloutStateReason"]
    assert older["runningCount"] == 2
    assert set(load.answers) == {"200 v1"}


def test_circuit_breaker_rolls_back(cloud: Cloud) -> None:
    eventually(lambda: cloud.settled("example1"))
    good = cloud.service("example1")["taskDefinition"]
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    bad = cloud.update(
        "example1",
        taskDefinition=cloud.register("example1", "v2-crash"),
        deploymentConfiguration=breaker,
    )
    eventually(lambda: cloud.service("example1")["taskDefinition"] == good)
    eventually(lambda: cloud.settled("example1"))
    ids = [d["id"] for d in cloud.service("example1")["deployments"]]
    assert bad["deployments"][0]["id"] not in ids
    assert get(cloud.gateway.url) == (200, "v1")


def test_a_new_count_is_no_deployment(cloud: Cloud) -> None:
    eventually(lambda: cloud.settled("example1"))
    before = cloud.service("example1")["deployments"][0]["id"]
    cloud.update("example1", desiredCount=3)
    eventually(lambda: cloud.service("example1")["runningCount"] == 3)
    service = cloud.service("example1")
    assert [d["id"] for d in service["deployments"]] == [before]
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"]["enable"] is True
    assert service["deploymentController"] == {"type": "ECS"}
    assert service["serviceRegistries"][0]["registryArn"]
    forced = cloud.update("example1", forceNewDeployment=True)
    assert forced["deployments"][0]["id"] != before
    eventually(lambda: cloud.settled("example1"))


def test_a_rollout_keeps_to_its_percentages(cloud: Cloud) -> None:
    eventually(lambda: cloud.settled("example1"))
    percentages = {"minimumHealthyPercent": 100, "maximumPercent": 100}
    cloud.update(
        "example1",
        taskDefinition=cloud.register("example1", "v2"),
        deploymentConfiguration=percentages,
    )
    # None may go and none may come, so it waits; but what dies is replaced by its own version.
    os.kill(cloud.agent.pids("example1")[0], signal.SIGKILL)
    eventually(lambda: cloud.service("example1")["runningCount"] == 1)
    eventually(lambda: cloud.service("example1")["runningCount"] == 2)
    [primary, older] = cloud.service("example1")["deployments"]
    assert (primary["rolloutState"], primary["runningCount"]) == ("IN_PROGRESS", 0)
    assert (older["runningCount"], older["desiredCount"]) == (2, 2)

    counts: list[int] = []
    with Load(cloud.gateway.port) as load:
        cloud.update(
            "example1", deploymentConfiguration={**percentages, "minimumHealthyPercent": 50}
        )

        def settled() -> bool:
            service = cloud.service("example1")
            counts.append(service["runningCount"] + service["pendingCount"])
            return cloud.settled("example1")

        eventually(settled)
    assert set(counts) <= {1, 2}
    assert load.failures() == {}
    assert get(cloud.gateway.url) == (200, "v2")


def test_a_scale_out_in_a_rollout_adds_to_both_versions(cloud: Cloud) -> None:
    eventually(lambda: cloud.settled("example1"))
    cloud.update("example1", taskDefinition=cloud.register("example1", "v2-hang"))
    eventually(lambda: len(cloud.service("example1")["deployments"]) == 2)
    eventually(lambda: len(cloud.agent.pids("example1")) == 4)
    cloud.update("example1", desiredCount=3)
    eventually(lambda: cloud.service("example1")["deployments"][1]["runningCount"] == 3)


def test_a_killed_task_is_replaced(cloud: Cloud) -> None:
    eventually(lambda: cloud.settled("example1"))
    [victim, survivor] = cloud.agent.pids("example1")
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: victim not in cloud.agent.pids("example1"))
    eventually(lambda: cloud.service("example1")["runningCount"] == 2)
    assert survivor in cloud.agent.pids("example1")


def test_a_broken_image_crashes_in_a_loop(cloud: Cloud) -> None:
    deployed = cloud.register("example2", "v2")
    cloud.update("example2", taskDefinition=deployed, desiredCount=2)
    eventually(lambda: cloud.settled("example2"))
    before = cloud.agent.pids("example2")
    cloud.agent.break_image(article.image("v2"))
    eventually(lambda: cloud.service("example2")["runningCount"] == 0)
    eventually(lambda: set(cloud.agent.pids("example2")) - set(before))
    time.sleep(1.0)
    # A deployment that is complete is not taken back, whatever becomes of its tasks.
    [deployment] = cloud.service("example2")["deployments"]
    assert (deployment["rolloutState"], deployment["runningCount"]) == ("COMPLETED", 0)
    assert cloud.service("example1")["runningCount"] == 2


def test_a_deregistered_revision_runs_on_and_is_scaled(cloud: Cloud) -> None:
    eventually(lambda: cloud.settled("example1"))
    runs = cloud.service("example1")["taskDefinition"]
    cloud.client("ecs").deregister_task_definition(taskDefinition=runs)
    [victim, survivor] = cloud.agent.pids("example1")
    os.kill(victim, signal.SIGKILL)
    cloud.update("example1", desiredCount=3)
    eventually(lambda: len(set(cloud.agent.pids("example1")) - {victim}) == 3)
    eventually(lambda: cloud.service("example1")["runningCount"] == 3)
    assert survivor in cloud.agent.pids("example1")
    assert cloud.service("example1")["taskDefinition"] == runs


def test_a_faulty_canary_raises_the_alarm(cloud: Cloud) -> None:
    cloudwatch = cloud.client("cloudwatch")

    def alarm() -> dict[str, Any]:
        found: dict[str, Any] = cloudwatch.describe_alarms(AlarmNames=["example2-5xx"])[
            "MetricAlarms"
        ][0]
        return found

    eventually(lambda: alarm()["StateValue"] == "OK")
    cloud.update("example2", taskDefinition=cloud.register("example2", "v2-fail20"), desiredCount=2)
    eventually(lambda: cloud.settled("example2"))
    # Requests that came before the first task did count as 503 of the primary.
    before = cloud.gateway.cluster_stats()
    with Load(cloud.gateway.port):
        cloud.split(50, 50)
        eventually(lambda: alarm()["StateValue"] == "ALARM")
        assert alarm()["StateTransitionedTimestamp"]
        cloud.split(100, 0)
        eventually(lambda: alarm()["StateValue"] == "OK")
    assert cloud.changes == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM"), ("ALARM", "OK")]
    stats = cloud.gateway.cluster_stats()
    assert stats["example1"]["errors_5xx"] == before["example1"]["errors_5xx"]
    assert stats["example2"]["errors_5xx"] > 3
