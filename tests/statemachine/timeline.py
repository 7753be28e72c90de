"""When what happens in a release of the example profile, and what a test does meanwhile.

The canary is steady after 15 s and has its first weight then; the router may take 35 s; each of the
three bakes takes 300 s.
"""

from collections.abc import Callable
from typing import Any

from tests.statemachine.runner import Outcome, World

FIRST_BAKE = 100.0
"""Seconds after the start: the canary has its first weight, and no alarm has fired."""
LAST_BAKE = 800.0
PRIMARY_ROLLS = 1_040.0
"""The bakes are over, and the primary is being replaced."""


def later(here: World, seconds: float, do: Callable[[], Any]) -> list[Any]:
    """Do it once so much time has passed; the list gets what came of it."""
    done: list[Any] = []
    here.clock.after(seconds, lambda: done.append(do()))
    return done


def timed(here: World, outcome_of: Callable[[], Outcome]) -> tuple[Outcome, float]:
    """How it ended, and after how many seconds."""
    began = here.clock.now()
    outcome = outcome_of()
    return outcome, (here.clock.now() - began).total_seconds()
