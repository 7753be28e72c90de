"""Ramp: steps over which an outage costs no more than a budget of failed requests, if any do."""

from dataclasses import replace

from stepcanary.domain.exposure import BETWEEN_SECONDS, PERIOD, Outages
from stepcanary.domain.model import Model
from stepcanary.domain.profile import DAY_SECONDS, Step

LOWER = 0.8
MOST_TRIES = 25


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
        weights = [step.weight for step in ramp.steps]
        # With the one before 100 the cost is that of 100 itself.
        helped = [n for n in range(len(weights) - 1) if weights[n + 1] < 100]
        before_last = len(weights) - 2
        if before_last >= 0 and not ramp.steps[-1].within:
            alone = _alone(found, before_last) > budget
        else:
            alone = before_last >= 0 and not ramp.steps[before_last].within
        too_much = alone or any(not ramp.steps[n].within for n in helped)
        if not too_much or weights[-2:-1] in ([], [1]):
            return ramp
        cap = max(1, min(int(weights[-2] * LOWER), weights[-2] - 1))
    return ramp


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
    sketch = replace(outages, steps=steps)
    needed = [_needed(sketch, number) for number in range(len(steps))]
    left = sum(step.bake_seconds for step in outages.steps) - sum(needed)
    more = max(0, left // len(steps) // PERIOD * PERIOD)
    baked = [
        step.model_copy(update={"bake_seconds": min(DAY_SECONDS, seconds + more)})
        for step, seconds in zip(steps, needed, strict=True)
    ]
    return replace(outages, steps=baked)


def _needed(outages: Outages, step: int) -> int:
    """How long a bake is in which an outage is seen that begins with it. Where the judge never is
    sure, or none judges, it is the profile's own."""
    own = outages.steps[step].bake_seconds
    periods = outages.periods_needed(step)
    alarm = outages.pace.alarm
    by_alarm = None if alarm is None else -(-alarm // PERIOD) * PERIOD
    by_judge = None if periods is None else (periods + 2) * PERIOD + outages.pace.final
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
