"""Traces: what both sides of simulated releases count, minute by minute."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stepcanary.domain.usual import usual_of

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

WEIGHTS = (0.05, 0.25, 0.5, 1.0)
PERIODS_PER_STEP = 15
PERIODS = len(WEIGHTS) * PERIODS_PER_STEP
SECONDS = 60
MOVING = slice(0, None, PERIODS_PER_STEP)
"""The first period of each step: in it the weight moves."""
LATE = 2 * PERIODS_PER_STEP + 5
"""The period in which a fault of the kind `late` begins."""
INCIDENT = slice(PERIODS_PER_STEP + 5, PERIODS_PER_STEP + 15)
INCIDENT_RATE, INCIDENT_FACTOR = 0.2, 3.0
RISES = (5.0, 5.0, 5.0, 2.0)
"""How many times as many requests fail, in `rising` releases, in the part of a minute that comes
after the weight has moved, on both sides: by the sums of that minute the canary is worse. Where it
gets all weight a primary may fail twice as often, of which nobody sees anything."""
LARGEST_BURST = 9
HISTORY_PERIODS = 1_440

OUTAGE = "outage"
RATES = (0.5, 2.0, 10.0, 50.0, 200.0, 500.0)
BASES = (0.0001, 0.001, 0.005, 0.02)
FACTORS: tuple[float | str, ...] = (2.0, 5.0, 20.0, OUTAGE)


@dataclass(frozen=True, slots=True)
class Cell:
    """Releases of one kind: requests in a second to both sides, the primary's share of bad answers,
    and how many times as bad the canary is."""

    kind: str
    rate: float
    base: float
    factor: float | str = 1.0

    @property
    def is_null(self) -> bool:
        return self.factor == 1.0

    @property
    def fault_at(self) -> int:
        return LATE if self.kind == "late" else 0

    @property
    def name(self) -> str:
        factor = self.factor if self.factor == OUTAGE else f"x{self.factor:g}"
        return f"{self.kind} {self.rate:g}/s {self.base:.2%} {factor}"


@dataclass(frozen=True, slots=True)
class Trace:
    """Counts by release and period, and what its history gives each: the cluster size, and the
    primary's usual requests and bad answers."""

    canary: Integers
    canary_bad: Integers
    primary: Integers
    primary_bad: Integers
    clusters: Floats
    usual: Integers


def cells() -> Iterator[Cell]:
    for rate in RATES:
        for base in BASES:
            good = ("flat", "bursts", "drift", "incident", "rising")
            yield from (Cell(kind, rate, base) for kind in good)
            for kind in ("flat", "bursts", "drift", "late"):
                yield from (Cell(kind, rate, base, factor) for factor in FACTORS)


def traces(cell: Cell, runs: int, chance: np.random.Generator) -> Trace:
    weights = np.repeat(WEIGHTS, PERIODS_PER_STEP)
    traffic = np.full(PERIODS, cell.rate * SECONDS)
    base = np.full(PERIODS, cell.base)
    if cell.kind == "drift":
        turn = np.linspace(0, 2 * np.pi, PERIODS)
        traffic = traffic * (1 + 0.8 * np.sin(turn))
        base = base * np.linspace(1, 4, PERIODS)
    worse = _worse(cell, base)
    if cell.kind == "incident":
        base[INCIDENT] = np.maximum(base[INCIDENT], INCIDENT_RATE)
        worse[INCIDENT] = np.minimum(1, base[INCIDENT] * INCIDENT_FACTOR)
    # What part of each period has the weight of the step already.
    there = np.ones((runs, PERIODS))
    there[:, MOVING] = chance.uniform(0, 1, (runs, len(WEIGHTS)))
    before = np.repeat((0.0, *WEIGHTS[:-1]), PERIODS_PER_STEP)
    rise = np.ones(PERIODS)
    rise[MOVING] = RISES if cell.kind == "rising" else 1.0
    parts = ((traffic * (1 - there), before, 1.0), (traffic * there, weights, rise))
    bursts = cell.kind == "bursts"
    clusters, usual = _history(cell, runs, chance)
    counts = np.zeros((4, runs, PERIODS), dtype=np.int64)
    for number, (side, rate) in enumerate(((1, worse), (-1, base))):
        for requests, weight, times in parts:
            share = weight if side > 0 else 1 - weight
            drawn = chance.poisson(requests * share)
            counts[2 * number] += drawn
            counts[2 * number + 1] += _bad(drawn, np.minimum(1, rate * times), bursts, chance)
    canary, canary_bad, primary, primary_bad = counts
    return Trace(canary, canary_bad, primary, primary_bad, clusters, usual)


def _worse(cell: Cell, base: Floats) -> Floats:
    factor = np.ones(PERIODS)
    factor[cell.fault_at :] = np.inf if isinstance(cell.factor, str) else cell.factor
    return np.minimum(1.0, base * factor)


def _bad(requests: Integers, rate: Floats, bursts: bool, chance: np.random.Generator) -> Integers:
    """With bursts each cause makes one to nine answers bad; the rate stays the same. An outage is
    no burst: every answer is bad."""
    if not bursts or np.all(rate >= 1):
        single: Integers = chance.binomial(requests, rate)
        return single
    sizes = range(1, LARGEST_BURST + 1)
    causes: Any = requests * rate / sum(sizes)
    burst = sum((size * chance.poisson(causes) for size in sizes), np.zeros_like(requests))
    return np.minimum(requests, burst)


def _history(cell: Cell, runs: int, chance: np.random.Generator) -> tuple[Floats, Integers]:
    """What a day of the primary before the release says; a history serves many releases."""
    histories = max(1, runs // 50)
    requests = chance.poisson(cell.rate * SECONDS, (histories, HISTORY_PERIODS))
    rate = np.full(HISTORY_PERIODS, cell.base)
    bad = _bad(requests, rate, cell.kind == "bursts", chance)
    before = np.maximum(requests[:, :-1], 1)
    squares = (bad[:, 1:] - bad[:, :-1] * requests[:, 1:] / before) ** 2
    total = bad.sum(axis=1)
    found = np.where(total > 0, squares.sum(axis=1) / np.maximum(2 * total, 1), 1.0)
    usual = np.array([_usual(*each) for each in zip(requests, bad, strict=True)])
    return np.resize(np.maximum(found, 1.0), runs), np.resize(usual, (runs, 2))


def _usual(requests: Integers, bad: Integers) -> tuple[int, int]:
    moments = range(0, HISTORY_PERIODS * SECONDS, SECONDS)
    found = usual_of(zip(moments, requests.tolist(), bad.tolist(), strict=True))
    return (found.requests, found.bad) if found else (0, 0)
