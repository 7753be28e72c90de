"""The capacity that target tracking asks for."""

from dataclasses import replace

import pytest

from sandbox.target_tracking import Reading, Service, capacity_for

STEADY = Service(desired=4, running=4, minimum=1, maximum=8)


def high(value: float) -> Reading:
    return Reading(value, 60.0, high=True)


def low(value: float) -> Reading:
    return Reading(value, 60.0, low=True)


@pytest.mark.parametrize(
    ("service", "readings", "expected"),
    [
        (STEADY, [], 4),
        (STEADY, [Reading(60.0, 60.0)], 4),
        # Out at once, as far as the load asks and the maximum allows.
        (STEADY, [high(61)], 5),
        (STEADY, [high(90)], 6),
        (STEADY, [high(600)], 8),
        (STEADY, [high(61), high(90), low(0)], 6),
        (replace(STEADY, may_scale_out=False), [high(90)], 4),
        (replace(STEADY, may_scale_in=False), [high(90)], 6),
        # In task by task, when all agree, and never below what the load needs.
        (STEADY, [low(0)], 3),
        (STEADY, [low(50)], 4),
        (STEADY, [low(0), low(50)], 4),
        (STEADY, [low(0), Reading(60.0, 60.0)], 4),
        (STEADY, [low(0), Reading(0.0, 60.0, low=None)], 3),
        (STEADY, [Reading(0.0, 60.0, low=None)], 4),
        (replace(STEADY, may_scale_in=False), [low(0)], 4),
        (replace(STEADY, minimum=4), [low(0)], 4),
        # What somebody set outside the bounds: each direction mends its own.
        (replace(STEADY, desired=1, minimum=2, running=1), [high(61)], 2),
        (replace(STEADY, desired=1, minimum=2, running=1), [low(0)], 1),
        (replace(STEADY, desired=10, running=10), [low(0)], 8),
        (replace(STEADY, desired=10, running=10), [high(90)], 10),
        # New tasks that do not show in the metric yet are not asked for again.
        (replace(STEADY, desired=6, running=6, base=4), [high(90)], 6),
        (replace(STEADY, desired=6, running=6, base=4), [high(100)], 7),
        # More than is desired may run, in a deployment.
        (replace(STEADY, running=8), [high(40)], 6),
    ],
)
def test_capacity(service: Service, readings: list[Reading], expected: int) -> None:
    assert capacity_for(service, readings) == expected
