"""A task's limit of requests per second: a bucket in a virtual time, and a real task past it."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import sandbox.app
from sandbox.app import Bucket
from sandbox.client import Client
from sandbox.ports import free_port
from tests.eventually import within

eventually = within(20)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(bucket: Bucket, clock: Clock, rate: int, seconds: float) -> int:
    """How many of the requests pass that come at this rate, evenly."""
    passed = 0
    for _ in range(int(rate * seconds)):
        clock.now += 1 / rate
        passed += bucket.take()
    return passed


def test_what_is_within_the_limit_passes() -> None:
    clock = Clock()
    assert taken(Bucket(50, clock), clock, 50, 10) == 500


@pytest.mark.parametrize("rate", [51, 100, 1000])
def test_what_is_past_it_is_refused_once_a_second_s_worth_is_used(rate: int) -> None:
    clock = Clock()
    bucket = Bucket(50, clock)
    assert taken(bucket, clock, rate, 60) == pytest.approx(min(rate * 60, 50 * 61), abs=2)
    assert taken(bucket, clock, rate, 10) == pytest.approx(50 * 10, abs=12)


def test_a_pause_fills_it_to_a_second_s_worth_and_no_more() -> None:
    clock = Clock()
    bucket = Bucket(50, clock)
    taken(bucket, clock, 1000, 5)
    clock.now += 3600
    assert sum(bucket.take() for _ in range(1000)) == 50


@pytest.fixture
def url() -> Iterator[str]:
    """A task that takes 5 requests per second."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(sandbox.app.__file__))],
        env={
            **os.environ,
            "PORT": str(port),
            "IMAGE": "shop:v1",
            "SERVICE": "example1",
            "REQUESTS_PER_SECOND": "5",
        },
    )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return bool(urllib.request.urlopen(f"{url}/health", timeout=2).status == 200)
        except OSError:
            return False

    try:
        eventually(answers)
        yield url
    finally:
        process.kill()
        process.wait()


def refused_answer(url: str) -> tuple[int, dict[str, str]]:
    for _ in range(100):
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
    raise AssertionError("the task takes everything")


def test_a_task_past_its_limit_refuses_and_says_so(url: str) -> None:
    client = Client(url, canary="example2", rate=100, limit=40)
    client.start()
    eventually(lambda: client.total.requests >= 40)
    client.close()
    total = client.total
    assert 0 < total.refused <= total.requests - 5
    assert total.refused == total.errors == total.errors_by_version["v1"]
    assert total.refused_by_canary == 0
    assert [service for service, _ in total.by_task] == ["example1"]
    status, body = refused_answer(url)
    assert status == 503
    assert body["refused"].startswith("this task takes 5 requests")
    # Health checks are not counted: the load balancer keeps a task that is busy.
    for _ in range(20):
        assert urllib.request.urlopen(f"{url}/health", timeout=2).status == 200
