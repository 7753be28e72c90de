"""Statistic: what CloudWatch makes of a metric's samples in a period. Pure.

`SampleCount`, `Sum`, `Average`, `Minimum`, `Maximum`, and of the extended ones `p95`, `tm90`,
`tc90`, `ts90`, `IQM`, `TM(…)`, `TC(…)`, `TS(…)` and `PR(…)` are known. A range is from above its
lower bound to its upper bound, that one included; either may be left out.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Self

_NUMBER = r"\d+(?:\.\d{1,10})?"
SHORT = re.compile(rf"(p|tm|tc|ts)({_NUMBER})")
_BOUND = rf"(?:({_NUMBER})(%?))?"
RANGE = re.compile(rf"(TM|TC|TS|PR)\({_BOUND}:{_BOUND}\)")


@dataclass(frozen=True, slots=True)
class Samples:
    """What was put for a metric in a period. `counts` says how often each value came; None where
    somebody has put only sums, of which no extended statistic can be made."""

    number: float
    total: float
    least: float
    most: float
    counts: Mapping[float, int] | None

    @classmethod
    def of(cls, counts: Mapping[float, int]) -> Self:
        total = math.fsum(value * count for value, count in counts.items())
        return cls(sum(counts.values()), total, min(counts), max(counts), counts)

    @classmethod
    def together(cls, every: Iterable[Self]) -> Self:
        """All of them as one; there has to be one at least."""
        given, counts = list(every), Counter[float]()
        for each in given:
            counts.update(each.counts or {})
        return cls(
            math.fsum(each.number for each in given),
            math.fsum(each.total for each in given),
            min(each.least for each in given),
            max(each.most for each in given),
            None if any(each.counts is None for each in given) else counts,
        )


Statistic = Callable[[Samples], float | None]
"""None where nothing can be said."""
PLAIN: dict[str, Statistic] = {
    "SampleCount": lambda samples: samples.number,
    "Sum": lambda samples: samples.total,
    "Average": lambda samples: samples.total / samples.number,
    "Minimum": lambda samples: samples.least,
    "Maximum": lambda samples: samples.most,
}


def statistic(name: str) -> Statistic:
    """Raises `ValueError` for a name that is none."""
    if name in PLAIN:
        return PLAIN[name]
    if name == "IQM":
        return _ranged("TM", _ranks(25.0, 75.0))
    if (short := SHORT.fullmatch(name)) and float(short[2]) <= 100:
        if short[1] == "p":
            return _percentile(float(short[2]))
        return _ranged(short[1].upper(), _ranks(0.0, float(short[2])))
    found = RANGE.fullmatch(name)
    if found is None or (found[2] is None and found[4] is None):
        raise ValueError(f"{name} is no statistic")
    kind, low, is_low_share, high, is_high_share = found.groups()
    shares = {bool(sign) for end, sign in ((low, is_low_share), (high, is_high_share)) if end}
    if len(shares) > 1 or (kind == "PR" and True in shares):
        raise ValueError(f"{name}: its bounds are of two kinds, or of one that {kind} has not")
    if True in shares:
        return _ranged(kind, _ranks(float(low or 0), float(high or 100)))
    return _ranged(kind, _values(float(low or -math.inf), float(high or math.inf)))


_Chosen = Callable[[Samples], dict[float, int] | None]
"""How often each value came of those that are looked at."""


def _values(low: float, high: float) -> _Chosen:
    def chosen(samples: Samples) -> dict[float, int] | None:
        if samples.counts is None:
            return None
        return {value: n for value, n in samples.counts.items() if low < value <= high}

    return chosen


def _ranks(low: float, high: float) -> _Chosen:
    """Those between two percentages of all, counted from the smallest."""

    def chosen(samples: Samples) -> dict[float, int] | None:
        if samples.counts is None:
            return None
        first, last = (math.floor(samples.number * share / 100) for share in (low, high))
        found, before = {}, 0
        for value, count in sorted(samples.counts.items()):
            within = min(before + count, last) - max(before, first)
            if within > 0:
                found[value] = within
            before += count
        return found

    return chosen


def _ranged(kind: str, chosen: _Chosen) -> Statistic:
    def ranged(samples: Samples) -> float | None:
        counts = chosen(samples)
        if counts is None:
            return None
        number = sum(counts.values())
        if kind == "TC":
            return float(number)
        if kind == "PR":
            return 100 * number / samples.number
        total = math.fsum(value * count for value, count in counts.items())
        if kind == "TS":
            return total
        return total / number if number else None

    return ranged


def _percentile(percent: float) -> Statistic:
    """The smallest value that so many percent are not above. CloudWatch is a little less exact."""

    def percentile(samples: Samples) -> float | None:
        if samples.counts is None:
            return None
        needed, seen = samples.number * percent / 100, 0
        for value, count in sorted(samples.counts.items()):
            seen += count
            if seen >= needed:
                return value
        return samples.most

    return percentile
