"""Target groups: a release's pair among the weighted target groups of a rule, whoever serves it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stepcanary.domain.split import Split
from stepcanary.errors import RequestRejected

Weights = dict[str, int]
"""Weight by target group. Its order is kept when written, and is no difference when compared."""

MOST_WEIGHT = 999
DEFAULT_WEIGHT = 1
LONE_TOTAL = 100
"""A lone group gets everything whatever its weight, which may be too small to divide."""


def collect(groups: list[tuple[str, int]], name: str) -> Weights:
    """Raises `RequestRejected` for a group that is listed twice: then a weight is not its share."""
    weights = dict(groups)
    if len(weights) < len(groups):
        raise RequestRejected(f"traffic: {name} lists a target group twice; list each once")
    return weights


def left_out(groups: Iterable[Mapping[str, object]], *known: str) -> list[tuple[str, str]]:
    """What the groups have that `Weights` cannot hold, by name and as text."""
    return [
        (name, json.dumps(value, sort_keys=True, default=str))
        for group in groups
        for name, value in group.items()
        if name not in known
    ]


@dataclass(frozen=True, slots=True)
class Pair:
    """`rest_weight` is the primary's where the rule at rest does not list the canary."""

    primary: str
    canary: str
    rest_weight: int | None

    def split_of(self, weights: Weights, name: str) -> Split:
        """Raises `RequestRejected` when the primary is not there to share anything."""
        if self.primary not in weights:
            raise RequestRejected(
                f"traffic: {name} does not forward to {self.primary}; mend the profile, or add"
                " both target groups to it, the canary's with weight 0"
            )
        if len(weights) == 1:
            return Split(LONE_TOTAL, 0)
        return Split(weights[self.primary], weights.get(self.canary, 0))

    def found_rest_weight(self, weights: Weights) -> int | None:
        return None if self.canary in weights else weights[self.primary]

    def with_split(self, weights: Weights, split: Split) -> Weights:
        """The weights with only the pair's changed. At rest the canary is listed only if it was."""
        # A foreign write may have left a total that one group cannot have: all of it is enough.
        primary, canary = min(split.primary, MOST_WEIGHT), min(split.canary, MOST_WEIGHT)
        edited = {**weights, self.primary: primary, self.canary: canary}
        if canary == 0 and self.rest_weight is not None:
            del edited[self.canary]
            if len(edited) == 1:
                edited[self.primary] = self.rest_weight
        return edited

    def check_room(self, weights: Weights, most: int, name: str) -> None:
        """Raises `RequestRejected` when the canary's group would be one too many."""
        if self.canary not in weights and len(weights) >= most:
            raise RequestRejected(
                f"traffic: {name} forwards to {len(weights)} target groups already, and AWS allows"
                f" {most}: there is no room for {self.canary}; remove one"
            )
