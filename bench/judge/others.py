"""Others: what alarms and other tools would say of the same counts.

Each answers with the period in which it reverts, by release, and `PERIODS` where it never does.
"""

from collections.abc import Callable

import numpy as np

from bench.judge.traces import PERIODS, PERIODS_PER_STEP, Floats, Integers, Trace
from bench.judge.vectorised import LAST_WITH_PRIMARY, Mask

THRESHOLD = 0.01
NORMAL_05, NORMAL_02 = 1.6449, 2.0537
"""What a standard normal exceeds in 5 % and 2 % of draws."""


def first(found: Mask) -> Integers:
    return np.where(found.any(axis=1), found.argmax(axis=1), PERIODS)


def alarm(trace: Trace, breaching: int, periods: int) -> Integers:
    """More than 1 % of the canary's requests fail, in so many of so many minutes with requests."""
    over = trace.canary_bad > THRESHOLD * trace.canary
    counts = np.cumsum(over, axis=1, dtype=np.int64)
    before = np.pad(counts, ((0, 0), (periods, 0)))[:, :PERIODS]
    return first(counts - before >= breaching)


def pipecd(trace: Trace) -> Integers:
    """Mann-Whitney over the last five minutes of both sides, each minute, at 5 %."""
    canary, primary = rates(trace)
    found = np.zeros(canary.shape, dtype=bool)
    for at in range(4, LAST_WITH_PRIMARY):
        window = slice(at - 4, at + 1)
        found[:, at] = exceeds(canary[:, window], primary[:, window], NORMAL_05)
    return first(found)


def kayenta(trace: Trace) -> Integers:
    """Mann-Whitney over all minutes so far, at the end of each step, at 2 %."""
    canary, primary = rates(trace)
    found = np.zeros(canary.shape, dtype=bool)
    for at in range(PERIODS_PER_STEP - 1, LAST_WITH_PRIMARY, PERIODS_PER_STEP):
        found[:, at] = exceeds(canary[:, : at + 1], primary[:, : at + 1], NORMAL_02)
    return first(found)


def rates(trace: Trace) -> tuple[Floats, Floats]:
    return (
        trace.canary_bad / np.maximum(trace.canary, 1),
        trace.primary_bad / np.maximum(trace.primary, 1),
    )


def exceeds(ones: Floats, others: Floats, quantile: float) -> Mask:
    """Whether the ones are larger by Mann-Whitney's test, in its normal approximation with ties."""
    n, m = ones.shape[1], others.shape[1]
    u = np.zeros(len(ones))
    for column in range(n):
        one = ones[:, column, None]
        u += (one > others).sum(axis=1) + 0.5 * (one == others).sum(axis=1)
    merged = np.sort(np.concatenate([ones, others], axis=1), axis=1)
    ties = _ties(merged)
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    found: Mask = u - n * m / 2 - 0.5 > quantile * np.sqrt(np.maximum(variance, 1e-12))
    return found


def _ties(merged: Floats) -> Floats:
    """The sum of t³ - t over the groups of t equal values in each row."""
    found = np.zeros(len(merged))
    size = np.ones(len(merged))
    for column in range(1, merged.shape[1]):
        same = merged[:, column] == merged[:, column - 1]
        found += np.where(same, 0.0, size**3 - size)
        size = np.where(same, size + 1, 1.0)
    return found + size**3 - size


OTHERS: dict[str, Callable[[Trace], Integers]] = {
    "alarm over 1 %, 1 of 1": lambda trace: alarm(trace, 1, 1),
    "alarm over 1 %, 2 of 3": lambda trace: alarm(trace, 2, 3),
    "alarm over 1 %, 3 of 5": lambda trace: alarm(trace, 3, 5),
    "Mann-Whitney as in PipeCD": pipecd,
    "Mann-Whitney as in Kayenta": kayenta,
}
