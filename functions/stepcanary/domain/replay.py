"""Replay: what the judge of a profile would have said of the past.

Three kinds of it, which say different things. Old releases are judged again from their rows. One
zone of the primary beside the others has nothing wrong, so what it is reverted for is a false
alarm. A random part of the primary's requests is too alike to be one: it only says how soon a rise
would have been seen.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pydantic import Field

from stepcanary.domain.chance import drawn, wilson
from stepcanary.domain.comparison import Compared, Row, doubt, judge_of
from stepcanary.domain.exposure import BETWEEN_SECONDS, PERIOD
from stepcanary.domain.judging import Judging
from stepcanary.domain.model import Model
from stepcanary.domain.profile import Step

RISES = (2.0, 5.0, 20.0)
MOST_WINDOWS = 60
"""Of the random splits: more of them tell no more."""

Minute = tuple[int, int]
"""Requests, and how many of these had bad answers."""
Minutes = dict[int, Minute]
"""By the second at which a minute begins; one without requests is left out."""


class Rejudged(Model):
    """What the judge says of an old release. `seconds` are from its first row to the one that it
    reverts after; None where it does not, and `outcome` says what it is in the end. `missing` are
    metrics of the profile that were not counted then, and `logged` those by which it was judged
    then that are left out here: a log has sums alone."""

    execution: str
    was: str
    outcome: str
    rows: int
    reason: str = ""
    seconds: int | None = None
    missing: list[str] = Field(default=[])
    logged: list[str] = Field(default=[])


class FalseReverts(Model):
    """How many of these pretended releases of one zone, or of all, were reverted with nothing
    wrong, and between what the share lies with a confidence of 95 %."""

    zone: str
    releases: int
    reverted: int
    low: float
    high: float


class Found(Model):
    """How many of these pretended releases were reverted for a rise of so many times the bad
    answers, and after how many seconds half of these were."""

    factor: float
    releases: int
    found: int
    seconds: int | None


@dataclass(frozen=True)
class Replay:
    """The judge of a profile, with its steps; one that only observes as if it decided."""

    profile: Judging
    steps: Sequence[Step]
    settle_seconds: int

    @cached_property
    def judging(self) -> Judging:
        """Of days that are over there are minutes alone."""
        return self._of_periods({})

    def _of_periods(self, periods: Mapping[str, int]) -> Judging:
        metrics = [
            metric.model_copy(update={"period": periods.get(metric.named, PERIOD)})
            for metric in self.profile.metrics
        ]
        return self.profile.model_copy(update={"observe": False, "metrics": metrics})

    def rejudged(
        self,
        execution: str,
        was: str,
        steps: int,
        rows: Sequence[Row],
        logged: Sequence[str] = (),
    ) -> Rejudged:
        """An old release of so many steps. What it is held against is what was counted then."""
        judging = self._of_periods({m: row.period for row in rows for m in row.counts})
        judge = judge_of(judging, max(1, steps))
        named = {metric.named for metric in self.judging.metrics}
        compared, reason, seconds = Compared(), None, None
        for row in sorted(rows, key=lambda row: row.at + row.period):
            compared = compared.after(row, judge)
            if reason is None and (reason := doubt(judging, judge, compared)):
                seconds = row.at + row.period - rows[0].at
        outcome = judge.judgement(compared.tallies).outcome if reason is None else "revert"
        counted = {metric for row in rows for metric in row.counts}
        return Rejudged(
            execution=execution,
            was=was,
            outcome=outcome,
            rows=len(rows),
            reason=reason or "",
            seconds=seconds,
            missing=sorted(named - counted),
            logged=list(logged),
        )

    @cached_property
    def plan(self) -> list[tuple[int, int]]:
        """Of each minute of a release the step and the weight that it is judged in; -1 where a
        weight moves or settles."""
        found: list[tuple[int, int]] = []
        for number, step in enumerate(self.steps):
            moving = -(-(self.settle_seconds + (BETWEEN_SECONDS if number else 0)) // PERIOD)
            found += [(-1, step.weight)] * moving
            found += [(number, step.weight)] * max(1, step.bake_seconds // PERIOD)
        return found

    def starts(self, minutes: Sequence[Minutes], most: int | None = None) -> list[int]:
        """Moments at which a release might have begun, none while another goes on."""
        moments = sorted({at for each in minutes for at in each})
        if not moments:
            return []
        length = len(self.plan) * PERIOD
        found = list(range(moments[0], moments[-1] + PERIOD - length + 1, length))
        if most is None or len(found) <= most:
            return found
        return [found[n * len(found) // most] for n in range(most)]

    def false_reverts(self, zones: dict[str, dict[str, Minutes]]) -> list[FalseReverts]:
        """By zone, and then of all; each has its minutes by metric. Empty where there are fewer
        than two, for then nothing is beside it."""
        if len(zones) < 2:
            return []
        starts = self.starts([m for by_metric in zones.values() for m in by_metric.values()])
        found = []
        for zone, canary in sorted(zones.items()):
            rest = {
                metric: _summed([z[metric] for name, z in zones.items() if name != zone])
                for metric in canary
            }
            runs = [self._zone(start, canary, rest) for start in starts]
            judged = [run for run in runs if run is not None]
            found.append(_false(zone, len(judged), sum(judged)))
        every = sum(each.releases for each in found)
        return [*found, _false("all", every, sum(each.reverted for each in found))]

    def _zone(
        self, start: int, canary: dict[str, Minutes], rest: dict[str, Minutes]
    ) -> bool | None:
        """Whether it was reverted; None where the zone had no requests."""
        rows = list(self._rows(start, canary, rest))
        if not any(counts[0] for row in rows for counts in row.counts.values()):
            return None
        return self._reverted_at(rows) is not None

    def _rows(
        self, start: int, canary: dict[str, Minutes], rest: dict[str, Minutes]
    ) -> Iterator[Row]:
        for number, (step, weight) in enumerate(self.plan):
            at = start + number * PERIOD
            counts = {
                metric: (*minutes.get(at, (0, 0)), *rest[metric].get(at, (0, 0)))
                for metric, minutes in canary.items()
                if at in minutes or at in rest[metric]
            }
            if step >= 0 and counts:
                # There always are others beside a zone.
                yield Row(at=at, step=step, weight=min(weight, 99), counts=counts)

    def _reverted_at(self, rows: Sequence[Row]) -> int | None:
        judge = judge_of(self.judging, len(self.steps))
        compared = Compared()
        for row in rows:
            compared = compared.after(row, judge)
            if doubt(self.judging, judge, compared):
                return row.at
        return None

    def found(self, minutes: dict[str, Minutes], seed: int = 1) -> list[Found]:
        """For each rise, in random splits of the primary's minutes by the weights of the steps. It
        says nothing of false reverts: what is drawn at random differs by chance alone."""
        starts = self.starts(list(minutes.values()), MOST_WINDOWS)
        result = []
        for factor in RISES:
            chance = random.Random(seed)  # noqa: S311 - no secret is drawn
            seconds = [
                at + PERIOD - start
                for start in starts
                if (at := self._reverted_at(self._split(start, minutes, factor, chance)))
                is not None
            ]
            half = sorted(seconds)[len(seconds) // 2] if seconds else None
            result.append(
                Found(factor=factor, releases=len(starts), found=len(seconds), seconds=half)
            )
        return result

    def _split(
        self, start: int, minutes: dict[str, Minutes], factor: float, chance: random.Random
    ) -> list[Row]:
        rows = []
        for number, (step, weight) in enumerate(self.plan):
            at = start + number * PERIOD
            counts = {
                metric: _divided(of[at], weight / 100, factor, chance)
                for metric, of in minutes.items()
                if at in of
            }
            if step >= 0 and counts:
                rows.append(Row(at=at, step=step, weight=weight, counts=counts))
        return rows


def _divided(
    minute: Minute, share: float, factor: float, chance: random.Random
) -> tuple[int, int, int, int]:
    """The canary's part of a minute, with so many times as many bad answers."""
    requests, bad = minute
    canary_bad = drawn(bad, share, chance)
    canary_well = drawn(requests - bad, share, chance)
    rate = bad / requests if requests else 0.0
    risen = min(1.0, max(0.0, (factor - 1) * rate / (1 - rate))) if rate < 1 else 0.0
    canary = canary_well + canary_bad
    primary = (requests - canary, bad - canary_bad)
    return (canary, canary_bad + drawn(canary_well, risen, chance), *primary)


def _false(zone: str, releases: int, reverted: int) -> FalseReverts:
    low, high = wilson(reverted, releases)
    return FalseReverts(zone=zone, releases=releases, reverted=reverted, low=low, high=high)


def _summed(several: Sequence[Minutes]) -> Minutes:
    total: Minutes = {}
    for each in several:
        for at, (requests, bad) in each.items():
            before = total.get(at, (0, 0))
            total[at] = before[0] + requests, before[1] + bad
    return total
