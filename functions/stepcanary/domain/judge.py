"""Judge: what the counted requests of both sides say about the canary, so far.

What a metric stands at is folded from its periods, one after the other, and can be computed again
from what the ledger keeps of them. Over a whole release, with every look, step, hold and gate, one
that is no worse than tolerated is reverted with a probability of at most `false_reverts`, and at a
look one is called good that is not with at most `wrongly_good` (see `stepcanary.domain.evidence`).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
)
from stepcanary.domain.metric_rule import FALSE_REVERTS, UNPROVABLE, WRONGLY_GOOD, Rule
from stepcanary.domain.model import Model
from stepcanary.domain.periods import MINUTE, quiet_periods
from stepcanary.domain.usual import Usual, incident_rate

Outcome = Literal["revert", "good", "undecided"]

LONG_AGO = 60
USUAL_PART = 1 / 24
"""How much the requests of a usual day count beside the release's own: as an hour of them, for what
is usual may drift."""
STRAY_BAD = 1
"""So many bad answers in a short period are no incident, whatever share of few they are."""
SHARE_OF_LIMIT = 0.1
"""How much of the error goes to the limit that stands for a primary without requests."""
RISE = 2.0
"""How many times its last rate a primary without requests might have by now."""
UNSEEN_BAD = 3
"""How many bad answers more a primary might have given than it did, for all that the budget knows:
of none that were seen so many are possible, but for one time in twenty."""
LEAST_BUDGET = 200
BUDGET_DEVIATIONS = 4.0


def tests_of(steps: int) -> int:
    """How many tests a release has: one that begins with the first weight, and one a step."""
    return steps + 1


Logs = tuple[float, ...]
EVEN: Logs = (0.0,) * len(BETS)


@dataclass(frozen=True, slots=True)
class Period:
    """What one metric counted in one period of a step.

    A period is `alone` where the canary has all the weight. An incomplete one may still get counts
    on one side; it never is evidence for the question that is asked. In a `moving` one the weight
    rose to that of the step: `odds` are those of a request to be the canary's with that weight, or
    0 where it has all. It shows what is worse and never what is good, and counts as no period of
    the step. What the canary is granted in it buys nothing for later.
    """

    step: int
    counts: Counts
    alone: bool = False
    complete: bool = True
    moving: bool = False
    odds: float = 0.0


class Tally(Model):
    """What a metric's periods have come to. Logarithms are by bet; `tests` began one after another.

    `usual` is the primary without its incidents, `calm` how many periods the last of them is ago,
    `minute` the periods that make a minute with the next one, `recent` the primary in the last step
    that it had requests in, and `limit` what the canary is held against without one: the highest
    rate that it may have, and one that shows it good. `unread` are the lines of a log that could
    not be read.
    """

    tests: tuple[Logs, ...] = ()
    good: Logs = EVEN
    step: int = -1
    nth: int = 0
    begun: int = -1
    calm: int = LONG_AGO
    minute: tuple[tuple[int, int], ...] = ()
    usual: tuple[int, int] = (0, 0)
    recent: tuple[int, int] = (0, 0)
    limit: tuple[float, float] | None = None
    of_step: tuple[int, int, int, int] = (0, 0, 0, 0)
    of_release: tuple[int, int, int, int] = (0, 0, 0, 0)
    expected: float = 0.0
    compared: int = 0
    unread: int = 0

    @property
    def step_counts(self) -> Counts:
        return Counts(*self.of_step)

    @property
    def counts(self) -> Counts:
        return Counts(*self.of_release)

    @property
    def excess(self) -> float:
        """How many more bad answers the canary gave than the primary would have; 0 at least, after
        all are summed, for single periods differ by chance."""
        return max(0.0, self.compared - self.expected)

    @property
    def default_budget(self) -> float:
        """An excess that a healthy canary does not reach by chance."""
        return max(LEAST_BUDGET, BUDGET_DEVIATIONS * math.sqrt(self.expected))

    def log_worse(self, steps: int) -> float:
        """The evidence that the canary is worse. Each step begins a test of its own, beside those
        before it, so that a long time in which all was well hides no fault that comes late; and so
        does the first weight, before it has settled. Their number is fixed before the release; one
        that has not begun stands at 1."""
        number = tests_of(steps)
        tests = [log_mean(test) for test in self.tests[:number]]
        return log_sum(tests + [0.0] * (number - len(tests))) - math.log(number)

    @property
    def log_good(self) -> float:
        """The evidence that the canary is good: of this step alone, for an average over several
        says nothing of this weight."""
        return log_mean(self.good)

    def after(self, period: Period, rule: Rule, alpha: float) -> "Tally":
        """With one more period. `alpha` is the error of the limit that stands for a primary."""
        counts, same_step = period.counts, period.step == self.step
        nth = self.nth + 1 if same_step and not period.moving else 0
        quiet = quiet_periods(rule.period)
        # Before the first test there was no canary whose answers could come late.
        settled = self.begun < 0 or nth >= quiet
        if period.moving:
            begins = not self.tests and self.calm >= quiet
        else:
            begins = period.step > self.begun and settled and self.calm >= quiet
        recent = (counts.primary, counts.primary_bad)
        incident = self._is_incident(recent, rule.usual)
        calm = 0 if incident else self.calm + 1
        limit = self._limit(rule, alpha) if period.alone else None
        hushed = calm < quiet or not period.complete

        def factors(tolerance: Tolerance, bets: Iterable[float]) -> Logs:
            if tolerance.ratio == 0 and tolerance.allowance >= UNPROVABLE:
                # What says nothing is no question to bet on.
                return EVEN
            found = (log_factor(counts, tolerance, bet, rule.clusters, period.odds) for bet in bets)
            return tuple(min(each, 0.0) if hushed else each for each in found)

        worse, good = rule.worse, rule.good
        if limit and worse.ratio:
            worse = Tolerance(0.0, limit[0])
        if limit and good.ratio:
            good = Tolerance(0.0, limit[1])
        against = factors(worse, BETS)
        tests = (*self.tests, EVEN) if begins else self.tests
        expected = self._expected(period, rule)
        found = self.model_copy(
            update={
                "tests": tuple(_added(test, against) for test in tests),
                "calm": calm,
                "minute": _last((*self.minute, recent), MINUTE // rule.period - 1),
                "usual": self.usual
                if incident and (self.usual[0] or rule.usual)
                else _pair(self.usual, recent),
                "limit": limit,
                "of_release": _four(self.counts + counts),
                "expected": self.expected + (expected or 0.0),
                "compared": self.compared + (0 if expected is None else counts.canary_bad),
            }
        )
        if period.moving:
            return found
        for_good = factors(good, (1 / bet for bet in BETS))
        return found.model_copy(
            update={
                "good": _added(self.good if same_step else EVEN, for_good),
                "step": period.step,
                "nth": nth,
                "begun": period.step if begins else self.begun,
                "recent": self.recent
                if period.alone
                else _pair(self.recent if same_step else (0, 0), recent),
                "of_step": _four((self.step_counts if same_step else NOTHING) + counts),
            }
        )

    def _is_incident(self, period: tuple[int, int], before: Usual | None) -> bool:
        """Whether the primary itself has one: a canary that a shared database's failure hits harder
        is not worse for that. It is held against what was before, without any other incident, or
        one that lasts would soon be none.

        Of a shorter period its minute is asked, and the period itself but for a stray bad answer:
        it may be all the evidence that reverts.
        """
        limit = incident_rate(_share(*_with(self.usual, before)))
        requests, bad = period
        for other in self.minute:
            requests, bad = requests + other[0], bad + other[1]
        return bad > limit * requests or period[1] > limit * period[0] + STRAY_BAD

    def _expected(self, period: Period, rule: Rule) -> float | None:
        """How many bad answers the primary would have given in the canary's place, where that can
        be said."""
        counts = period.counts
        if counts.primary and not (period.moving and period.alone):
            if not period.complete:
                return None
            if not period.moving:
                return counts.canary * counts.primary_bad / counts.primary
            canary = max(counts.canary, period.odds * counts.primary)
            granted = canary * counts.primary_bad / counts.primary
            return min(granted, counts.canary_bad + self.excess)
        requests, bad = _with(self.recent, rule.usual)
        if not period.alone or not requests:
            return None
        # At most what it was before, which may have doubled since: a time in which all is well
        # buys nothing for later.
        most = counts.canary * min(1.0, RISE * (bad + UNSEEN_BAD) / requests)
        return min(most, counts.canary_bad + self.excess)

    def _limit(self, rule: Rule, alpha: float) -> tuple[float, float]:
        """What stands for a primary without requests: its rate in the last step that it had. That
        is exact only as long as it would not have risen by more than `RISE` since, and for good it
        is the rate as it was counted, in that step and on a usual day: of few requests it may be
        nothing by chance, and then no canary would be good."""
        if self.limit is not None:
            return self.limit
        requests, bad = self.recent
        highest = highest_rate(requests, bad, alpha)
        return (
            rule.worse.ratio * highest * RISE + rule.worse.allowance,
            rule.good.ratio * _share(*_with(self.recent, rule.usual)) + rule.good.allowance,
        )


def _with(seen: tuple[int, int], before: Usual | None) -> tuple[float, float]:
    """What a primary has counted, and before that."""
    if before is None:
        return seen
    return seen[0] + before.requests * USUAL_PART, seen[1] + before.bad * USUAL_PART


def _last(pairs: tuple[tuple[int, int], ...], number: int) -> tuple[tuple[int, int], ...]:
    return pairs[len(pairs) - number :] if number < len(pairs) else pairs


def _share(requests: float, bad: float) -> float:
    return bad / requests if requests else 0.0


def _added(ones: Logs, others: Logs) -> Logs:
    return tuple(one + other for one, other in zip(ones, others, strict=True))


def _pair(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def _four(counts: Counts) -> tuple[int, int, int, int]:
    return counts.canary, counts.canary_bad, counts.primary, counts.primary_bad


@dataclass(frozen=True, slots=True)
class MetricVerdict:
    """What one metric says. `worse` and `good` are logarithms of evidence, `needed_*` those at
    which it is enough."""

    rule: Rule
    tally: Tally
    worse: float
    needed_worse: float
    needed_good: float

    @property
    def good(self) -> float:
        return self.tally.log_good

    @property
    def is_worse(self) -> bool:
        return self.worse >= self.needed_worse

    @property
    def is_good(self) -> bool:
        return self.good >= self.needed_good


@dataclass(frozen=True, slots=True)
class Judgement:
    outcome: Outcome
    verdicts: list[MetricVerdict]

    @property
    def guilty(self) -> list[MetricVerdict]:
        return [each for each in self.verdicts if each.is_worse and not each.rule.observed]


@dataclass(frozen=True, slots=True)
class Judge:
    """The rules of a release of so many `steps`, which share its error rates."""

    rules: Sequence[Rule]
    steps: int
    false_reverts: float = FALSE_REVERTS
    wrongly_good: float = WRONGLY_GOOD

    def alpha(self, rule: Rule) -> float:
        """The rule's part of the false reverts. An observed one is shown as if it were alone."""
        judged = math.fsum(each.share for each in self.rules if not each.observed)
        return self.false_reverts * (1.0 if rule.observed else rule.share / judged)

    def fold(self, tally: Tally, periods: Iterable[Period], rule: Rule) -> Tally:
        for period in periods:
            tally = tally.after(period, rule, self.alpha(rule) * SHARE_OF_LIMIT)
        return tally

    def judgement(self, tallies: dict[str, Tally]) -> Judgement:
        """By metric; one that has counted nothing yet has a tally of its own, or none."""
        verdicts = [
            MetricVerdict(
                rule=rule,
                tally=(tally := tallies.get(rule.metric, Tally())),
                worse=tally.log_worse(self.steps),
                needed_worse=-math.log(self.alpha(rule) * (1 - SHARE_OF_LIMIT)),
                needed_good=-math.log(self.wrongly_good),
            )
            for rule in self.rules
        ]
        deciding = [each for each in verdicts if not each.rule.observed]
        if any(each.is_worse for each in deciding):
            return Judgement("revert", verdicts)
        is_good = bool(deciding) and all(each.is_good for each in deciding)
        return Judgement("good" if is_good else "undecided", verdicts)
