"""Replay: old releases judged again, zones of the primary, random splits."""

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from stepcanary.domain.comparison import Row
from stepcanary.domain.judging import Judging, Metric
from stepcanary.domain.profile import Step
from stepcanary.domain.replay import Minutes, Replay

STEPS = [Step(weight=weight, bake_seconds=300) for weight in (5, 25, 100)]
JUDGING = Judging(metrics=[Metric(kind="errors", clusters=1.0)])
REPLAY = Replay(JUDGING, STEPS, 35)
HOURS_12 = 12 * 60


def rows(*counts: tuple[int, int, int, int]) -> list[Row]:
    return [
        Row(at=600 + 60 * n, step=0, weight=5, counts={"errors": each})
        for n, each in enumerate(counts)
    ]


HEALTHY, BROKEN = (50, 0, 950, 1), (50, 20, 950, 1)


def test_an_old_release_is_judged_again_and_when_is_said() -> None:
    good = REPLAY.rejudged("arn:good", "Released", 1, rows(*[HEALTHY] * 60))
    assert (good.outcome, good.seconds, good.reason, good.rows) == ("good", None, "", 60)
    bad = REPLAY.rejudged("arn:bad", "Released", 1, rows(HEALTHY, HEALTHY, BROKEN, HEALTHY))
    assert (bad.was, bad.outcome, bad.seconds) == ("Released", "revert", 180)
    assert "the canary gave 20 of 150" in bad.reason
    few = REPLAY.rejudged("arn:few", "Released", 3, rows((3, 0, 57, 0)))
    assert few.outcome == "undecided"


def test_the_present_judge_counts_and_what_was_not_counted_is_named() -> None:
    strict = Judging(metrics=[Metric(kind="errors", clusters=1.0), Metric(kind="latency")])
    two_bad = rows(*[(50, 1, 950, 2)] * 3)
    assert REPLAY.rejudged("a", "Released", 1, two_bad).outcome == "undecided"
    found = Replay(strict, STEPS, 35).rejudged("a", "Released", 1, two_bad)
    assert found.missing == ["latency"]
    budget = Judging(budget=1, metrics=JUDGING.metrics)
    assert Replay(budget, STEPS, 35).rejudged("a", "Released", 1, two_bad).outcome == "revert"


def test_a_judge_that_only_observes_is_replayed_as_if_it_decided() -> None:
    observing = Replay(JUDGING.model_copy(update={"observe": True}), STEPS, 35)
    assert observing.rejudged("a", "Released", 1, rows(BROKEN)).outcome == "revert"


def minutes(
    requests: int, bad: Callable[[int], float], number: int = HOURS_12, seed: int = 1
) -> Minutes:
    """Requests of a minute, and bad answers with a share that may differ in each."""
    chance = random.Random(seed)
    return {
        60 * n: (requests, sum(chance.random() < bad(n) for _ in range(requests)))
        for n in range(number)
    }


def of_zones(*bads: Callable[[int], float]) -> dict[str, dict[str, Minutes]]:
    return {
        f"zone-{n}": {"errors": minutes(200, bad, seed=n)} for n, bad in enumerate(bads, start=1)
    }


def test_zones_that_are_alike_are_seldom_reverted_and_one_that_is_worse_is() -> None:
    def usual(_minute: int) -> float:
        return 0.005

    *by_zone, every = REPLAY.false_reverts(of_zones(usual, usual, usual))
    assert [each.zone for each in by_zone] == ["zone-1", "zone-2", "zone-3"]
    # Three steps, each of which takes a minute to settle: 18 minutes.
    assert [each.releases for each in by_zone] == [40] * 3
    assert (every.zone, every.releases) == ("all", 120)
    assert every.reverted <= 4
    assert every.low <= every.reverted / 120 <= every.high
    *by_zone, every = REPLAY.false_reverts(of_zones(usual, usual, lambda _n: 0.03))
    assert by_zone[2].reverted > 30
    assert by_zone[2].low > 0.5


def test_a_zone_alone_says_nothing() -> None:
    assert REPLAY.false_reverts(of_zones(lambda _n: 0.005)) == []
    assert REPLAY.false_reverts({}) == []


def test_too_few_minutes_make_no_release() -> None:
    short: dict[str, dict[str, Minutes]] = {
        "a": {"errors": minutes(9, lambda _n: 0, 5)},
        "b": {"errors": {}},
    }
    assert [each.releases for each in REPLAY.false_reverts(short)] == [0, 0, 0]
    [found, *_] = REPLAY.found({"errors": minutes(9, lambda _n: 0, 5)})
    assert (found.releases, found.found, found.seconds) == (0, 0, None)


def test_a_large_rise_is_found_sooner_than_a_small_one_and_none_is_not() -> None:
    primary = {"errors": minutes(2_000, lambda _n: 0.005, 6 * 60)}
    twice, five, twenty = REPLAY.found(primary)
    assert [each.factor for each in (twice, five, twenty)] == [2, 5, 20]
    assert twice.found < five.found == twenty.found == twenty.releases
    assert five.seconds is not None
    assert twenty.seconds is not None
    assert twenty.seconds <= five.seconds
    assert twice.seconds is None or five.seconds < twice.seconds
    # A primary that never fails has no rise.
    perfect = REPLAY.found({"errors": minutes(200, lambda _n: 0)})
    assert [each.found for each in perfect] == [0, 0, 0]


@pytest.mark.parametrize("most", [None, 3])
def test_releases_that_are_pretended_do_not_overlap(most: int | None) -> None:
    length = 60 * len(REPLAY.plan)
    starts = REPLAY.starts([minutes(1, lambda _n: 0)], most)
    assert all(later - one >= length for one, later in pairwise(starts))
    assert starts[-1] + length <= 60 * HOURS_12
    assert most is None or len(starts) == most
