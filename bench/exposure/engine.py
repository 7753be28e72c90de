"""Engine: releases of one system with one fault, second by second, all runs at once.

A run has a stage, of which it has some seconds left. In each second its requests are drawn, the
source counts them, and says of which runs it doubts; their traffic leaves the canary after a while.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np

from bench.exposure.faults import BASE, GOOD, Fault, Floats, Integers, Mask

AFTERWARDS = 900
"""How long a fault that was missed goes on after its release, in seconds, until somebody sees it by
other means."""
MOST_SECONDS = 10_000
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Stage:
    """A weight of the canary for so many seconds. After the last second of one that is `asked` the
    source may keep a run where it is. In one that is `settled` the weight has reached the router.
    In `returned` the primary has all traffic, and the version in doubt; what is found then is acted
    on at the stage's end."""

    weight: float
    seconds: int
    step: int = 0
    kind: Literal["step", "promotion", "returned"] = "step"
    asked: bool = False
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Rolling:
    """How the primary's tasks are replaced, in seconds. New tasks serve from `first`, and no old
    one any more from `last` on; in between their share grows evenly. With `at_once` the traffic
    goes back to the old ones as long as there are some; else, and from then on, the old version is
    deployed first, which takes `restore`."""

    first: float = 60.0
    last: float = 150.0
    restore: Range = (60.0, 120.0)
    at_once: bool = True

    def new_share(self, seconds: Floats) -> Floats:
        share: Floats = np.clip((seconds - self.first) / (self.last - self.first), 0.0, 1.0)
        return share


@dataclass(frozen=True, slots=True)
class Seen:
    """What is counted in one second, by run; `clock` is the wall's, in seconds, and `step` the
    run's. The canary's weight is settled or moving, unless it has none. What is `returned` was
    answered by the primary with the version. One that is `over` has been released, or its traffic
    goes back."""

    at: int
    clock: Integers
    step: Integers
    weights: Floats
    canary: Integers
    canary_bad: Integers
    primary: Integers
    primary_bad: Integers
    returned: Integers
    returned_bad: Integers
    settled: Mask
    moving: Mask
    over: Mask


class Source(Protocol):
    def doubts(self, seen: Seen, /) -> Mask:
        """Those it says to revert, at the end of this second."""
        ...

    def keeps(self, seen: Seen, ending: Mask, /) -> Mask:
        """Of those whose stage is over, the ones that stay in it."""
        ...


MakeSource = Callable[[int, np.random.Generator], Source]


@dataclass(frozen=True)
class System:
    """What releases: its stages, what tells it that a canary is bad, and in how many seconds the
    traffic is `back` then. `documented` is with the defaults, or an example, of its own pages;
    `minutes` where it goes by CloudWatch's minutes."""

    name: str
    stages: tuple[Stage, ...]
    source: MakeSource
    back: Range
    documented: bool = True
    minutes: bool = True
    rolling: Rolling | None = None
    needs_primary: bool = False

    @property
    def seconds(self) -> int:
        return sum(stage.seconds for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Outcome:
    """By run: failed requests, whether it was reverted, whether its fault was missed, and when the
    release was over."""

    failed: Floats
    reverted: Mask
    missed: Mask
    ended: Floats

    def of(self, runs: Mask) -> "Outcome":
        return Outcome(self.failed[runs], self.reverted[runs], self.missed[runs], self.ended[runs])


class Runs:
    """Where each run of a system is."""

    def __init__(self, system: System, runs: int, chance: np.random.Generator) -> None:
        self._system, self._chance = system, chance
        stages = system.stages
        self._weights = np.array([stage.weight for stage in stages])
        self._seconds = np.array([stage.seconds for stage in stages])
        self._steps = np.array([stage.step for stage in stages])
        self._asked = np.array([stage.asked for stage in stages])
        self._settled = np.array([stage.settled for stage in stages])
        self._promotes = np.array([stage.kind == "promotion" for stage in stages])
        self._returned = np.array([stage.kind == "returned" for stage in stages])
        self.stage: Integers = np.zeros(runs, dtype=np.int64)
        self.left: Integers = np.full(runs, self._seconds[0])
        self.doubted = np.zeros(runs, dtype=bool)
        self.released = np.zeros(runs, dtype=bool)
        self.ended = np.full(runs, np.nan)
        self._leaves = np.full(runs, np.inf)
        self._kept = np.zeros(runs)
        self._clean = np.full(runs, -np.inf)

    @property
    def step(self) -> Integers:
        found: Integers = self._steps[self.stage]
        return found

    @property
    def on_canary(self) -> Mask:
        """Whether the canary answers: not where the primary has the new version by now."""
        found: Mask = ~self._returned[self.stage] & ~self.released
        return found

    @property
    def returned(self) -> Mask:
        """Whether the primary answers with the version instead."""
        found: Mask = self._returned[self.stage] & ~self.released
        return found

    @property
    def settled(self) -> Mask:
        found: Mask = self._settled[self.stage]
        return found

    def weights(self, at: int) -> tuple[Floats, Floats]:
        """What weight each has in the second that begins, and what part of the second its traffic
        is still there."""
        part = np.clip(self._leaves - at, 0.0, 1.0)
        left = self._leaves <= at
        weights = np.where(left, self._kept, self._weights[self.stage])
        part = np.where(left, np.clip(self._clean - at, 0.0, 1.0), part)
        return weights, np.where(self.released, 0.0, part)

    def is_done(self, at: int) -> bool:
        returned = self.doubted & (np.maximum(self._leaves, self._clean) <= at)
        return bool((self.released | returned).all())

    def revert(self, at: int, doubted: Mask) -> None:
        """Those that are doubted at the end of this second; their traffic goes back."""
        now = np.flatnonzero(doubted & ~self.doubted & ~self.released)
        if not len(now):
            return
        self.doubted[now] = True
        self.ended[now] = at + 1
        leaves = at + 1 + self._chance.uniform(*self._system.back, len(now))
        rolling = self._system.rolling
        if rolling is not None:
            stage = self.stage[now]
            restored = leaves + self._chance.uniform(*rolling.restore, len(now))
            into = (self._seconds[stage] - self.left[now]).astype(float)
            new = np.where(self._returned[stage], 1.0, rolling.new_share(into))
            under_way = self._promotes[stage] | self._returned[stage]
            at_once = self._promotes[stage] & (new < 1) & rolling.at_once
            self._kept[now] = np.where(at_once, 100.0 * new, 0.0)
            self._clean[now] = np.where(at_once, restored, -np.inf)
            leaves = np.where(under_way & ~at_once, restored, leaves)
            # There the source is asked at the end of each wait.
            leaves += np.where(self._returned[stage], self.left[now], 0)
        self._leaves[now] = leaves

    def go_on(self, at: int, keeps: Callable[[Mask], Mask]) -> None:
        """One second later: to the next stage where this one is over."""
        going = ~self.doubted & ~self.released
        self.left[going] -= 1
        ending = going & (self.left == 0)
        if not ending.any():
            return
        asked = ending & self._asked[self.stage]
        stays = keeps(asked) & asked if asked.any() else asked
        self.left[stays] = self._seconds[self.stage[stays]]
        gone = ending & ~stays
        last = gone & (self.stage == len(self._seconds) - 1)
        self.released |= last
        self.ended[last] = at + 1
        on = gone & ~last
        self.stage[on] += 1
        self.left[on] = self._seconds[self.stage[on]]


def _longest(system: System, fault: Fault, runs: int, chance: np.random.Generator) -> float:
    """How long a release of its kind lasts at most: some are held."""
    if fault.kind != "moment":
        return system.seconds
    return float(simulated(system, replace(GOOD, rate=fault.rate), runs, chance).ended.max())


def simulated(system: System, fault: Fault, runs: int, chance: np.random.Generator) -> Outcome:
    place, source = Runs(system, runs, chance), system.source(runs, chance)
    phase = chance.integers(0, 60, runs)
    begun = fault.begins(runs, _longest(system, fault, runs, chance), chance)
    failed = np.zeros(runs)
    nothing = np.zeros(runs, dtype=np.int64)
    for at in range(MOST_SECONDS):
        if place.is_done(at):
            break
        weights, part = place.weights(at)
        shares = fault.shares(at, weights, begun)
        requests = chance.poisson(fault.rate * weights / 100 * part)
        bad = chance.binomial(requests, np.maximum(shares, BASE))
        failed += np.where(shares > 0, bad, 0)
        counts = place.on_canary & ~place.doubted
        returned = place.returned & ~place.doubted
        primary = primary_bad = nothing
        if system.needs_primary:
            primary = chance.poisson(fault.rate * (1 - weights / 100))
            primary_bad = chance.binomial(primary, BASE)
        seen = Seen(
            at=at,
            clock=at + phase,
            step=place.step,
            weights=np.where(counts, weights, 0.0),
            canary=np.where(counts, requests, 0),
            canary_bad=np.where(counts, bad, 0),
            primary=np.where(counts, primary, 0),
            primary_bad=np.where(counts, primary_bad, 0),
            returned=np.where(returned, requests, 0),
            returned_bad=np.where(returned, bad, 0),
            settled=place.settled,
            moving=place.on_canary & ~place.settled,
            over=place.doubted | place.released,
        )
        place.revert(at, source.doubts(seen))
        place.go_on(at, lambda ending, seen=seen: source.keeps(seen, ending))  # type: ignore[misc]
    else:
        raise RuntimeError(f"{system.name} does not end within {MOST_SECONDS} s")
    missed = place.released & (begun < place.ended)
    everything = np.full(runs, 100.0)
    for second in range(AFTERWARDS):
        shares = fault.shares(0.0, everything, begun - place.ended - second)
        failed += np.where(missed, fault.rate * shares, 0.0)
    outcome = Outcome(failed, place.doubted, missed & (fault.share > 0), place.ended)
    # A moment after the release is none of it.
    return outcome.of(begun < place.ended) if fault.kind == "moment" else outcome
