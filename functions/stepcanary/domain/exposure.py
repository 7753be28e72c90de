"""Exposure: how many requests fail at most, if every answer of the canary is bad from some moment
of a step on, until the traffic has left it.

Nothing is drawn at random. What chance adds is bounded: of requests that fail at most as many as
one release in ten thousand exceeds, of those that count as evidence no more than all but one have.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from stepcanary.domain.chance import RARE, at_most_of, least, most, over
from stepcanary.domain.evidence import BETS, Tolerance, highest_rate, log_mean, log_weighed
from stepcanary.domain.judge import BUDGET_DEVIATIONS, LEAST_BUDGET, RISE, SHARE_OF_LIMIT, tests_of
from stepcanary.domain.judging import Judging
from stepcanary.domain.log_outage import seconds_to_show
from stepcanary.domain.metric_rule import UNPROVABLE, Rule
from stepcanary.domain.model import Model
from stepcanary.domain.periods import quiet_periods
from stepcanary.domain.profile import Step
from stepcanary.domain.usual import INCIDENT_FACTOR, INCIDENT_RATE

PERIOD = 60
BETWEEN_SECONDS = 20
"""From the end of a bake until the next weight is written, by a canary that has its tasks."""
REACTION_SECONDS = 30
"""From a look that doubts until the weight is written; what writes it lives no longer."""
STARTS, MOST_STARTS = 12, 30
"""So many moments before the end of a step, and after it has settled, are gone through, and so many
in between."""
MOST_PERIODS = 1_440
DEVIATIONS = 5.0


class Assumed(Model):
    """The traffic that a preview assumes: the requests of both sides in the busiest minute, which
    was at `busiest_at`, in epoch seconds, and the share of bad answers."""

    requests_per_minute: int
    busiest_at: int
    bad_share: float
    minutes: int
    """How many minutes had requests, of those that were read."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How soon it is seen what is published: a `period` is final so many seconds after its end, and
    a look comes so many seconds later at most. An alarm needs `alarm` seconds from the first bad
    answer on; None where no alarm fires."""

    final: int
    look: int
    settle: int
    alarm: int | None = None
    period: int = PERIOD


class Exposed(Model):
    """What an outage costs at most that begins in a step. `by_judge` and `by_alarms` are with these
    alone, None where they do not see it before the release is over; so is `seconds`, until the
    traffic has left."""

    failed: int
    seconds: int | None
    by_judge: int | None
    by_alarms: int | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A step in time: its weight is written at `begins`, has settled at `settled`, and is baked
    until `ends`; the next one is written at `left`."""

    begins: int
    settled: int
    ends: int
    left: int
    weight: int


Seeing = Callable[[int, int], float | None]
"""When an outage is seen that begins in a step at a moment; None where it is not."""


@dataclass(frozen=True)
class Outages:
    """A release under the traffic that is assumed. Its last step is taken to be held `holds` times,
    for an outage is not good, and one whose bake is too short for any count until it has one."""

    steps: Sequence[Step]
    judging: Judging | None
    assumed: Assumed
    pace: Pace
    holds: int = 0

    @cached_property
    def stretches(self) -> list[Stretch]:
        found, at = [], 0
        for number, step in enumerate(self.steps):
            last = number + 1 == len(self.steps)
            settled = at + self.pace.settle
            holds = self.holds if last else min(self.holds, self._short_of(step))
            ends = settled + step.bake_seconds * (1 + holds)
            left = ends + BETWEEN_SECONDS
            found.append(Stretch(at, settled, ends, left, step.weight))
            at = left
        return found

    def _short_of(self, step: Step) -> int:
        """How many holds it takes until a period is judged for sure."""
        if not self._sights or not step.bake_seconds:
            return 0
        return -(-(2 * self.pace.period + self.pace.final) // step.bake_seconds) - 1

    def exposed(self, step: int) -> Exposed:
        alarm, judge = self._worst(step, self._fired), self._worst(step, self._seen)
        end = self._worst(step, lambda _step, _at: None)
        seen = [each for each in (alarm, judge) if each.seen]
        best = min(seen or [end], key=lambda each: each.failed)
        return Exposed(
            failed=best.failed,
            seconds=best.seconds if best.seen else None,
            by_judge=judge.failed if judge.seen else None,
            by_alarms=alarm.failed if alarm.seen else None,
        )

    def _worst(self, step: int, seen: Seeing) -> "Outage":
        found = [self._outage(step, at, seen(step, at)) for at in self._starts(step)]
        worst = max(found, key=lambda each: each.failed)
        return Outage(worst.failed, worst.seconds, seen=any(each.seen for each in found))

    def _outage(self, step: int, at: int, seen: float | None) -> "Outage":
        """What one costs that begins in this step; at worst until the release is over."""
        over_at = self.stretches[-1].ends
        until = over_at if seen is None else seen + REACTION_SECONDS + self.pace.settle
        until = max(at, until) if seen is None else until
        requests, last = 0.0, self.stretches[-1]
        for stretch in self.stretches[step:]:
            left = math.inf if stretch is last else stretch.left
            seconds = max(0.0, min(until, left) - max(at, stretch.begins))
            requests += seconds * self.canary(stretch) / PERIOD
        return Outage(most(requests), math.ceil(until - at), seen=seen is not None)

    def canary(self, stretch: Stretch) -> float:
        return self.assumed.requests_per_minute * stretch.weight / 100

    def _starts(self, step: int) -> list[int]:
        """The moments just after which one period fewer is seen in this step."""
        stretch, period = self.stretches[step], self.pace.period
        last = stretch.ends - self.pace.final - period
        periods = (stretch.ends - stretch.settled) // period
        some = range(0, periods, max(1, periods // MOST_STARTS))
        ends = [last - period * n + 1 for n in {*range(STARTS), *some}]
        first = [stretch.settled + period * n + 1 for n in range(STARTS)]
        found = {stretch.begins, stretch.settled, *ends, *first}
        return sorted(at for at in found if stretch.begins <= at < stretch.ends)

    def _fired(self, _step: int, at: int) -> float | None:
        return None if self.pace.alarm is None else at + self.pace.alarm

    def _seen(self, step: int, at: int) -> float | None:
        """When the judge has seen it for sure; None where the release is over before."""
        found = [sight.seen(step, at) for sight in self._sights]
        found += [sight.heard(step, at) for sight in self._hearings]
        return min((each for each in found if each is not None), default=None)

    def heard_within(self, rule: Rule) -> int | None:
        """How long after its first bad answer at most a log has shown an outage, of those that it
        is sure to show; None where there is none."""
        if self.judging is None:
            return None
        sight = Sight(self, rule, self.judging)
        found = [
            seen - at
            for step in range(len(self.steps))
            for at in self._starts(step)
            if (seen := sight.heard(step, at)) is not None
        ]
        return math.ceil(max(found)) if found else None

    @cached_property
    def _hearings(self) -> list["Sight"]:
        judging = self.judging
        if judging is None or judging.observe:
            return []
        return [Sight(self, m.rule, judging) for m in judging.logged if not m.observe]

    @cached_property
    def _sights(self) -> list["Sight"]:
        judging = self.judging
        if judging is None or judging.observe:
            return []
        return [
            Sight(self, metric.rule, judging)
            for metric in judging.metrics
            if metric.kind == "errors" and not metric.observe and metric.period == self.pace.period
        ]

    def periods_needed(self, step: int) -> int | None:
        """How many periods of an outage the judge needs that begins with the step; None where no
        number of them is enough."""
        found = [sight.needed(step, {}, [0, 0], MOST_PERIODS) for sight in self._sights]
        return min((each for each in found if each is not None), default=None)


@dataclass(frozen=True, slots=True)
class Outage:
    failed: int
    seconds: int
    seen: bool


def alpha_of(rule: Rule, judging: Judging) -> float:
    judged = math.fsum(m.weight for m in judging.metrics if not m.observe)
    return judging.false_reverts * rule.share / judged


def threshold_of(rule: Rule, judging: Judging, steps: int) -> float:
    """What the evidence of one of the tests has to come to."""
    return math.log(tests_of(steps)) - math.log(alpha_of(rule, judging) * (1 - SHARE_OF_LIMIT))


@dataclass(frozen=True)
class Sight:
    """How one metric's rule sees an outage."""

    outages: Outages
    rule: Rule
    judging: Judging

    @cached_property
    def alpha(self) -> float:
        return alpha_of(self.rule, self.judging)

    @cached_property
    def threshold(self) -> float:
        return threshold_of(self.rule, self.judging, len(self.outages.steps))

    @property
    def period(self) -> int:
        return self.outages.pace.period

    @property
    def quiet(self) -> int:
        return quiet_periods(self.period)

    def seen(self, step: int, at: int) -> float | None:
        stretches, final = self.outages.stretches, self.outages.pace.final
        before: dict[int, int] = {}
        healthy = (at - stretches[step].settled) // self.period
        # A period's end may be at any second of the minute.
        known = [max(0, healthy - 1), max(0, healthy + 1)]
        for number in range(step, len(stretches)):
            stretch = stretches[number]
            begun = max(at, stretch.settled)
            there = (stretch.ends - final - begun) // self.period - 1
            needed = self.needed(number, before, known, there) if there > 0 else None
            if needed is not None:
                published = begun + self.period + self.period * needed + final
                return min(published + self.outages.pace.look, stretch.left)
            before[number] = max(0, there)
            known = [0, 0]
        return None

    def heard(self, step: int, at: int) -> float | None:
        """As `seen`, by the lines of the canary's log: they are counted as they come."""
        begun = at
        for stretch in self.outages.stretches[step:]:
            begun = max(begun, stretch.begins)
            per_second = self.outages.canary(stretch) / PERIOD
            healthy = most(per_second * max(0, begun - stretch.begins))
            seconds = seconds_to_show(self.rule, self.threshold, per_second, healthy)
            if seconds is not None and begun + seconds <= stretch.left:
                return begun + seconds
            begun = stretch.left
        return None

    def needed(
        self, step: int, before: dict[int, int], healthy: list[int], there: int
    ) -> int | None:
        """How many periods of the outage in this step are enough, after those `before` it."""

        def enough(periods: int) -> bool:
            outage = {**before, step: periods}
            return all(self._is_enough(outage, min(outage), well) for well in healthy)

        for periods in range(1, min(there, 4)):
            if enough(periods):
                return periods
        if not enough(there):
            return None
        low, high = 0, there
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high

    def _is_enough(self, outage: dict[int, int], begun: int, healthy: int) -> bool:
        if self._over_budget(outage):
            return True
        last = max(outage)
        tests = {0, max(0, begun - 1), begun, last}
        return any(self._evidence(test, outage, begun, healthy) >= self.threshold for test in tests)

    def _evidence(self, test: int, outage: dict[int, int], begun: int, healthy: int) -> float:
        """Of the test that began with a step."""
        sums = [0.0] * len(BETS)
        for step in range(test, max(outage) + 1):
            if step > test:
                moved = self._moved(step, broken=step > begun)
                sums = [one + other for one, other in zip(sums, moved, strict=True)]
            well, bad = self._periods(step, outage, begun, healthy)
            if step == test and test > 0:
                late = self.quiet + self._hushed(step, self.quiet)
                bad -= max(0, late - well)
                well = max(0, well - late)
            logs = self._logs(step, well, max(0, bad))
            sums = [one + other for one, other in zip(sums, logs, strict=True)]
        return log_mean(sums)

    def _periods(
        self, step: int, outage: dict[int, int], begun: int, healthy: int
    ) -> tuple[int, int]:
        """Those of a step that are healthy, and those of the outage."""
        if step == begun:
            return healthy, outage[step]
        if step > begun:
            return 0, outage.get(step, 0)
        stretch = self.outages.stretches[step]
        return (stretch.ends - stretch.settled) // self.period, 0

    def _logs(self, step: int, healthy: int, bad: int) -> tuple[float, ...]:
        key = (step, healthy, bad)
        if key not in self._known:
            self._known[key] = self._weighed(step, healthy, bad)
        return self._known[key]

    @cached_property
    def _known(self) -> dict[tuple[int, int, int], tuple[float, ...]]:
        return {}

    def _moved(self, step: int, *, broken: bool) -> tuple[float, ...]:
        """Of the periods in which the weight moves to that of this step: an outage is as large then
        as the weight before leaves it, and what is fair as the one that comes. A period has other
        seconds at each end."""
        stretches, period = self.outages.stretches, self.period
        periods = (stretches[step].settled - stretches[step - 1].ends) / period
        _, primary = self._requests(step - 1)
        canary, coming = self._requests(step)
        fair = self.rule.worse.ratio * (canary + 1)
        share = fair / (fair + coming) if coming else 0.0
        bad = least(self._requests(step - 1)[0] * periods) if broken else 0
        if broken and self._hushed(step - 1, math.ceil(periods) + 2):
            bad = 0
        well = 0 if broken else most(canary * (periods + 2))
        of_primary = most(primary * self.outages.assumed.bad_share * (periods + 2)) if share else 0
        return self._logs_of(self._tolerance(step), bad, well, of_primary, share)

    def _weighed(self, step: int, healthy: int, bad: int) -> tuple[float, ...]:
        canary, primary = self._requests(step)
        tolerance = self._tolerance(step)
        # Beside one of its requests a period has as many others as are expected of all.
        fair = tolerance.ratio * (canary + 1)
        share = fair / (fair + primary) if fair and primary else 0.0
        if fair and not primary:
            return (0.0,) * len(BETS)
        counted = least(canary * max(0, bad - self._hushed(step, bad)))
        well = most(canary * healthy)
        of_primary = most(primary * self.outages.assumed.bad_share * (healthy + bad)) if fair else 0
        return self._logs_of(tolerance, counted, well, of_primary, share)

    def _logs_of(
        self, tolerance: Tolerance, counted: float, well: float, of_primary: float, share: float
    ) -> tuple[float, ...]:
        if not tolerance.ratio and tolerance.allowance >= UNPROVABLE:
            return (0.0,) * len(BETS)
        return tuple(
            log_weighed(
                well + counted,
                counted,
                of_primary,
                share,
                tolerance.allowance,
                bet=bet,
                clusters=self.rule.clusters,
            )
            for bet in BETS
        )

    def _requests(self, step: int) -> tuple[float, float]:
        """In a period, of the canary and of the primary."""
        weight = self.outages.stretches[step].weight
        all_of_them = self.outages.assumed.requests_per_minute * self.period / PERIOD
        return all_of_them * weight / 100, all_of_them * (100 - weight) / 100

    def _hushed(self, step: int, periods: int) -> int:
        """How many of these periods are no evidence: by chance the primary of a service with little
        traffic is taken to have an incident, which silences a minute and the one after it."""
        _, primary = self._requests(step)
        if not periods or not primary:
            return 0
        bad = self.outages.assumed.bad_share
        # What is usual is not known better than by half, and at first maybe not at all. Whatever a
        # period is long, it is a minute by chance, which two shorter ones may be the end of.
        shorter = PERIOD // self.period
        primary *= shorter
        limit = max(INCIDENT_RATE, INCIDENT_FACTOR / 2 * bad)
        unknown = step == 0 and self.rule.usual is None
        at_first = unknown and over(INCIDENT_RATE * primary, bad * primary) > RARE
        minutes, quiet = -(-periods // shorter), quiet_periods(PERIOD)
        chance = min(1.0, over(limit * primary, bad * primary) * min(2, shorter))
        return shorter * quiet * (at_most_of(minutes + quiet, chance) + at_first)

    def _tolerance(self, step: int) -> Tolerance:
        worse = self.rule.worse
        _, primary = self._requests(step)
        if primary or not worse.ratio:
            return worse
        if step == 0:
            return Tolerance(0.0, 1.0)
        return Tolerance(0.0, self._limits[step])

    @cached_property
    def _limits(self) -> dict[int, float]:
        """What stands for the primary in a step without one: the highest rate that its requests in
        the step before leave possible."""
        found = {}
        for step in range(1, len(self.outages.steps)):
            stretch = self.outages.stretches[step - 1]
            # Neither the first part of a minute nor what is not final at the end is counted.
            seconds = stretch.ends - stretch.settled - self.outages.pace.final
            periods = max(0, seconds // self.period - 1)
            requests = least(self._requests(step - 1)[1] * periods)
            bad = min(requests, most(requests * self.outages.assumed.bad_share))
            highest = highest_rate(requests, bad, self.alpha * SHARE_OF_LIMIT)
            worse = self.rule.worse
            found[step] = worse.ratio * highest * RISE + worse.allowance
        return found

    def _over_budget(self, outage: dict[int, int]) -> bool:
        failed = expected = 0.0
        everything = self.outages.assumed.bad_share
        for step, periods in outage.items():
            canary, primary = self._requests(step)
            # Without a primary it counts from so much that nothing is sure of it.
            if primary:
                failed += least(canary * periods)
                expected += most(canary * periods * everything)
        whole = sum(
            self._requests(n)[0] * (s.ends - s.settled) / self.period
            for n, s in enumerate(self.outages.stretches)
            if n <= max(outage)
        )
        by_chance = math.sqrt(whole * everything)
        budget = self.judging.budget or max(LEAST_BUDGET, BUDGET_DEVIATIONS * by_chance)
        return failed - expected > budget + DEVIATIONS * by_chance
