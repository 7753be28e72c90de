"""Evidence: how sure the counted requests of both sides make it that the canary is worse.

In each period a bet multiplies the evidence by a factor whose expectation is at most 1 as long as
the canary is within its tolerance. So the evidence is a supermartingale, and by Ville's inequality
it reaches 1/α with a probability of at most α: at any of any number of looks, at whatever traffic,
and with weights that were changed because of what earlier periods said. Nothing is assumed about
the primary's rate, which may differ in each period. A request contributes an expectation of
1 + p(a - 1) ≤ exp(p(a - 1)), where a = θ/D is what a bad answer of the canary multiplies by, and
D, with which one of the primary divides, is chosen so that the primary's rate cancels.

Sources: Lindon and Malek, "Anytime-Valid Inference for Multinomial Count Data" (2022); Turner and
Grünwald, "Safe Sequential Testing and Effect Estimation in Stratified Count Data" (2023); Ville
(1939). What has to hold is that requests, or clusters of them, are independent of each other given
what came before.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

BETS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0)
"""How many times worse than tolerated the canary may be; the evidence is their mean."""
BISECTIONS = 50
MOST_TOLD, LEAST_TOLD = 1_000_000, 0.01
"""Odds beyond which people are told no number."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many requests each side answered in a period, and how many of these were bad."""

    canary: int
    canary_bad: int
    primary: int
    primary_bad: int

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.canary + other.canary,
            self.canary_bad + other.canary_bad,
            self.primary + other.primary,
            self.primary_bad + other.primary_bad,
        )


NOTHING = Counts(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The highest rate that the canary may have: `ratio` times the primary's, and `allowance` more.

    With a ratio of 0 it is an absolute limit, and the primary is not looked at.
    """

    ratio: float
    allowance: float = 0.0


def log_factor(
    counts: Counts, tolerance: Tolerance, bet: float, clusters: float = 1.0, odds: float = 0.0
) -> float:
    """By what, as a logarithm, a bet multiplies its evidence.

    A bet above 1 is on a canary that is worse than tolerated, one below 1 on one that is better.
    `clusters` is how many bad answers have one cause at most, over its whole life and on both
    sides; by it the evidence of each is divided, which keeps the guarantee.

    `odds` are the highest that a request of this period had to be the canary's, where they changed
    within it. With one request of the primary's to each, the canary's fair share of the bad answers
    was no larger at any moment than these make it, whenever the primary's rate was high; and as
    (1 + ay + c)exp(-ay) ≤ 1 + c, a request still contributes an expectation of at most 1. A bet
    below 1 has no such bound.
    """
    n_c, n_p = counts.canary, counts.primary
    fair = tolerance.ratio * max(n_c, odds * n_p)
    # A side alone proves no ratio, and no allowance above one.
    if fair > 0 and n_p == 0:
        return 0.0
    share = fair / (fair + n_p) if fair else 0.0
    return log_weighed(
        n_c,
        counts.canary_bad,
        counts.primary_bad,
        share,
        tolerance.allowance,
        bet=bet,
        clusters=clusters,
    )


def log_weighed(
    canary: float,
    canary_bad: float,
    primary_bad: float,
    share: float,
    allowance: float,
    *,
    bet: float,
    clusters: float,
) -> float:
    """`log_factor` of counts that are only expected; `share` is the canary's fair one of the bad
    answers."""
    divisor = 1 + share * (bet - 1)
    expected = canary * allowance * (bet / divisor - 1)
    bad = canary_bad + primary_bad
    return (canary_bad * math.log(bet) - bad * math.log(divisor) - expected) / clusters


def log_mean(logs: Iterable[float]) -> float:
    """The logarithm of the mean of what these are the logarithms of: never an overflow."""
    given = list(logs)
    return log_sum(given) - math.log(len(given))


def log_sum(logs: Sequence[float]) -> float:
    highest = max(logs)
    if math.isinf(highest):
        return highest
    return highest + math.log(math.fsum(math.exp(each - highest) for each in logs))


def odds(log: float) -> str:
    """Evidence, a natural logarithm, in words."""
    if log > math.log(MOST_TOLD):
        return "over a million to 1"
    ratio = math.exp(log)
    if ratio < LEAST_TOLD:
        return f"under {LEAST_TOLD} to 1"
    return f"{ratio:,.0f} to 1" if ratio >= 100 else f"{ratio:.2g} to 1"


def log_evidence(
    periods: Sequence[Counts], tolerance: Tolerance, *, better: bool = False, clusters: float = 1.0
) -> float:
    """The logarithm of the evidence that the canary is worse than tolerated, or `better`."""
    return log_mean(
        math.fsum(
            log_factor(each, tolerance, 1 / bet if better else bet, clusters) for each in periods
        )
        for bet in BETS
    )


@dataclass(frozen=True, slots=True)
class Band:
    """Between which the excess of the canary's rate over the primary's lies, as of now: in shares
    of its requests. None is where nothing limits it yet."""

    low: float | None
    high: float | None


def band(periods: Sequence[Counts], alpha: float, clusters: float = 1.0) -> Band:
    """The excess that these periods do not rule out, each side at half of `alpha`.

    It covers the average so far, weighted by the canary's requests, at every look, while the share
    of the canary is the same. Bands of different times may not be intersected.
    """
    needed = math.log(2 / alpha)

    def evidence(excess: float, *, better: bool) -> float:
        return log_evidence(periods, Tolerance(1.0, excess), better=better, clusters=clusters)

    low = _edge(lambda excess: evidence(excess, better=False) >= needed, 1.0, -1.0)
    high = _edge(lambda excess: evidence(excess, better=True) >= needed, -1.0, 1.0)
    return Band(low, high)


def highest_rate(requests: int, bad: int, alpha: float) -> float:
    """A rate above which a side is only with a probability of `alpha`, at any look."""
    alone = [Counts(requests, bad, 0, 0)]
    edge = _edge(
        lambda rate: log_evidence(alone, Tolerance(0.0, rate), better=True) >= -math.log(alpha),
        0.0,
        1.0,
    )
    return 1.0 if edge is None else edge


def _edge(ruled_out: Callable[[float], bool], inside: float, outside: float) -> float | None:
    """Where what is ruled out begins between a value that cannot be and one that is; None if
    `outside` is not ruled out either."""
    if not ruled_out(outside):
        return None
    for _ in range(BISECTIONS):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if ruled_out(middle) else (middle, outside)
    return outside


def estimated_clusters(requests: Sequence[int], bad: Sequence[int]) -> float:
    """How many bad answers have one cause, from one side's consecutive periods; 1 at least.

    By successive differences, which the daily curve of the traffic does not enter: it is about 1
    where bad answers are independent, and 5 where they come in fives. It is good practice and no
    proof: exact is only what is no smaller than the largest cluster.
    """
    total = sum(bad)
    if not total:
        return 1.0
    squares = math.fsum(
        (bad[i] - bad[i - 1] * requests[i] / requests[i - 1]) ** 2
        for i in range(1, len(bad))
        if requests[i - 1]
    )
    return max(1.0, squares / (2 * total))
