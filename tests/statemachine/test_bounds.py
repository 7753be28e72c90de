"""Bounds: what could go on for ever ends, and what could grow stays small."""

from typing import Any

import pytest

from stepcanary.domain.history import MOST_CORRECTIONS
from stepcanary.domain.outcome import LONGEST_EXPLANATION
from stepcanary.errors import LONGEST_MESSAGE, SplitDrifted
from stepcanary.release.retiring import MOST_TRIES
from stepcanary.store import due
from stepcanary.store.due import Task
from tests.builders import profile, request
from tests.statemachine.runner import World

NOW = 2**40
"""Everything is due by then."""


@pytest.mark.parametrize(
    ("tries", "left"), [(MOST_TRIES - 1, 1), (MOST_TRIES, 0)], ids=["tried again", "given up"]
)
def test_what_cannot_be_done_for_a_week_is_given_up(here: World, tries: int, left: int) -> None:
    due.add(Task(0, "paint", "split", "execution", tries=tries))
    here.invoke("ReconcileFunction", {"id": "schedule"})
    assert len(due.until(NOW)) == left


def test_the_first_look_at_the_old_version_may_find_a_drift(here: World) -> None:
    """How long to wait was only known from an earlier look, and the execution died of that."""
    here.cloud.broken_images = {("example1", "shop:v2")}
    check, drifted = here.handlers["CheckDeploymentFunction"], list[str]()

    def drift(event: Any, context: Any) -> Any:
        if event["restoring"] and not drifted:
            drifted.append("once")
            raise SplitDrifted("somebody wrote the route")
        return check(event, context)

    here.handlers["CheckDeploymentFunction"] = drift
    outcome = here.release(request(profile=profile(promotion={"gate_seconds": 60})))
    assert drifted
    assert outcome.state == "Reverted", outcome.cause
    assert outcome.path.count("RestoreDrifted") == 1
    assert "States.Runtime" not in outcome.cause


def test_a_split_that_moves_whenever_the_canary_goes_is_a_persons(here: World) -> None:
    """At each look in between it is at rest."""

    def retire(_event: Any, _context: Any) -> Any:
        raise SplitDrifted("moved, not at rest, so nothing is scaled in")

    here.handlers["RetireCanaryFunction"] = retire
    outcome = here.release(request())
    assert outcome.state == "RevertFailed"
    assert outcome.path.count("RetireCanary") == MOST_CORRECTIONS + 1
    assert f"was moved again {MOST_CORRECTIONS + 1} times" in outcome.cause


def test_a_cause_is_no_longer_than_what_aws_keeps(here: World) -> None:
    """Fifty alarms with the longest of names fire at once, and each says why."""
    names = [f"{number:02}-{'a' * 252}" for number in range(50)]
    for name in names:
        here.cloud.set_alarm(name, "OK")
    here.lost = {"RelayAlarmFunction", "ReconcileFunction"}

    def fire(event: Any, context: Any) -> Any:
        for name in names:
            here.cloud.set_alarm(name, "ALARM")
        return judge(event, context)

    judge = here.handlers["JudgeCanaryFunction"]
    here.handlers["JudgeCanaryFunction"] = fire
    outcome = here.release(request(profile=profile(alarms=names)))
    assert outcome.state == "Reverted"
    assert names[0] in outcome.cause
    assert len(outcome.cause) <= LONGEST_EXPLANATION


def test_an_error_is_cut_where_it_is_too_long() -> None:
    assert len(str(SplitDrifted("x" * 2 * LONGEST_MESSAGE))) == LONGEST_MESSAGE
