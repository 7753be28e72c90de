"""Ramp: steps over which an outage costs no more than a budget of failed requests, if any do."""

from dataclasses import replace

from stepcanary.domain.exposure import BETWEEN_SECONDS, PERIOD, Outages
from stepcanary.domain.model import Model
from stepcanary.domain.profile import DAY_SECONDS, Step

LOWER = 0.7
FIRST_CAP = 50
"""Of a profile that has all traffic at once."""
MOST_TRIES = 14


class RampStep(Model):
    """`failed` is what an outage costs at most that begins in it, `within` whether the budget has
    it."""

    weight: int
    bake_seconds: int
    failed: int
    within: bool


class Ramp(Model):
    """Steps for a budget of failed requests. `seconds` is how long they last without holds, and
    `longer_by` how much longer than those of the profile."""

    budget: int
    steps: list[RampStep]
    seconds: int
    longer_by: int


def proposed(outages: Outages, budget: int) -> Ramp:
    """The profile's ramp with lower weights where an outage costs too much, and bakes in which one
    is seen that begins with its step.

    What an outage costs is most where it begins just before the next weight is written, so a step's
    cost follows from that weight. The last one is always 100: where it is over the budget no ramp
    helps.
    """
    cap = 100
    for _ in range(MOST_TRIES):
        found = _with_bakes(outages, _capped(outages, cap))
        ramp = _ramp(outages, found, budget)
        *before, last = ramp.steps
        if not before:
            if last.within:
                return ramp
            cap = FIRST_CAP
            continue
        if before[-1].weight == 1 or not _is_helped(found, ramp):
            return ramp
        cap = max(1, min(int(before[-1].weight * LOWER), before[-1].weight - 1))
    return ramp


def _is_helped(outages: Outages, ramp: Ramp) -> bool:
    """Whether lower weights bring a step within the budget. The one before 100 costs what 100 does,
    so where that is over the budget it is asked what it costs by itself."""
    *others, before, last = ramp.steps
    if last.within:
        return not (before.within and all(step.within for step in others))
    too_much = _alone(outages, len(others)) > ramp.budget
    return too_much or not all(step.within for step in others)


def _alone(outages: Outages, step: int) -> int:
    """What an outage in this step costs if no more weight follows it."""
    return replace(outages, steps=outages.steps[: step + 1], holds=0).exposed(step).failed


def _capped(outages: Outages, cap: int) -> list[Step]:
    """The profile's steps with no more weight than the cap, before the last."""
    *before, last = outages.steps
    found: list[Step] = []
    for step in before or [last]:
        weight = min(step.weight, cap)
        if weight < 100 and (not found or weight > found[-1].weight):
            found.append(step.model_copy(update={"weight": weight}))
    return [*found, last]


def _with_bakes(outages: Outages, steps: list[Step]) -> Outages:
    """With bakes as long as the judge needs, and what is left of the profile's time for all."""
    needed: list[int] = []
    for number in range(len(steps)):
        # How long the steps before it bake says how much is known of the primary.
        sketch = replace(outages, steps=_baked(steps, needed))
        needed.append(_needed(sketch, number))
    left = sum(step.bake_seconds for step in outages.steps) - sum(needed)
    more = max(0, left // len(steps) // PERIOD * PERIOD)
    baked = _baked(steps, [min(DAY_SECONDS, seconds + more) for seconds in needed])
    return replace(outages, steps=baked)


def _baked(steps: list[Step], seconds: list[int]) -> list[Step]:
    """With these bakes, as far as they go."""
    first = zip(steps, seconds, strict=False)
    changed = [step.model_copy(update={"bake_seconds": bake}) for step, bake in first]
    return [*changed, *steps[len(changed) :]]


def _needed(outages: Outages, step: int) -> int:
    """How long a bake is in which an outage is seen that begins with it. Where the judge never is
    sure, or none judges, it is the profile's own."""
    own = outages.steps[step].bake_seconds
    periods = outages.periods_needed(step)
    alarm = outages.pace.alarm
    by_alarm = None if alarm is None else -(-alarm // PERIOD) * PERIOD
    pace = outages.pace
    by_judge = None if periods is None else (periods + 2) * pace.period + pace.final
    return min((each for each in (by_alarm, by_judge) if each is not None), default=own)


def _ramp(of_profile: Outages, outages: Outages, budget: int) -> Ramp:
    failed = [outages.exposed(number).failed for number in range(len(outages.steps))]
    seconds = lasts(outages)
    return Ramp(
        budget=budget,
        steps=[
            RampStep(
                weight=step.weight,
                bake_seconds=step.bake_seconds,
                failed=cost,
                within=cost <= budget,
            )
            for step, cost in zip(outages.steps, failed, strict=True)
        ],
        seconds=seconds,
        longer_by=max(0, seconds - lasts(of_profile)),
    )


def lasts(outages: Outages) -> int:
    """How long the steps last that nothing holds."""
    bakes = sum(step.bake_seconds for step in outages.steps)
    return bakes + len(outages.steps) * (outages.pace.settle + BETWEEN_SECONDS)
