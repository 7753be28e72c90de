"""Vectorised: the judge of `stepcanary.domain.judge` over many releases at once, in numpy.

`check` compares it with the judge itself.
"""

import math

import numpy as np

from bench.judge.traces import PERIODS, PERIODS_PER_STEP, WEIGHTS, Floats, Integers, Trace
from stepcanary.domain import judge
from stepcanary.domain.evidence import BETS, BISECTIONS, Counts, Tolerance
from stepcanary.domain.judge import RISE, SHARE_OF_LIMIT, USUAL_PART, tests_of
from stepcanary.domain.metric_rule import GOOD, UNPROVABLE, WORSE, Rule
from stepcanary.domain.periods import MINUTE, quiet_periods
from stepcanary.domain.usual import INCIDENT_FACTOR, INCIDENT_RATE, Usual

Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
STEPS = len(WEIGHTS)
QUIET_PERIODS = quiet_periods(MINUTE)
LAST_WITH_PRIMARY = PERIODS - PERIODS_PER_STEP
LOGS = np.log(np.array(BETS))


def odds_of(at: int) -> float:
    """Those of a request to be the canary's, where the weight moves."""
    step, nth = divmod(at, PERIODS_PER_STEP)
    return WEIGHTS[step] / (1 - WEIGHTS[step]) if nth == 0 and WEIGHTS[step] < 1 else 0.0


def factors(trace: Trace, at: int, bets: Floats, tolerance: tuple[float, Floats]) -> Floats:
    """The logarithms of what the period multiplies by, per release and bet."""
    ratio, allowance = tolerance
    n_c, n_p = trace.canary[:, at, None], trace.primary[:, at, None]
    x_c, x_p = trace.canary_bad[:, at, None], trace.primary_bad[:, at, None]
    fair = ratio * np.maximum(n_c, odds_of(at) * n_p)
    share = np.divide(fair, fair + n_p, out=np.zeros(n_c.shape), where=fair > 0)
    divisor = 1 + share * (bets - 1)
    bad = x_c + x_p if ratio else x_c
    found = x_c * np.log(bets) - bad * np.log(divisor)
    found = (found - n_c * allowance[:, None] * (bets / divisor - 1)) / trace.clusters[:, None]
    silent = (fair > 0) & (n_p == 0) if ratio else allowance[:, None] >= UNPROVABLE
    quiet: Floats = np.where(silent, 0.0, found)
    return quiet


def incidents(trace: Trace) -> Mask:
    requests, bad = (each * USUAL_PART for each in trace.usual.T)
    found = np.zeros(trace.primary.shape, dtype=bool)
    for at in range(PERIODS):
        n, x = trace.primary[:, at], trace.primary_bad[:, at]
        limit = np.maximum(INCIDENT_RATE, INCIDENT_FACTOR * bad / requests)
        found[:, at] = x > limit * n
        counted = ~found[:, at]
        requests, bad = requests + np.where(counted, n, 0), bad + np.where(counted, x, 0)
    found[:, 1:] |= found[:, :-1].copy()
    return found


def log_mean(sums: Floats) -> Floats:
    highest = sums.max(axis=-1, keepdims=True)
    total: Floats = np.log(np.exp(sums - highest).mean(axis=-1)) + highest[..., 0]
    return total


def highest_rates(requests: Integers, bad: Integers, alpha: float) -> Floats:
    """What `highest_rate` gives, for many sides."""
    bets = 1 / np.array(BETS)
    inside, outside = np.zeros(requests.shape), np.ones(requests.shape)

    def ruled_out(rate: Floats) -> Mask:
        sums = bad[:, None] * np.log(bets) - (requests * rate)[:, None] * (bets - 1)
        return log_mean(sums) >= -math.log(alpha)

    possible = ruled_out(outside)
    for _ in range(BISECTIONS):
        middle = (inside + outside) / 2
        out = ruled_out(middle)
        outside, inside = np.where(out, middle, outside), np.where(out, inside, middle)
    return np.where(possible, outside, 1.0)


def evidence(trace: Trace, alpha: float) -> tuple[Floats, Floats]:
    """The logarithms of the evidence for worse and for good after each period, by release."""
    runs = len(trace.canary)
    hushed = incidents(trace)
    limit = alpha * SHARE_OF_LIMIT
    last = slice(LAST_WITH_PRIMARY - PERIODS_PER_STEP + 1, LAST_WITH_PRIMARY)
    counts = np.stack([each[:, last].sum(axis=1) for each in (trace.primary, trace.primary_bad)])
    held = [
        (tolerance, bets, highest, _alone(tolerance, counts, trace.usual, limit, highest=highest))
        for tolerance, bets, highest in ((WORSE, LOGS, True), (GOOD, -LOGS, False))
    ]
    # The first one begins with the first weight, and the others with their steps.
    tests = np.zeros((runs, tests_of(STEPS), len(BETS)))
    has_begun = np.zeros((runs, tests_of(STEPS)), dtype=bool)
    good_sums = np.zeros((runs, len(BETS)))
    worse, good = np.zeros((runs, PERIODS)), np.zeros((runs, PERIODS))
    for at in range(PERIODS):
        # The first one is that in which the weight moves.
        step, nth = divmod(at, PERIODS_PER_STEP)
        nth -= 1
        if nth == 0:
            good_sums[:] = 0.0
        calm = ~hushed[:, at - 1] if at else np.ones(runs, dtype=bool)
        # Before the first test there was no canary whose answers could come late.
        if nth < 0:
            has_begun[:, 0] |= calm & ~has_begun.any(axis=1)
        else:
            settled = (nth >= QUIET_PERIODS) | ~has_begun[:, 1:].any(axis=1)
            has_begun[:, step + 1] |= calm & settled
        alone = at >= LAST_WITH_PRIMARY
        for tolerance, bets, highest, limited in held:
            allowance = limited if alone else np.full(runs, tolerance.allowance)
            ratio = 0.0 if alone else tolerance.ratio
            found = factors(trace, at, np.exp(bets), (ratio, allowance))
            found = np.where(hushed[:, at, None], np.minimum(found, 0.0), found)
            if highest:
                tests += np.where(has_begun[:, :, None], found[:, None, :], 0.0)
                worse[:, at] = log_mean(log_mean(tests))
            else:
                good_sums += found if nth >= 0 else 0.0
                good[:, at] = log_mean(good_sums)
    return worse, good


def _alone(
    tolerance: Tolerance, counts: Integers, usual: Integers, limit: float, *, highest: bool
) -> Floats:
    if highest:
        requests, bad = counts
        rate: Floats = highest_rates(requests, bad, limit) * RISE
    else:
        both = counts + usual.T * USUAL_PART
        rate = both[1] / both[0]
    found: Floats = tolerance.ratio * rate + tolerance.allowance
    return found


def check(trace: Trace, alpha: float, at: Integers) -> float:
    """The largest difference to the judge itself, which looks at each release at one period."""
    worse, good = evidence(trace, alpha)
    largest = 0.0
    for run, last in enumerate(at):
        periods = [
            judge.Period(
                number // PERIODS_PER_STEP,
                Counts(
                    int(trace.canary[run, number]),
                    int(trace.canary_bad[run, number]),
                    int(trace.primary[run, number]),
                    int(trace.primary_bad[run, number]),
                ),
                alone=number >= LAST_WITH_PRIMARY,
                moving=number % PERIODS_PER_STEP == 0,
                odds=odds_of(number),
            )
            for number in range(int(last) + 1)
        ]
        requests, bad = trace.usual[run]
        rule = Rule(
            "errors",
            clusters=float(trace.clusters[run]),
            usual=Usual(requests=int(requests), bad=int(bad)),
        )
        asked = judge.Judge([rule], STEPS, false_reverts=alpha)
        tally = asked.fold(judge.Tally(), periods, rule)
        largest = max(
            largest,
            abs(tally.log_worse(STEPS) - worse[run, last]),
            abs(tally.log_good - good[run, last]),
        )
    return largest
