"""Ramp: within the budget where any is, and no higher a weight than that where none is."""

from dataclasses import replace

import pytest

from stepcanary.domain.profile import Step
from stepcanary.domain.ramp import lasts, proposed
from tests.unit.test_exposure import STEPS, outages


def test_a_generous_budget_leaves_the_ramp_as_it_is() -> None:
    found = proposed(outages(6_000), 1_000_000)
    assert [step.weight for step in found.steps] == [step.weight for step in STEPS]
    assert all(step.within for step in found.steps)
    assert found.longer_by == 0


@pytest.mark.parametrize("budget", [600, 2_000, 5_000, 20_000])
def test_what_is_said_of_its_steps_is_so(budget: int) -> None:
    of = outages(6_000, alarm=180)
    found = proposed(of, budget)
    steps = [Step(weight=step.weight, bake_seconds=step.bake_seconds) for step in found.steps]
    assert [step.weight for step in steps] == sorted({step.weight for step in steps})
    assert steps[-1].weight == 100
    again = replace(of, steps=steps)
    assert [again.exposed(n).failed for n in range(len(steps))] == [s.failed for s in found.steps]
    assert [step.failed <= budget for step in found.steps] == [step.within for step in found.steps]
    assert found.seconds == lasts(again)


def test_a_tighter_budget_means_lower_weights_and_says_what_no_ramp_helps() -> None:
    highest = []
    for budget in (600, 2_000, 5_000, 20_000):
        found = proposed(outages(6_000, alarm=180), budget)
        highest.append(found.steps[-2].weight)
        # Only the step before all traffic, and that itself, may cost more.
        assert all(step.within for step in found.steps[:-2])
        assert not found.steps[-1].within or all(step.within for step in found.steps)
    assert highest == sorted(highest)
    assert highest[0] < highest[-1]


def test_bakes_are_as_long_as_the_judge_needs_and_longer_ones_are_said() -> None:
    short = replace(
        outages(6_000), steps=[Step(weight=w, bake_seconds=60) for w in (5, 100)], holds=0
    )
    found = proposed(short, 1_000_000)
    assert min(step.bake_seconds for step in found.steps) >= 240
    assert found.longer_by == sum(step.bake_seconds for step in found.steps) - 120
    assert found.longer_by > 0


def test_a_profile_of_one_step_gets_one_before_it() -> None:
    alone = replace(outages(6_000, alarm=180), steps=[Step(weight=100, bake_seconds=600)])
    found = proposed(alone, 2_000)
    assert [step.weight for step in found.steps[1:]] == [100]
    assert found.steps[0].weight < 20
