"""Chance: bounds that hold, against exact probabilities, and draws of the right share."""

import math
import random

import pytest

from stepcanary.domain.chance import at_most_of, drawn, least, most, over, wilson


@pytest.mark.parametrize("mean", [0.01, 0.5, 3.0, 40.0, 600.0])
@pytest.mark.parametrize("rare", [1e-2, 1e-4])
def test_a_count_strays_no_further_than_that(mean: float, rare: float) -> None:
    assert over(most(mean, rare), mean) <= rare
    assert 1 - over(least(mean, rare) - 1, mean) <= rare
    # No further than needed either.
    assert most(mean, rare) <= mean + 6 * math.sqrt(mean) + 6
    assert least(mean, rare) >= mean - 6 * math.sqrt(mean) - 6


def test_of_nothing_comes_nothing() -> None:
    assert (most(0), least(0), over(0, 0.0)) == (0, 0, 0.0)
    assert (at_most_of(10, 0.0), at_most_of(10, 1.0)) == (0, 10)


def test_over_is_exact() -> None:
    assert over(0, 0.5) == pytest.approx(1 - math.exp(-0.5))
    assert over(1.9, 0.5) == pytest.approx(1 - 1.5 * math.exp(-0.5))


@pytest.mark.parametrize(("tries", "share"), [(5, 0.5), (30, 0.1), (200, 0.01)])
def test_of_so_many_tries_no_more_succeed(tries: int, share: float) -> None:
    limit = at_most_of(tries, share, 0.01)

    def above(most_of_them: int) -> float:
        return sum(
            math.comb(tries, n) * share**n * (1 - share) ** (tries - n)
            for n in range(most_of_them + 1, tries + 1)
        )

    assert above(limit) <= 0.01
    assert limit == 0 or above(limit - 1) > 0.01


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    # The first two are Wilson's own formula by hand; see Newcombe (1998), Statistics in Medicine.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)],
)
def test_wilsons_interval_is_as_published(found: int, of: int, low: float, high: float) -> None:
    assert list(wilson(found, of)) == pytest.approx([low, high], abs=1e-4)


def test_of_no_tries_nothing_is_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(5, 5)[1] == 1.0


@pytest.mark.parametrize(("tries", "share"), [(10, 0.3), (1_000, 0.05), (100_000, 0.5)])
def test_what_is_drawn_has_the_mean_and_the_spread_of_a_binomial(tries: int, share: float) -> None:
    chance = random.Random(tries)
    runs = 2_000
    found = [drawn(tries, share, chance) for _ in range(runs)]
    mean, variance = tries * share, tries * share * (1 - share)
    average = sum(found) / runs
    assert abs(average - mean) < 5 * math.sqrt(variance / runs)
    spread = sum((each - average) ** 2 for each in found) / (runs - 1)
    assert spread == pytest.approx(variance, rel=0.2)
    assert all(0 <= each <= tries for each in found)


def test_everything_or_nothing_is_drawn_as_it_is() -> None:
    chance = random.Random(1)
    assert (drawn(1_000, 1.0, chance), drawn(1_000, 0.0, chance)) == (1_000, 0)
