"""Metric rule: how one metric is judged, and what holds where a profile says nothing."""

from dataclasses import dataclass

from stepcanary.domain.evidence import Tolerance
from stepcanary.domain.periods import MINUTE
from stepcanary.domain.usual import Usual

FALSE_REVERTS, WRONGLY_GOOD = 0.05, 0.05
"""The probabilities of a release: that one with nothing wrong is reverted at any look, and that at
a look one is called good that is not."""
WORSE, GOOD = Tolerance(1.0, 0.001), Tolerance(1.5, 0.005)
UNPROVABLE = 0.5
"""A limit of so much says nothing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one metric is judged. `clusters` is how many bad answers have one cause at most, and
    `share` its part of the error rates, by weight. One that is `observed` decides nothing, and has
    no part. `usual` is the primary before the release, where that is known, and `period` how long
    one of its periods is. Bad are the answers that are `slow`, or else those with an error."""

    metric: str
    worse: Tolerance = WORSE
    good: Tolerance = GOOD
    clusters: float = 1.0
    share: float = 1.0
    observed: bool = False
    usual: Usual | None = None
    period: int = MINUTE
    slow: bool = False
