"""Judged: this project's judge as a source, by CloudWatch's minutes and by the lines of a log.

By minutes it is the judge itself, which is asked for each run. A log comes every second: there the
formula of `stepcanary.domain.evidence` is vectorised.
"""

import math
from dataclasses import dataclass

import numpy as np

from bench.exposure.engine import Range, Seen
from bench.exposure.faults import Floats, Integers, Mask
from bench.exposure.sources import ON_AWS, CloudWatch, Minute, log_mean
from stepcanary.domain.evidence import BETS, Counts
from stepcanary.domain.judge import SHARE_OF_LIMIT, Judge, Period, Tally, tests_of
from stepcanary.domain.metric_rule import Rule

YOUNG_MINUTES = 5
LOOKS: Range = (0.0, 12.5)
"""How long after a minute is shown a look comes while the step is young; afterwards one comes each
minute."""
ERRORS, LATENCY, LOGS = Rule("errors"), Rule("latency"), Rule("logs", share=2.0)
LOG_LIMIT = 0.01
FLUSH = 5.0
"""ECS's log driver puts the lines of a task each so many seconds."""
LAG: Range = (2.0, 6.0)
"""How old a batch of lines is when the function has it."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """`"judge": {}`: errors of both sides in each minute of a bake, of the promotion, and in which
    the weight moves to one of `weights`. The answers that are slow have their part of the error
    rate, and nothing is wrong with them. At the last step one that is not shown to be good is held,
    and so is one without a request."""

    weights: tuple[float, ...]
    rules: tuple[Rule, ...] = (ERRORS, LATENCY)
    holds: int = 3
    looks: Range = LOOKS
    by: CloudWatch = ON_AWS

    def __call__(self, runs: int, chance: np.random.Generator) -> "JudgedMinutes":
        return JudgedMinutes(self, runs, chance)


class JudgedMinutes:
    def __init__(self, asked: Minutes, runs: int, chance: np.random.Generator) -> None:
        self._asked, self._chance = asked, chance
        self._judge = Judge(asked.rules, len(asked.weights))
        self._minute = Minute(runs, 4, asked.by.minute)
        self._whole: Integers = np.zeros(runs, dtype=np.int64)
        """For how many seconds the run has been in one settled step."""
        self._step = np.full(runs, -1)
        self._moved = np.zeros(runs, dtype=bool)
        """Whether the weight has moved in this minute, as far as the judge knows."""
        self._due: dict[int, list[tuple[int, Period]]] = {}
        self._tallies: list[Tally] = [Tally() for _ in range(runs)]
        self._held = np.zeros((runs, len(asked.weights)), dtype=np.int64)
        self._worse = np.zeros(runs, dtype=bool)

    def doubts(self, seen: Seen) -> Mask:
        same = seen.settled & (seen.step == self._step)
        self._whole = np.where(same, self._whole + 1, np.where(seen.settled, 1, 0))
        self._step = seen.step.copy()
        counts = (seen.canary, seen.canary_bad, seen.primary, seen.primary_bad)
        ending, sums = self._minute.closed(seen, *counts)
        self._moved |= seen.moving
        whole = self._whole[ending] >= self._asked.by.minute
        judged = (whole | self._moved[ending]) & (seen.settled | seen.moving)[ending]
        judged &= ~seen.over[ending]
        for run, found in zip(ending[judged], sums.T[judged], strict=True):
            self._publish(int(run), found, seen)
        self._moved[ending] = False
        for run, period in self._due.pop(seen.at + 1, ()):
            if not seen.over[run]:
                self._fold(run, period)
        return self._worse

    def _publish(self, run: int, found: Integers, seen: Seen) -> None:
        canary, canary_bad, primary, primary_bad = (int(each) for each in found)
        if not canary and not primary:
            return
        by = self._asked.by
        shown = self._chance.uniform(*by.shown)
        young = self._whole[run] + shown < YOUNG_MINUTES * by.minute
        looked = self._chance.uniform(*self._asked.looks if young else (0, by.minute))
        counts = Counts(canary, canary_bad, primary, primary_bad)
        due = seen.at + 1 + round(shown + looked)
        self._due.setdefault(due, []).append((run, self._period(run, counts, seen)))

    def _period(self, run: int, counts: Counts, seen: Seen) -> Period:
        moving, step = bool(self._moved[run]), int(seen.step[run])
        weight = self._asked.weights[step]
        alone = weight >= 100
        odds = weight / (100 - weight) if moving and not alone else 0.0
        return Period(step, counts, alone=alone, moving=moving, odds=odds)

    def _fold(self, run: int, period: Period) -> None:
        tally = self._judge.fold(self._tallies[run], [period], ERRORS)
        self._tallies[run] = tally
        over_budget = tally.excess >= tally.default_budget
        self._worse[run] |= over_budget or self._judge.judgement({"errors": tally}).guilty != []

    def keeps(self, seen: Seen, ending: Mask) -> Mask:
        kept = np.zeros_like(ending)
        for run in np.flatnonzero(ending):
            step, tally = int(seen.step[run]), self._tallies[run]
            silent = tally.step != step or not tally.of_step[0]
            said = self._judge.judgement({"errors": tally}).verdicts[0]
            undecided = step == len(self._asked.weights) - 1 and not said.is_good
            if not (silent or undecided):
                continue
            kept[run] = True
            if self._held[run, step] < self._asked.holds:
                self._held[run, step] += 1
            elif silent:
                # It goes nowhere from here: the next look reverts it.
                self._worse[run] = True
            else:
                kept[run] = False
        return kept


@dataclass(frozen=True, slots=True)
class Lines:
    """The canary's log, and that of the primary's new tasks once the weights have returned, held
    against a limit alone, beside what else is judged. Of several `tasks` each puts its lines at a
    time of its own; the one of a small weight has to be waited for."""

    steps: int
    rules: tuple[Rule, ...] = (ERRORS, LATENCY, LOGS)
    flush: float = FLUSH
    lag: Range = LAG
    tasks: int = 1
    put: Range | None = None
    """When after the first weight each task's lines are put first, where that is known; else any
    moment of the interval is as likely."""

    def __call__(self, runs: int, chance: np.random.Generator) -> "JudgedLines":
        return JudgedLines(self, runs, chance)


class JudgedLines:
    def __init__(self, asked: Lines, runs: int, chance: np.random.Generator) -> None:
        self._asked, self._chance = asked, chance
        alpha = Judge(asked.rules, asked.steps).alpha(LOGS)
        self._needed = -math.log(alpha * (1 - SHARE_OF_LIMIT))
        self._totals = np.zeros((2, tests_of(asked.steps), runs), dtype=np.int64)
        longest = 2 + math.ceil(asked.flush + asked.lag[1])
        self._coming = np.zeros((longest, *self._totals.shape), dtype=np.int64)
        self._runs = np.arange(runs)
        of_tasks = (asked.tasks, runs)
        first, last = asked.put or (0.0, asked.flush)
        self._put = chance.uniform(first, last, of_tasks)
        """When each task's lines are put next, all that it has written until then in one batch."""
        self._lag = chance.uniform(*asked.lag, of_tasks)

    def doubts(self, seen: Seen) -> Mask:
        due = self._put < seen.at + 0.5
        self._put += np.where(due, self._asked.flush, 0.0)
        self._lag = np.where(due, self._chance.uniform(*self._asked.lag, due.shape), self._lag)
        places = np.round(self._put + self._lag).astype(np.int64) % len(self._coming)
        of_primary = np.full_like(seen.step, self._asked.steps)
        for step, requests, bad in (
            (seen.step, seen.canary, seen.canary_bad),
            (of_primary, seen.returned, seen.returned_bad),
        ):
            self._write(step, requests - bad, bad, places)
        now = seen.at % len(self._coming)
        self._totals += self._coming[now]
        self._coming[now] = 0
        found: Mask = log_worse(*self._totals) >= self._needed
        return found

    def _write(self, step: Integers, well: Integers, bad: Integers, places: Integers) -> None:
        """Lines of one second, by the task that has answered."""
        for task, place in enumerate(places):
            share = 1 / (self._asked.tasks - task)
            some, some_bad = (self._chance.binomial(each, share) for each in (well, bad))
            well, bad = well - some, bad - some_bad
            self._coming[place, 0, step, self._runs] += some + some_bad
            self._coming[place, 1, step, self._runs] += some_bad

    def keeps(self, _seen: Seen, ending: Mask) -> Mask:
        return np.zeros_like(ending)


def log_worse(requests: Integers, bad: Integers) -> Floats:
    """The evidence of each run that its version has more than `LOG_LIMIT`, of counts by step and
    run: a test begins with each step, and one when the weights return, and counts all that comes
    after it."""
    later, later_bad = (np.cumsum(each[::-1], axis=0)[::-1] for each in (requests, bad))
    bets = np.array(BETS)
    logs = later_bad[..., None] * np.log(bets) - later[..., None] * LOG_LIMIT * (bets - 1)
    return log_mean(log_mean(logs).T)
