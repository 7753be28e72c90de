"""Requests per task of a step, and beside a primary's task at rest."""

from collections import Counter

import pytest

from sandbox.client import Client, Count
from sandbox.demo.ramp import TaskLoad, load_of, loads_of, shares


def count(seconds: float, **tasks: list[int]) -> Count:
    """What each service's tasks have answered in so long."""
    by_task = {
        (service, str(port)): number
        for service, numbers in tasks.items()
        for port, number in enumerate(numbers)
    }
    return Count(sum(by_task.values()), seconds=seconds, by_task=Counter(by_task))


def test_the_mean_and_the_busiest_of_a_side() -> None:
    step = count(10, example1=[240, 260], example2=[300, 200, 250, 210])
    assert load_of(step, "example2") == TaskLoad(4, 240.0, 300, 24.0)
    assert load_of(step, "example1") == TaskLoad(2, 250.0, 260, 25.0)


@pytest.mark.parametrize(
    "step", [Count(), count(10, example2=[199, 200]), count(0, example2=[900])]
)
def test_too_few_requests_tell_nothing(step: Count) -> None:
    assert load_of(step, "example2") is None
    assert loads_of(step) == {}


def test_a_report_has_what_tells_something() -> None:
    step = count(8, example1=[20], example2=[400, 402])
    assert loads_of(step) == {
        "canary": {"tasks": 2, "requests": 401.0, "busiest": 402, "per_second": 50.12}
    }


def test_shares_of_a_primary_at_rest() -> None:
    client = Client("http://127.0.0.1:1", canary="example2")
    with pytest.raises(ValueError, match="at rest"):
        shares(client)
    client.rest = count(5, example1=[300] * 4)
    client.steps = {
        100: count(10, example1=[1], example2=[600] * 4),
        50: count(10, example1=[300] * 4, example2=[1200]),
        5: count(10, example2=[120]),
    }
    assert shares(client) == {50: 2.0, 100: 1.0}


def test_rest_is_what_came_before_the_first_step() -> None:
    client = Client("http://127.0.0.1:1", canary="example2")
    client._steady_at = 0.0
    for weight, number in ((0, 1), (0, 10), (0, 20), (50, 30), (50, 40), (0, 50), (0, 60)):
        # Every answer came well after the weight was read.
        client._steady_at = 0.0
        for _ in range(number):
            client._count(1.0, False, "v1", "9000", {"service": "example1"})
        client.set_weight(weight)
    assert client.rest.requests == 10 + 20
    assert client.steps[50].requests == 40
    assert client.rest.seconds > 0
    assert client.total.requests == 211
