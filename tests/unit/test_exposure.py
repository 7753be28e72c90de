"""Exposure: what an outage costs at most is not exceeded by any that is simulated with the judge as
it is, at random moments of each step."""

from dataclasses import replace

import numpy as np
import pytest

from stepcanary.domain.comparison import Compared, Row, doubt, judge_of
from stepcanary.domain.exposure import (
    BETWEEN_SECONDS,
    REACTION_SECONDS,
    Assumed,
    Outages,
    Pace,
)
from stepcanary.domain.judging import Judging, Metric
from stepcanary.domain.periods import Length
from stepcanary.domain.profile import Step

PACE = Pace(final=60, look=60, settle=35)
SHORT = Pace(final=20, look=30, settle=35, period=10)
RUNS = 500
STEPS = [Step(weight=weight, bake_seconds=300) for weight in (5, 25, 50, 100)]


def judging(period: Length = 60, **changed: float) -> Judging:
    metrics = [Metric(kind="errors", clusters=2.0, period=period)]
    return Judging(metrics=metrics, **changed)  # type: ignore[arg-type]


def outages(
    per_minute: int,
    bad_share: float = 0.001,
    judge: Judging | None = None,
    alarm: int | None = None,
    holds: int = 3,
    pace: Pace = PACE,
) -> Outages:
    return Outages(
        STEPS,
        judge or judging(),
        Assumed(requests_per_minute=per_minute, busiest_at=0, bad_share=bad_share, minutes=60),
        replace(pace, alarm=alarm),
        holds,
    )


class Simulated:
    """One release whose canary fails from a moment on, second by second."""

    def __init__(self, of: Outages, step: int, chance: np.random.Generator) -> None:
        self.of, self.step, self.chance = of, step, chance
        # Where in a minute of CloudWatch it begins.
        self.offset = int(chance.integers(60))
        self.period = of.pace.period
        self.seconds = max(each.left for each in of.stretches) + 300
        weights = np.zeros(self.seconds)
        for stretch in of.stretches:
            weights[stretch.begins :] = stretch.weight / 100
        rate = of.assumed.requests_per_minute / 60
        self.canary = chance.poisson(rate * weights)
        self.primary = chance.poisson(rate * (1 - weights))
        begun = of.stretches[step]
        self.at = int(chance.integers(begun.begins, begun.ends))
        bad = chance.binomial(self.canary, of.assumed.bad_share)
        self.canary_bad = np.where(np.arange(self.seconds) >= self.at, self.canary, bad)
        self.primary_bad = chance.binomial(self.primary, of.assumed.bad_share)

    def failed(self) -> int:
        """Until the traffic has left the canary, or the rollout is over."""
        seen = self._seen()
        until = self.of.stretches[-1].ends
        if seen is not None:
            reaction = self.chance.integers(REACTION_SECONDS)
            reaction += self.chance.integers(self.of.pace.settle)
            until = seen + int(reaction)
        return int(self.canary_bad[self.at : max(self.at, until)].sum())

    def _seen(self) -> int | None:
        of, period, pace = self.of, self.period, self.of.pace
        assert of.judging is not None
        judge = judge_of(of.judging, len(of.steps))
        compared, begun = Compared(), self._whole(0)
        for step, stretch in enumerate(of.stretches):
            settled = -self._whole(-stretch.settled)
            compared = compared.at_step(step, begun, settled)
            looked = stretch.settled
            while looked < stretch.ends:
                looked = min(stretch.ends, looked + int(self.chance.integers(10, pace.look + 1)))
                while begun + period + pace.final <= looked:
                    row = self._row(step, begun, moving=begun < settled)
                    compared = compared.after(row, judge)
                    begun += period
                if doubt(of.judging, judge, compared):
                    return looked
            while begun + period <= stretch.ends:
                # What is published after the verdict is of this step all the same.
                row = self._row(step, begun, moving=begun < settled)
                compared = compared.after(row, judge)
                begun += period
        return None

    def _whole(self, at: int) -> int:
        return (at + self.offset) // self.period * self.period - self.offset

    def _row(self, step: int, begun: int, *, moving: bool) -> Row:
        minute = slice(max(0, begun), begun + self.period)
        numbers = (self.canary, self.canary_bad, self.primary, self.primary_bad)
        counts = tuple(int(each[minute].sum()) for each in numbers)
        return Row(
            at=begun,
            step=step,
            weight=self.of.stretches[step].weight,
            moving=moving,
            counts={"errors": counts} if counts[0] or counts[2] else {},  # type: ignore[dict-item]
        )


@pytest.mark.parametrize(
    ("per_minute", "bad_share", "pace"),
    [
        (60, 0.001, PACE),
        (120, 0.02, PACE),
        (600, 0.005, PACE),
        (12_000, 0.0001, PACE),
        (600, 0.005, SHORT),
        (12_000, 0.001, SHORT),
    ],
)
def test_no_simulated_outage_costs_more_than_the_worst_case(
    per_minute: int, bad_share: float, pace: Pace
) -> None:
    of = outages(per_minute, bad_share, judging(10 if pace is SHORT else 60), pace=pace)
    worst = [of.exposed(step) for step in range(len(STEPS))]
    chance = np.random.default_rng(per_minute)
    cost: dict[int, list[int]] = {step: [] for step in range(len(STEPS))}
    for run in range(RUNS):
        step = run % len(STEPS)
        cost[step].append(Simulated(of, step, chance).failed())
    for step, each in cost.items():
        assert max(each) <= worst[step].failed, (step, worst)
        if worst[step].seconds is not None:
            # And it is of use: not so high that it would hold for whatever judge.
            assert worst[step].failed <= 4 * max(each), (step, worst)


def test_shorter_periods_cost_less() -> None:
    minute = outages(12_000).exposed(0)
    ten = outages(12_000, judge=judging(10), pace=SHORT).exposed(0)
    assert ten.failed < 0.6 * minute.failed


def test_where_the_judge_is_not_sure_to_see_it_all_of_the_canary_fails() -> None:
    for of in (
        outages(20),
        outages(12_000, judge=judging(observe=True)),
        outages(12_000, judge=Judging(metrics=[Metric(kind="latency")])),
    ):
        found = of.exposed(3)
        assert (found.by_judge, found.by_alarms, found.seconds) == (None, None, None)
        stretch = of.stretches[3]
        requests = of.assumed.requests_per_minute * (stretch.ends - stretch.begins) / 60
        assert requests < found.failed
        assert found.failed < 1.4 * requests + 30


def test_an_alarm_is_as_fast_as_it_is_and_the_faster_of_both_counts() -> None:
    alone, both = outages(12_000, judge=judging(observe=True), alarm=180), outages(12_000, alarm=90)
    # 180 s until it fires, 30 until the weight is written, and 35 until all have followed, at 10/s.
    of_alarm = alone.exposed(0)
    assert (of_alarm.by_judge, of_alarm.failed) == (None, of_alarm.by_alarms)
    assert of_alarm.failed > 2_450
    faster = both.exposed(3)
    assert faster.failed == faster.by_alarms
    assert faster.by_judge is not None
    assert faster.failed < faster.by_judge
    assert faster.seconds == 90 + REACTION_SECONDS + PACE.settle


def test_more_traffic_costs_more_and_a_budget_less() -> None:
    costs = [outages(n).exposed(1).failed for n in (1_200, 6_000, 24_000)]
    assert costs == sorted(costs)
    assert outages(3_000, judge=judging(budget=10)).exposed(1).failed <= (
        outages(3_000).exposed(1).failed
    )
    # At so little traffic evidence comes late, and a budget that is small at once.
    few = outages(120, judge=judging(budget=3), holds=0), outages(120, holds=0)
    assert few[0].exposed(2).failed < few[1].exposed(2).failed


def test_a_step_that_begins_late_and_a_bake_too_short_for_a_period_are_reckoned_with() -> None:
    short = Outages(
        [Step(weight=5, bake_seconds=60), Step(weight=100, bake_seconds=600)],
        judging(),
        Assumed(requests_per_minute=6_000, busiest_at=0, bad_share=0.001, minutes=60),
        PACE,
        holds=3,
    )
    first, last = short.stretches
    assert first.ends - first.settled == 180
    assert last.begins == first.ends + BETWEEN_SECONDS
    assert last.ends - last.settled == 4 * 600
