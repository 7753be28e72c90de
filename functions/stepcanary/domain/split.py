"""Split: how one route divides its traffic between primary and canary."""

from dataclasses import dataclass
from typing import Literal

from stepcanary.errors import RequestRejected

SideName = Literal["primary", "canary"]


@dataclass(frozen=True, slots=True)
class Split:
    """The two weights as the router counts them. Their total is the pair's share of the route."""

    primary: int
    canary: int

    @property
    def total(self) -> int:
        return self.primary + self.canary

    @property
    def at_rest(self) -> bool:
        return self.canary == 0 and self.primary > 0

    def with_weight(self, percent: int) -> "Split":
        """The split with `percent` of the pair's total on the canary, rounded to the nearest."""
        canary = (self.total * percent + 50) // 100
        return Split(primary=self.total - canary, canary=canary)

    def __str__(self) -> str:
        return f"{self.primary}:{self.canary}"


def check_expressible(rest: Split, weights: list[int]) -> None:
    """Raises `RequestRejected` where rounding would make a step vanish or complete early."""
    reached = 0
    for weight in weights:
        canary = rest.with_weight(weight).canary
        if canary <= reached or (weight < 100 and canary == rest.total):
            raise RequestRejected(
                f"steps: the route's two weights total {rest.total}, too few to express"
                f" {weight} %; raise the primary's weight in the route (100 is best)"
            )
        reached = canary
