"""Judge: what the counted requests of both sides say about the canary, so far.

It is a pure function of the periods, so a verdict can be computed again from what the ledger keeps.
Over a whole release, with every look, step, hold and gate, it reverts one that is no worse than
tolerated with a probability of at most `false_reverts`, and calls one good that is not with at most
`wrongly_good` at each look (see `stepcanary.domain.evidence`).
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

from stepcanary.domain.evidence import (
    BETS,
    NOTHING,
    Counts,
    Tolerance,
    highest_rate,
    log_factor,
    log_mean,
    log_sum,
    lowest_rate,
)

Outcome = Literal["revert", "good", "undecided"]

FALSE_REVERTS, WRONGLY_GOOD = 0.05, 0.05
"""The probabilities of a release: that one with nothing wrong is reverted at any look, and that at
a look one is called good that is not."""
WORSE, GOOD = Tolerance(1.0, 0.001), Tolerance(1.5, 0.005)
QUIET_PERIODS = 2
"""How many periods after a change of the weight, or an incident, no test starts afresh: bad answers
that are counted a period late would be evidence against the wrong side."""
INCIDENT_RATE, INCIDENT_FACTOR = 0.01, 3.0
SHARE_OF_LIMIT = 0.1
"""How much of the error goes to the limit that stands for a primary without requests."""
RISE = 2.0
"""How many times its last rate a primary without requests might have by now."""
UNPROVABLE = 0.5
LEAST_BUDGET = 200
BUDGET_DEVIATIONS = 4.0


@dataclass(frozen=True, slots=True)
class Period:
    """What one metric counted in one period of a step: on neither side of a change of the weight.

    A period is `alone` where the canary has all the weight. An incomplete one may still get counts
    on one side; it never is evidence for the question that is asked.
    """

    step: int
    counts: Counts
    alone: bool = False
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """How one metric is judged. `clusters` is how many bad answers have one cause at most, and
    `share` its part of the error rates, by weight. One that is `observed` decides nothing, and has
    no part."""

    metric: str
    worse: Tolerance = WORSE
    good: Tolerance = GOOD
    clusters: float = 1.0
    share: float = 1.0
    observed: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What one metric says. `worse` and `good` are logarithms of evidence, `needed_*` those at
    which it is enough; `step` counts the step that is now, `total` the release."""

    rule: Rule
    worse: float
    needed_worse: float
    good: float
    needed_good: float
    step: Counts
    total: Counts

    @property
    def is_worse(self) -> bool:
        return self.worse >= self.needed_worse

    @property
    def is_good(self) -> bool:
        return self.good >= self.needed_good


@dataclass(frozen=True, slots=True)
class Judgement:
    outcome: Outcome
    findings: list[Finding] = field(default_factory=list)

    @property
    def guilty(self) -> list[Finding]:
        return [each for each in self.findings if each.is_worse and not each.rule.observed]


def judgement(
    periods: dict[str, list[Period]],
    rules: Sequence[Rule],
    step: int,
    steps: int,
    *,
    false_reverts: float = FALSE_REVERTS,
    wrongly_good: float = WRONGLY_GOOD,
) -> Judgement:
    """Of a release that is in `step` (the first is 0) of so many `steps`; `periods` are by metric,
    in the order of time."""
    judged = math.fsum(rule.share for rule in rules if not rule.observed)
    findings = []
    for rule in rules:
        # An observed metric is shown as if it were the only one.
        part = 1.0 if rule.observed else rule.share / judged
        found = periods.get(rule.metric, [])
        alpha = false_reverts * part
        findings.append(_finding(found, rule, (step, steps), alpha=alpha, beta=wrongly_good))
    deciding = [each for each in findings if not each.rule.observed]
    if any(each.is_worse for each in deciding):
        return Judgement("revert", findings)
    is_good = bool(deciding) and all(each.is_good for each in deciding)
    return Judgement("good" if is_good else "undecided", findings)


def _finding(
    periods: list[Period], rule: Rule, place: tuple[int, int], *, alpha: float, beta: float
) -> Finding:
    step, steps = place
    of_step = [each.counts for each in periods if each.step == step]
    limit = alpha * SHARE_OF_LIMIT
    return Finding(
        rule=rule,
        worse=_worse(periods, rule, steps, limit),
        needed_worse=-math.log(alpha - limit),
        good=_good(periods, rule, step, limit),
        needed_good=-math.log(beta),
        step=sum(of_step, NOTHING),
        total=sum((each.counts for each in periods), NOTHING),
    )


def _worse(periods: list[Period], rule: Rule, steps: int, alpha: float) -> float:
    """Each step begins a test of its own, beside those before it, so that a long time in which all
    was well hides no fault that comes late. They are fixed in number before the release; one that
    has not begun stands at 1."""
    began = starts(periods)
    hushed = incidents(periods)
    tolerances = list(_tolerances(periods, rule.worse, alpha))
    sums = []
    for bet in BETS:
        factors = []
        for period, tolerance, hush in zip(periods, tolerances, hushed, strict=True):
            factor = _factor(period, tolerance, bet, rule.clusters)
            factors.append(min(factor, 0.0) if hush or not period.complete else factor)
        sums.append([0.0, *accumulate(factors)])
    tests = [log_mean(each[-1] - each[start] for each in sums) for start in began[:steps]]
    return log_sum(tests + [0.0] * (steps - len(tests))) - math.log(steps)


def _good(periods: list[Period], rule: Rule, step: int, alpha: float) -> float:
    """Only what the step itself has shown: an average over steps says nothing of this weight."""
    hushed = incidents(periods)
    tolerances = list(_tolerances(periods, rule.good, alpha, good=True))
    rows = [
        (period, tolerance, hush or not period.complete)
        for period, tolerance, hush in zip(periods, tolerances, hushed, strict=True)
        if period.step == step
    ]
    sums = []
    for bet in BETS:
        factors = (
            (_factor(period, tolerance, 1 / bet, rule.clusters), hush)
            for period, tolerance, hush in rows
        )
        sums.append(math.fsum(min(each, 0.0) if hush else each for each, hush in factors))
    return log_mean(sums)


def _factor(period: Period, tolerance: Tolerance, bet: float, clusters: float) -> float:
    # A limit that says nothing is no question to bet on.
    if tolerance.ratio == 0 and tolerance.allowance >= UNPROVABLE:
        return 0.0
    return log_factor(period.counts, tolerance, bet, clusters)


def _tolerances(
    periods: list[Period], tolerance: Tolerance, alpha: float, *, good: bool = False
) -> Iterator[Tolerance]:
    """What each period is held against. Where the canary is alone, the rate of the primary in the
    last step that it had stands for the one that it has not. That is exact only as long as the
    primary's would not have risen by more than `RISE` since, or fallen, for good, at all."""
    primary, step = NOTHING, -1
    alone: Tolerance | None = None
    for period in periods:
        if not period.alone or tolerance.ratio == 0:
            primary = primary + period.counts if period.step == step else period.counts
            step, alone = period.step, None
            yield tolerance
            continue
        if alone is None:
            limit = lowest_rate if good else highest_rate
            rate = limit(primary.primary, primary.primary_bad, alpha) * (1 if good else RISE)
            alone = Tolerance(0.0, tolerance.ratio * rate + tolerance.allowance)
        yield alone


def starts(periods: Sequence[Period]) -> list[int]:
    """The period with which each step's test begins: two after the step's first, and after an
    incident. Before the first step the canary had no request that could be counted late."""
    hushed = incidents(periods)
    found: list[int] = []
    begun, nth = -1, 0
    for number, period in enumerate(periods):
        nth = nth + 1 if number and periods[number - 1].step == period.step else 0
        settled = begun < 0 or nth >= QUIET_PERIODS
        calm = not number or not hushed[number - 1]
        if period.step > begun and settled and calm:
            found.append(number)
            begun = period.step
    return found


def incidents(periods: Sequence[Period]) -> list[bool]:
    """Whether the primary itself has an incident in each period, or had one in the period before.

    A canary that a shared database's failure hits harder is not worse for that. An incident is held
    against what was before it, without any other, or one that lasts would soon be no incident.
    """
    found: list[bool] = []
    requests = bad = 0
    for period in periods:
        counts = period.counts
        usual = bad / requests if requests else 0.0
        limit = max(INCIDENT_RATE, INCIDENT_FACTOR * usual)
        is_incident = counts.primary_bad > limit * counts.primary
        found.append(is_incident)
        if not is_incident or not requests:
            requests, bad = requests + counts.primary, bad + counts.primary_bad
    return [here or before for here, before in zip(found, [False, *found], strict=False)]


def excess(periods: Sequence[Period]) -> float:
    """How many more bad answers the canary gave than the primary would have: 0 at least, after all
    are summed, for single periods differ by chance."""
    compared = [each.counts for each in periods if each.counts.primary]
    expected = math.fsum(each.canary * each.primary_bad / each.primary for each in compared)
    return max(0.0, sum(each.canary_bad for each in compared) - expected)


def default_budget(periods: Sequence[Period]) -> float:
    """An excess that a healthy canary does not reach by chance."""
    compared = [each.counts for each in periods if each.counts.primary]
    expected = math.fsum(each.canary * each.primary_bad / each.primary for each in compared)
    return max(LEAST_BUDGET, BUDGET_DEVIATIONS * math.sqrt(expected))
