"""Choices: steps, and least numbers of errors, among which the defaults were chosen."""

from dataclasses import replace

from bench.exposure.engine import System
from bench.exposure.faults import FAULTS, GOOD
from bench.exposure.judged import Minutes
from bench.exposure.sources import Alarm, First
from bench.exposure.systems import (
    ALARM,
    AT_ONCE,
    LEAST_ERRORS,
    OLD_STEPS,
    STEPS,
    Steps,
    this_project,
    weights_of,
)

LISTS: dict[str, Steps] = {
    "as before": OLD_STEPS,
    "four": ((1, 240), (10, 240), (50, 300), (100, 420)),
    "five, even": ((1, 225), (5, 225), (20, 225), (50, 225), (100, 225)),
    "five, late": ((1, 180), (5, 180), (25, 240), (50, 240), (100, 300)),
    "six": ((1, 180), (5, 180), (10, 180), (25, 180), (50, 180), (100, 210)),
    "the default": STEPS,
}
LEAST = (1, 3, LEAST_ERRORS, 5)
BY_STEPS = tuple(
    this_project(
        f"steps: {name}",
        First((ALARM, Minutes(weights_of(steps)))),
        AT_ONCE,
        steps=steps,
    )
    for name, steps in LISTS.items()
)
BY_LEAST = tuple(
    replace(
        this_project(f"alarm: {least} errors", Alarm(least=least), AT_ONCE), needs_primary=False
    )
    for least in LEAST
)
CHOICES: tuple[System, ...] = (*BY_STEPS, *BY_LEAST)
GOOD_AT = tuple(
    replace(GOOD, name=f"good at {rate}/s", rate=rate) for rate in (10.0, 80.0, 1_000.0)
)
CELLS = [
    *((system, fault) for system in BY_STEPS for fault in (*FAULTS, GOOD)),
    *((system, fault) for system in BY_LEAST for fault in (FAULTS[0], FAULTS[3], GOOD, *GOOD_AT)),
]
