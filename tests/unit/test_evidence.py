"""Evidence: the published test vectors, the guarantee by enumeration, and the limits."""

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepcanary.domain.evidence import (
    Band,
    Counts,
    Tolerance,
    band,
    estimated_clusters,
    highest_rate,
    log_evidence,
    log_factor,
    log_mean,
    odds,
)

SMALL = Counts(60, 3, 1140, 1)


@pytest.mark.parametrize(
    ("periods", "tolerance", "at_ten", "evidence"),
    [
        ([SMALL], Tolerance(1), 5.421501, 232.960559),
        ([Counts(60, 0, 1140, 5)], Tolerance(1), -1.857818, 0.474679),
        ([SMALL], Tolerance(0, 0.01), 1.507755, 4.070143),
        ([SMALL], Tolerance(1.5, 0.001), 4.582248, 55.070674),
        ([Counts(60, 2, 1140, 1), Counts(300, 6, 900, 2)], Tolerance(1), 7.876750, 760.638554),
        ([Counts(100, 1, 0, 0)], Tolerance(1), 0, 1),
    ],
)
def test_evidence_that_the_canary_is_worse(
    periods: list[Counts], tolerance: Tolerance, at_ten: float, evidence: float
) -> None:
    assert sum(log_factor(each, tolerance, 10) for each in periods) == pytest.approx(
        at_ten, abs=1e-6
    )
    assert math.exp(log_evidence(periods, tolerance)) == pytest.approx(evidence, abs=1e-6)


@pytest.mark.parametrize(
    ("counts", "evidence"),
    [(Counts(780, 0, 14820, 0), 21.135034), (Counts(600, 0, 11400, 12), 21.415527)],
)
def test_evidence_that_the_canary_is_good(counts: Counts, evidence: float) -> None:
    found = log_evidence([counts], Tolerance(1.5, 0.005), better=True)
    assert math.exp(found) == pytest.approx(evidence, abs=1e-6)


def expectation(n_c: int, n_p: int, p_p: float, tolerance: Tolerance, bet: float) -> float:
    """Of the factor, over every outcome, for a canary at the edge of what is tolerated."""
    p_c = tolerance.ratio * p_p + tolerance.allowance

    def chance(n: int, x: int, p: float) -> float:
        return math.comb(n, x) * p**x * (1 - p) ** (n - x)

    return math.fsum(
        chance(n_c, x_c, p_c)
        * chance(n_p, x_p, p_p)
        * math.exp(log_factor(Counts(n_c, x_c, n_p, x_p), tolerance, bet))
        for x_c, x_p in itertools.product(range(n_c + 1), range(n_p + 1))
    )


@pytest.mark.parametrize(
    ("n_c", "n_p", "p_p", "tolerance", "bet", "expected"),
    [
        (3, 5, 0.2, Tolerance(1), 3, 0.953642),
        (4, 8, 0.1, Tolerance(1.5, 0.05), 10, 0.899971),
        (2, 20, 0.01, Tolerance(1), 30, 0.994472),
    ],
)
def test_expectations_that_were_enumerated(
    n_c: int, n_p: int, p_p: float, tolerance: Tolerance, bet: float, expected: float
) -> None:
    assert expectation(n_c, n_p, p_p, tolerance, bet) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=300, deadline=None)
@given(
    n_c=st.integers(0, 6),
    n_p=st.integers(0, 6),
    p_p=st.floats(0, 1),
    ratio=st.sampled_from([0, 0.5, 1, 1.5, 3]),
    allowance=st.floats(-0.1, 0.4),
    bet=st.floats(0.01, 100),
)
def test_the_expectation_of_the_evidence_is_never_above_1(
    n_c: int, n_p: int, p_p: float, ratio: float, allowance: float, bet: float
) -> None:
    tolerance = Tolerance(ratio, allowance)
    if 0 <= ratio * p_p + allowance <= 1:
        assert expectation(n_c, n_p, p_p, tolerance, bet) <= 1 + 1e-12


@given(clusters=st.floats(1, 50), bet=st.sampled_from([0.1, 1.5, 10.0]))
def test_clusters_divide_the_evidence(clusters: float, bet: float) -> None:
    alone = log_factor(SMALL, Tolerance(1), bet)
    assert log_factor(SMALL, Tolerance(1), bet, clusters) == pytest.approx(alone / clusters)


def test_evidence_past_what_a_float_holds_is_still_evidence() -> None:
    outage = [Counts(5_000, 5_000, 95_000, 0)] * 3
    assert log_evidence(outage, Tolerance(1)) > 709
    assert log_mean([1e6, -1e6]) == pytest.approx(1e6 - math.log(2))


def test_a_band_has_the_excess_and_narrows_as_requests_come() -> None:
    minute = Counts(1_000, 12, 19_000, 76)
    short, long = band([minute], 0.05), band([minute] * 60, 0.05)
    assert short.low is not None and short.high is not None
    assert long.low is not None and long.high is not None
    assert short.low < long.low < 0.008 < long.high < short.high


def test_a_band_of_no_requests_has_no_limit() -> None:
    assert band([Counts(0, 0, 100, 3)], 0.05) == Band(None, None)


def test_the_published_band_is_about_this_wide() -> None:
    """300 and 5,700 requests a minute, 1.2 and 0.4 %: the text's draw has 0.57 to 1.13 points after
    an hour; this is one of exactly these rates."""
    counts = [Counts(300, 4 if i % 5 < 3 else 3, 5_700, 23 if i % 5 else 22) for i in range(60)]
    found = band(counts, 0.05)
    assert found.low == pytest.approx(0.0057, abs=0.0012)
    assert found.high == pytest.approx(0.0113, abs=0.0012)


def test_the_highest_rate_of_a_side_without_a_bad_answer_follows_the_rule_of_three() -> None:
    assert 3 / 10_000 < highest_rate(10_000, 0, 0.05) < 5.1 / 10_000
    assert highest_rate(0, 0, 0.05) == 1.0
    assert highest_rate(1_000, 20, 0.05) == pytest.approx(0.035, abs=0.01)


def test_clusters_are_seen_through_the_daily_curve() -> None:
    chance = random.Random(5)
    requests = [2_000 + round(1_500 * math.sin(i / 200)) for i in range(3_000)]
    single = [sum(chance.random() < 0.003 for _ in range(n)) for n in requests]
    fives = [5 * sum(chance.random() < 0.0006 for _ in range(n)) for n in requests]
    assert estimated_clusters(requests, single) == pytest.approx(1, abs=0.1)
    assert estimated_clusters(requests, fives) == pytest.approx(5, abs=0.6)
    assert estimated_clusters([100, 0, 100], [0, 0, 0]) == 1.0


@given(
    st.floats(0.01, 20.0),
    st.floats(0.01, 20.0),
    st.floats(0.0, 0.4),
    st.floats(0.0, 0.4),
    st.floats(0.0, 0.1),
    st.sampled_from([1.25, 2.0, 10.0, 100.0]),
    st.floats(0.5, 2.0),
)
def test_a_request_adds_nothing_on_average_while_the_weight_rises_and_the_rate_changes(
    before: float, after: float, rate: float, later: float, allow: float, bet: float, ratio: float
) -> None:
    """With one request in each of two moments, of which neither the odds nor the primary's rate are
    the same: over all that they can be and do, the factor is 1 on average at most."""
    tolerance, highest = Tolerance(ratio, allow), max(before, after)
    moments = [(odds / (1 + odds), p) for odds, p in ((before, rate), (after, later))]
    if any(ratio * p + allow > 1 for _, p in moments):
        return

    def outcomes(share: float, p: float) -> list[tuple[float, Counts]]:
        worst = ratio * p + allow
        return [
            (share * worst, Counts(1, 1, 0, 0)),
            (share * (1 - worst), Counts(1, 0, 0, 0)),
            ((1 - share) * p, Counts(0, 0, 1, 1)),
            ((1 - share) * (1 - p), Counts(0, 0, 1, 0)),
        ]

    # A large primary that never fails fixes the fair share at that of the highest odds.
    beside = Counts(0, 0, 10**6, 0)
    mean = math.fsum(
        one * other * math.exp(log_factor(some + more + beside, tolerance, bet, odds=highest))
        for one, some in outcomes(*moments[0])
        for other, more in outcomes(*moments[1])
    )
    assert mean <= 1 + 1e-9


def test_what_the_odds_explain_is_no_evidence_and_what_they_do_not_is() -> None:
    minute, tolerance = Counts(275, 40, 725, 40), Tolerance(1.0)
    assert log_factor(minute, tolerance, 2.0) > 3
    assert log_factor(minute, tolerance, 2.0, odds=1.0) < 0
    # More requests than the odds promise are no evidence either.
    assert log_factor(minute, tolerance, 2.0, odds=0.1) == log_factor(minute, tolerance, 2.0)
    assert log_factor(Counts(275, 200, 725, 1), tolerance, 2.0, odds=1.0) > 50


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (-100.0, "under 0.01 to 1"),
        (math.log(0.01), "0.01 to 1"),
        (0.0, "1 to 1"),
        (math.log(20), "20 to 1"),
        (math.log(99.4), "99 to 1"),
        (math.log(123_456), "123,456 to 1"),
        (math.log(1_000_001), "over a million to 1"),
        (math.inf, "over a million to 1"),
    ],
)
def test_evidence_is_told_as_odds(log: float, told: str) -> None:
    assert odds(log) == told
