"""The simulated releases are what can be reckoned by hand, and what others have simulated."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from bench.exposure import goals
from bench.exposure.engine import Outcome, Rolling, Seen, Stage, System, simulated
from bench.exposure.faults import BASE, FAULTS, GOOD, LEAK, LEAK_SECONDS, Fault, Mask
from bench.exposure.judged import Lines, Minutes, log_worse
from bench.exposure.sources import Alarm, Checks, First
from bench.exposure.systems import (
    AT_ONCE,
    BEFORE,
    LEAST_ERRORS,
    OTHERS,
    OURS,
    SYSTEMS,
    ours,
    plain,
    small,
    this_project,
)
from stepcanary.domain.evidence import Counts, Tolerance, log_evidence, log_mean

OUTAGE = FAULTS[0]
RUNS = 200


@dataclass
class Says:
    """A source that doubts all runs at the end of this second, and keeps each stage so often."""

    at: float = math.inf
    stays: int = 0
    asked: int = field(default=0, init=False)

    def doubts(self, seen: Seen) -> Mask:
        return np.full(len(seen.clock), seen.at >= self.at)

    def keeps(self, _seen: Seen, ending: Mask) -> Mask:
        self.asked += 1
        return ending & (self.asked <= self.stays)


def simple(source: Says, *stages: Stage, **more: Any) -> System:
    return System("simple", stages, lambda _runs, _chance: source, (0.0, 0.0), **more)


def outcome(system: System, fault: Fault = OUTAGE, runs: int = RUNS) -> Outcome:
    return simulated(system, fault, runs, np.random.default_rng(5))


def mean_of(system: System, fault: Fault = OUTAGE, runs: int = RUNS) -> float:
    return float(outcome(system, fault, runs).failed.mean())


def test_an_outage_fails_what_the_canary_gets_until_it_is_doubted() -> None:
    found = outcome(simple(Says(29), Stage(10, 100)))
    assert found.failed.mean() == pytest.approx(10 * 30, abs=5)
    assert found.reverted.all()
    assert not found.missed.any()


def test_the_traffic_takes_a_while_to_leave() -> None:
    system = replace(simple(Says(29), Stage(10, 100)), back=(5.5, 5.5))
    assert mean_of(system) == pytest.approx(10 * 35.5, abs=5)


def test_what_is_missed_fails_for_a_quarter_of_an_hour_after_the_release() -> None:
    found = outcome(simple(Says(), Stage(10, 100)))
    assert found.missed.all()
    assert found.failed.mean() == pytest.approx(10 * 100 + 100 * 900, rel=0.001)


def test_a_good_release_misses_nothing() -> None:
    found = outcome(simple(Says(), Stage(10, 100)), GOOD)
    assert not found.missed.any()
    assert not found.failed.any()


def test_a_stage_that_is_kept_lasts_twice_as_long() -> None:
    found = outcome(simple(Says(stays=1), Stage(10, 100, asked=True)), GOOD)
    assert set(found.ended) == {200}


@pytest.mark.parametrize(
    ("at", "at_once", "expected"),
    [
        # No new task serves yet: the old ones have all of it.
        (49, True, 50 * 100),
        # Half of the tasks are new, and their share fails until the old version is back.
        (104, True, 105 * 100 + 50 * 90),
        # None is old any more, and all of it fails meanwhile.
        (159, True, 160 * 100 + 90 * 100),
        (49, False, 50 * 100 + 90 * 100),
        # The primary has the traffic, and the version; the source is asked at the end of the wait.
        (199, True, 215 * 100 + 90 * 100),
    ],
)
def test_a_revert_while_the_primary_rolls(at: int, at_once: bool, expected: float) -> None:
    rolling = Rolling(60, 150, (90, 90), at_once=at_once)
    stages = (Stage(100, 180, 0, "promotion"), Stage(100, 35, 0, "returned"))
    assert mean_of(simple(Says(at), *stages, rolling=rolling)) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("fault", "at", "weight", "expected"),
    [
        (FAULTS[1], 0, 1, 0.2),
        (FAULTS[2], 0, 49, 0.0),
        (FAULTS[2], 0, 50, 1.0),
        (FAULTS[3], LEAK_SECONDS / 2, 1, LEAK / 2),
        (FAULTS[3], 2 * LEAK_SECONDS, 1, LEAK),
        (FAULTS[6], 59, 1, 1.0),
        (FAULTS[6], 60, 1, 0.0),
        (FAULTS[6], 120, 1, 1.0),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_fault_has_its_share(fault: Fault, at: float, weight: float, expected: float) -> None:
    [found] = fault.shares(at, np.array([float(weight)]), np.zeros(1))
    assert found == pytest.approx(expected)


def first_doubt(make: Callable[[int, np.random.Generator], Any], fault: Fault) -> Outcome:
    return outcome(System("one", plain((10, 600)), make, (0, 0), needs_primary=True), fault)


def test_an_alarm_fires_some_seconds_after_the_minute_of_the_fault_is_shown() -> None:
    ended = first_doubt(Alarm(), OUTAGE).ended
    assert ended.min() >= 60 + 10
    assert ended.max() <= 60 + 60 + 30 + 1
    assert ended.mean() == pytest.approx(30 + 60 + 20, abs=5)


def test_an_alarm_that_wants_two_of_three_minutes_is_a_minute_later() -> None:
    later = first_doubt(Alarm(needed=2, of=3), OUTAGE).ended - first_doubt(Alarm(), OUTAGE).ended
    assert later.mean() == pytest.approx(60, abs=8)


def test_an_alarm_for_which_it_takes_several_errors_waits_for_them() -> None:
    few = Fault("few", "constant", rate=0.5)
    assert first_doubt(Alarm(least=1), few).ended.mean() < 150
    assert first_doubt(Alarm(least=30), few).missed.all()


def test_a_check_that_holds_ends_the_release_at_the_one_after_its_last_failure() -> None:
    holding = first_doubt(Checks(60, 60, forgiven=1, holds=True), OUTAGE)
    assert set(holding.ended) == {180}
    assert set(first_doubt(Checks(60, 60, forgiven=1), OUTAGE).ended) == {120}


def test_the_judge_has_seen_a_minute_before_it_doubts() -> None:
    """A whole one where the weight has settled, and else what there is of the first."""
    whole = first_doubt(Minutes((50,)), OUTAGE).ended
    assert whole.min() >= 60 + 60
    assert whole.max() <= 60 + 60 + 60 + 13 + 1
    stages = (Stage(50, 30), Stage(50, 600, asked=True, settled=True))
    moving = outcome(System("x", stages, Minutes((50,)), (0, 0), needs_primary=True), OUTAGE).ended
    assert 60 <= moving.min() < 60 + 30
    assert moving.max() <= 60 + 60 + 13 + 1


def test_a_log_doubts_within_seconds() -> None:
    ended = first_doubt(Lines(1), OUTAGE).ended
    assert 3 <= ended.min() < ended.max() <= 15


def test_the_evidence_of_a_log_is_that_of_the_judge() -> None:
    """Each step's test counts what comes after its beginning, and so does the return's."""
    chance = np.random.default_rng(3)
    requests = chance.integers(0, 500, (4, 30))
    bad = chance.binomial(requests, 0.02)
    limit = Tolerance(0.0, 0.01)
    for run in range(30):
        tests = [
            log_evidence([Counts(int(n), int(x), 0, 0) for n, x in zip(*later, strict=True)], limit)
            for later in ((requests[step:, run], bad[step:, run]) for step in range(4))
        ]
        assert log_worse(requests, bad)[run] == pytest.approx(log_mean(tests))


def test_a_log_sees_what_begins_when_the_primary_has_the_traffic() -> None:
    """What it finds is acted on when that wait is over."""
    stages = (Stage(100, 10), Stage(100, 60, kind="returned"))
    late = replace(OUTAGE, kind="moment")
    system = System("x", stages, Lines(1), (0, 0), rolling=Rolling(restore=(30, 30)))
    found = simulated(system, late, 2_000, np.random.default_rng(1))
    assert 0.06 < found.missed.mean() < 0.14
    seen = found.failed[~found.missed]
    # The last seconds of the step are seen in that wait as well.
    assert seen.max() <= 100 * (10 + 60 + 30) * 1.1


@pytest.mark.parametrize(
    ("number", "outage", "partial", "loaded"),
    [
        (0, 611, 122, 12162),
        (1, 1041, 208, 20930),
        (2, 1223, 242, 6112),
        (6, 1226, 241, 6101),
        (7, 3310, 661, 33101),
        (8, 36330, 7266, 84547),
        (9, 6199, 1240, 29989),
    ],
    ids=lambda value: OTHERS[value].name if value < len(OTHERS) else "",
)
def test_another_simulation_has_found_the_same(
    number: int, outage: float, partial: float, loaded: float
) -> None:
    """One that was written apart from this one, with the same settings, and 1,000 runs."""
    found = [mean_of(OTHERS[number], fault, 60) for fault in FAULTS[:3]]
    assert found == pytest.approx([outage, partial, loaded], rel=0.08)


def test_the_defaults_of_before_are_as_another_simulation_has_found_them() -> None:
    found = [mean_of(BEFORE[-1], fault, 60) for fault in FAULTS[:3]]
    assert found == pytest.approx([574, 115, 5668], rel=0.08)


def test_the_default_release_is_no_longer_than_it_was() -> None:
    assert {system.seconds for system in OURS} == {OURS[0].seconds}
    assert OURS[0].seconds <= BEFORE[-1].seconds


def test_a_release_settles_before_each_bake() -> None:
    stages = ours(((1, 300), (100, 180)))
    assert [(stage.weight, stage.kind, stage.asked) for stage in stages] == [
        (1, "step", False),
        (1, "step", True),
        (1, "step", False),
        (100, "step", False),
        (100, "step", True),
        (100, "step", False),
        (100, "promotion", False),
        (100, "returned", False),
    ]


def test_a_canary_that_is_not_shown_to_be_good_is_held_and_then_goes_on() -> None:
    steps = ((50, 240), (100, 240))
    system = this_project("few", Minutes((50, 100)), AT_ONCE, steps=steps)
    few = outcome(system, replace(GOOD, rate=1.0), 20)
    assert not few.reverted.any()
    assert few.ended.mean() > system.seconds + 2 * 240
    assert outcome(system, GOOD, 20).ended.mean() == pytest.approx(system.seconds, abs=100)


def test_a_source_beside_another_is_as_fast_as_the_faster_one() -> None:
    both = first_doubt(First((Lines(1), Alarm())), OUTAGE).ended
    assert both.max() <= 15


def test_at_the_same_first_weight_alarms_want_as_many_errors() -> None:
    made = small(OTHERS[0])
    assert [stage.weight for stage in made.stages] == [1, 100]
    assert isinstance(made.source, Alarm)
    assert made.source.least == LEAST_ERRORS


def test_every_system_has_a_name_of_its_own() -> None:
    assert len({system.name for system in SYSTEMS}) == len(SYSTEMS)


def test_what_reverts_good_releases_is_no_yardstick() -> None:
    report = {
        "false_reverts": {"jumpy": 0.5, "steady": 0.01, "ours": 0.0},
        "traces": {"a": {"jumpy": {"mean": 1.0}, "steady": {"mean": 8.0}, "ours": {"mean": 2.0}}},
    }
    assert goals.best(report, "a", ["jumpy", "steady"]) == ("steady", 8.0)
    assert goals.ratio(report, "ours", "a", ["jumpy", "steady"]) == 0.25


def test_a_good_version_has_few_bad_answers() -> None:
    assert 0 < BASE < 0.01
