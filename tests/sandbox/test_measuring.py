"""What is measured of real requests through a real Envoy, and what CloudWatch gets of it."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

import sandbox.app
from emulator.moto_gaps import metric_data
from sandbox import access_log
from sandbox.envoy import weighted
from sandbox.fronts.alb import series_of
from sandbox.fronts.front import Cluster, Plan, Series
from sandbox.gateway import Gateway
from sandbox.metrics import Metrics
from sandbox.ports import free_port
from tests.eventually import within

eventually = within(20)
SLOW_SECONDS = 0.05


@dataclass
class Two:
    """A slow task, and one that is not there."""

    slow: int = field(default_factory=free_port)
    dead: int = field(default_factory=free_port)

    def plan(self) -> Plan:
        clusters = {
            name: Cluster([("127.0.0.1", port)])
            for name, port in (("slow", self.slow), ("dead", self.dead))
        }
        paths = {"slow": "/slow", "dead": "/dead"}
        return Plan(
            clusters,
            [{"match": {"prefix": paths[name]}, **weighted({name: 1})} for name in clusters],
        )


def ask(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


@pytest.fixture
def task() -> Iterator[tuple[Two, "subprocess.Popen[bytes]"]]:
    two = Two()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(sandbox.app.__file__))],
        env={**os.environ, "PORT": str(two.slow), "IMAGE": f"shop:v1-slow{SLOW_SECONDS * 1000:g}"},
    )
    try:
        eventually(lambda: ask(f"http://127.0.0.1:{two.slow}/health") == 200)
        yield two, process
    finally:
        process.kill()
        process.wait()


def test_envoy_says_how_long_each_answer_took_and_what_nobody_answered(
    task: tuple[Two, "subprocess.Popen[bytes]"], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A new file at every reading, and no answer is lost.
    monkeypatch.setattr(access_log, "MOST_BYTES", 0)
    two, process = task
    gateway = Gateway(two)
    gateway.start()
    try:
        eventually(lambda: ask(f"{gateway.url}/slow") == 200)
        eventually(lambda: bool(gateway.response_times()))
        answers = [ask(f"{gateway.url}/slow") for _ in range(10)]
        process.send_signal(signal.SIGUSR2)
        while 500 not in answers and len(answers) < 200:
            answers.append(ask(f"{gateway.url}/slow"))
        answers.append(ask(f"{gateway.url}/slow"))
        assert ask(f"{gateway.url}/dead") == 503
        times: list[float] = []
        dead: list[float] = []

        def all_there() -> bool:
            found = gateway.response_times()
            times.extend(found.get("slow", []))
            dead.extend(found.get("dead", []))
            return len(times) >= len(answers)

        eventually(all_there)
        stats = gateway.cluster_stats()
    finally:
        gateway.close()
    assert answers.count(500) == 1
    assert len(times) == len(answers)
    assert min(times) >= SLOW_SECONDS
    assert dead == []
    assert stats["dead"]["refused_connections"] >= 1
    assert (stats["slow"]["refused_connections"], stats["slow"]["errors_5xx"]) == (0, 1)


class Counted:
    """A gateway that has counted this since the last look."""

    def __init__(self) -> None:
        self.stats = {"shop": {"requests": 0, "errors_5xx": 0, "refused_connections": 0}}
        self.times: dict[str, list[float]] = {}

    def cluster_stats(self) -> dict[str, dict[str, int]]:
        return {name: dict(each) for name, each in self.stats.items()}

    def response_times(self) -> dict[str, list[float]]:
        found, self.times = self.times, {}
        return found

    def plan(self) -> Plan:
        return Plan()

    def series(self, cluster: str) -> Series:
        assert cluster == "shop"
        return series_of("app/shop/1", "arn:aws:elb:us-east-1:1:targetgroup/shop/1")

    def tracked(self, cluster: str) -> None: ...


def test_cloudwatch_gets_a_load_balancer_s_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws(), metric_data.filled():
        cloudwatch: Any = boto3.client("cloudwatch", region_name="us-east-1")
        gateway, meter = Counted(), Metrics()
        meter.count(gateway, gateway)
        gateway.stats = {"shop": {"requests": 4, "errors_5xx": 1, "refused_connections": 2}}
        gateway.times = {"shop": [0.0021, 0.0021, 0.4]}
        meter.publish(1_000_000_020)
        meter.publish(1_000_000_080)

        def values(name: str, stat: str = "Sum") -> list[float]:
            place = {"LoadBalancer": "app/shop/1", "TargetGroup": "targetgroup/shop/1"}
            metric = {
                "Namespace": "AWS/ApplicationELB",
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in place.items()],
            }
            stat_of = {"Metric": metric, "Period": 60, "Stat": stat}
            found: list[float] = cloudwatch.get_metric_data(
                MetricDataQueries=[{"Id": "a", "MetricStat": stat_of}],
                StartTime=1_000_000_000,
                EndTime=1_000_000_200,
            )["MetricDataResults"][0]["Values"]
            return found

        assert values("RequestCount") == [4]
        assert values("HTTPCode_Target_5XX_Count") == [1]
        assert values("TargetConnectionErrorCount") == [2]
        assert values("TargetResponseTime", "SampleCount") == [3]
        assert values("TargetResponseTime", "TC(0.2:)") == [1]
        assert values("TargetResponseTime", "p50") == [0.0021]
