"""Sources: what tells a system that its canary is bad, and how long after the first bad answer.

Each is made for so many runs, and asked at the end of each second.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bench.exposure.engine import MakeSource, Range, Seen, Source
from bench.exposure.faults import Floats, Integers, Mask

LIMIT = 0.01
"""The share of bad answers above which an alarm or a check says that the canary is bad."""
SCRAPED: Range = (0.0, 15.0)
"""How old the newest sample of Prometheus is."""
MINUTE = 60
SHOWN_AFTER: Range = (60.0, 60.0)
"""How long after its end CloudWatch shows a minute."""
EVALUATED: Range = (10.0, 30.0)
"""How long after that an alarm's new state is there."""


@dataclass(frozen=True, slots=True)
class CloudWatch:
    """How long what it calls a minute lasts, and when its counts and alarms are there."""

    minute: int = MINUTE
    shown: Range = SHOWN_AFTER
    evaluated: Range = EVALUATED


ON_AWS = CloudWatch()


class Minute:
    """Sums of each run's minutes; they end by the wall's clock."""

    def __init__(self, runs: int, sums: int, seconds: int) -> None:
        self._seconds = seconds
        self._sums = np.zeros((sums, runs), dtype=np.int64)

    def closed(self, seen: Seen, *counts: Integers) -> tuple[Integers, Integers]:
        """The runs whose minute ends with this second, and the sums of each."""
        self._sums += np.stack(counts)
        ending = np.flatnonzero((seen.clock + 1) % self._seconds == 0)
        found = self._sums[:, ending].copy()
        self._sums[:, ending] = 0
        return ending, found


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm of CloudWatch on the share of bad answers in each minute, where there are `least` of
    them, and `needed` of the last `of` minutes with requests. Whoever asks for its state does so
    each `asked` seconds; who is told of it hears at once."""

    least: int = 1
    needed: int = 1
    of: int = 1
    asked: Range = (0.0, 0.0)
    limit: float = LIMIT
    by: CloudWatch = ON_AWS

    def __call__(self, runs: int, chance: np.random.Generator) -> "Alarms":
        return Alarms(self, runs, chance)


class Alarms:
    def __init__(self, alarm: Alarm, runs: int, chance: np.random.Generator) -> None:
        self._alarm, self._chance = alarm, chance
        self._minute = Minute(runs, 2, alarm.by.minute)
        self._breaches = np.zeros((runs, alarm.of), dtype=bool)
        self._says = np.full(runs, np.inf)

    def doubts(self, seen: Seen) -> Mask:
        ending, (requests, bad) = self._minute.closed(seen, seen.canary, seen.canary_bad)
        counted = requests > 0
        ending, requests, bad = ending[counted], requests[counted], bad[counted]
        if len(ending):
            breaching = (bad >= self._alarm.least) & (bad > self._alarm.limit * requests)
            kept = np.column_stack([self._breaches[ending, 1:], breaching])
            self._breaches[ending] = kept
            firing = ending[kept.sum(axis=1) >= self._alarm.needed]
            by = self._alarm.by
            late = sum(
                self._chance.uniform(*each, len(firing))
                for each in (by.shown, by.evaluated, self._alarm.asked)
            )
            fires = seen.at + 1 + late
            self._says[firing] = np.minimum(self._says[firing], fires)
        found: Mask = self._says < seen.at + 1
        return found

    def keeps(self, _seen: Seen, ending: Mask) -> Mask:
        return np.zeros_like(ending)


@dataclass(frozen=True, slots=True)
class Checks:
    """Queries each `interval` seconds for the share of bad answers in the last `window`, of which
    more than `forgiven` may not fail. With `holds` a stage goes on until its check succeeds, and
    what has failed is seen to at the next one. With `any_bad` one bad answer is too many; with
    `minutes` the query is for what CloudWatch shows."""

    interval: int
    window: int
    forgiven: int = 0
    holds: bool = False
    any_bad: bool = False
    minutes: bool = False

    def __call__(self, runs: int, chance: np.random.Generator) -> "Checked":
        return Checked(self, runs, chance)


class Checked:
    def __init__(self, checks: Checks, runs: int, chance: np.random.Generator) -> None:
        self._checks, self._chance = checks, chance
        self._sums = [np.zeros((2, runs), dtype=np.int64)]
        """How many requests and bad answers there were until each second."""
        self._failed = np.zeros(runs, dtype=np.int64)
        self._fails = np.zeros(runs, dtype=bool)

    def doubts(self, seen: Seen) -> Mask:
        self._sums.append(self._sums[-1] + np.stack([seen.canary, seen.canary_bad]))
        if (seen.at + 1) % self._checks.interval:
            return np.zeros_like(self._fails)
        over = self._failed > self._checks.forgiven
        self._fails = self._is_bad(seen)
        self._failed += self._fails
        return over if self._checks.holds else self._failed > self._checks.forgiven

    def keeps(self, _seen: Seen, ending: Mask) -> Mask:
        found: Mask = ending & self._fails & self._checks.holds
        return found

    def _is_bad(self, seen: Seen) -> Mask:
        now, runs = seen.at + 1, np.arange(len(self._failed))
        if self._checks.minutes:
            after = round(ON_AWS.shown[1])
            end = now - after - (seen.clock + 1 - after) % MINUTE
        else:
            end = now - np.round(self._chance.uniform(*SCRAPED, len(runs))).astype(np.int64)
        sums = np.stack(self._sums[-(self._checks.window + 3 * MINUTE) :])
        before = now + 1 - len(sums)
        first, last = (
            sums[np.maximum(at - before, 0), :, runs] for at in (end - self._checks.window, end)
        )
        requests, bad = (last - first).T
        found: Mask = bad > (0 if self._checks.any_bad else LIMIT * requests)
        return found


@dataclass(frozen=True, slots=True)
class First:
    """Several sources, each of which is enough to doubt, and to stay."""

    makes: tuple[MakeSource, ...]

    def __call__(self, runs: int, chance: np.random.Generator) -> "Several":
        return Several([make(runs, chance) for make in self.makes])


class Several:
    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources

    def doubts(self, seen: Seen) -> Mask:
        return _any(source.doubts(seen) for source in self._sources)

    def keeps(self, seen: Seen, ending: Mask) -> Mask:
        return _any(source.keeps(seen, ending) for source in self._sources)


def _any(masks: Iterable[Mask]) -> Mask:
    found: Mask = np.logical_or.reduce(list(masks))
    return found


def log_mean(logs: Floats) -> Floats:
    highest = logs.max(axis=-1, keepdims=True)
    found: Floats = np.log(np.exp(logs - highest).mean(axis=-1)) + highest[..., 0]
    return found
