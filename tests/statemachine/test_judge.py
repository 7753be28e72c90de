"""The judge in a whole release: what both sides count decides, whatever the alarms say."""

from itertools import count
from typing import Any

import pytest

from stepcanary.release import plan
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


def test_what_is_estimated_is_fixed_while_traffic_goes_on(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, times = here.cloud._value, count(400)

    def drifting(metric: str, statistic: str, *of: Any) -> float:
        if statistic.startswith("p"):
            return next(times) / 1_000
        return value(metric, statistic, *of)

    monkeypatch.setattr(here.cloud, "_value", drifting)
    outcome = here.release(judged())
    assert outcome.state == "Released", outcome


@pytest.mark.parametrize(
    "changed",
    [
        {"budget": 60},
        {"metrics": [{"kind": "errors"}]},
        {"metrics": [{"kind": "errors", "clusters": 9}, {"kind": "latency"}]},
        {"metrics": [{"kind": "latency"}]},
        {"metrics": [{"kind": "errors"}, {"kind": "latency", "slower_than_ms": 77}]},
    ],
)
def test_estimates_of_another_judge_are_not_kept(here: World, changed: Any) -> None:
    given = {"metrics": [{"kind": "errors"}, {"kind": "latency"}]}

    def planned(judge: Any, **more: Any) -> Any:
        return plan.plan_release(
            here.arn("a-release"), *plan.resolve(judged(**judge)), **more
        ).judge

    first = planned(given)
    assert planned(given, estimates=first) == first
    assert planned(changed, estimates=first) == planned(changed) != first
