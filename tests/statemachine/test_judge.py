"""The judge in a whole release: what both sides count decides, whatever the alarms say."""

from typing import Any

from tests.builders import profile, request
from tests.statemachine.runner import World

STEPS = [{"weight": 20, "bake_seconds": 600}, {"weight": 100, "bake_seconds": 600}]


def judged(**judge: Any) -> Any:
    return request(profile=profile(steps=STEPS, judge=judge))


def test_a_healthy_canary_is_released_with_what_was_counted(here: World) -> None:
    outcome = here.release(judged())
    assert outcome.state == "Released", outcome


def test_a_canary_three_times_as_bad_reverts_though_no_alarm_fires(here: World) -> None:
    here.cloud.bad = lambda side, _at: 0.009 if side == "canary" else 0.003
    outcome = here.release(judged())
    assert outcome.state == "Reverted", outcome
    assert "errors: the canary gave" in outcome.cause
    assert here.cloud.split() == (100, 0)
