"""Stage: how far a release has got. It only rises, so an act that arrives late is told apart.

Step Functions may deliver a Lambda invocation twice, and the second may come minutes later. The
fencing number tells executions apart; the stage does the same for the acts of one execution.
"""

from dataclasses import dataclass
from functools import total_ordering
from typing import Literal

Phase = Literal["opening", "rollout", "promotion", "restoring", "returning"]
_LAST = 1_000_000


@total_ordering
@dataclass(frozen=True, slots=True)
class Stage:
    """`attempt` counts promotions from 0, with the restoring that may follow each.

    - opening: the lease is taken, and the world is checked again under it
    - rollout: weight goes to the canary; the primary is untouched
    - promotion: the primary gets the new version
    - restoring: the promotion failed, and the primary gets its old version back
    - returning: all weight goes to the primary, and nothing may give the canary any again
    """

    phase: Phase
    attempt: int = 0

    @property
    def number(self) -> int:
        """What the ledger keeps and compares."""
        match self.phase:
            case "opening":
                return 0
            case "rollout":
                return 1
            case "promotion":
                return 2 * self.attempt + 2
            case "restoring":
                return 2 * self.attempt + 3
            case "returning":
                return _LAST

    @classmethod
    def of(cls, number: int) -> "Stage":
        if number in (OPENING.number, ROLLOUT.number):
            return OPENING if number == OPENING.number else ROLLOUT
        if number >= _LAST:
            return RETURNING
        attempt, is_restoring = divmod(number - 2, 2)
        return cls("restoring" if is_restoring else "promotion", attempt)

    def __lt__(self, other: "Stage") -> bool:
        return self.number < other.number

    def __str__(self) -> str:
        return self.phase


OPENING = Stage("opening")
ROLLOUT = Stage("rollout")
RETURNING = Stage("returning")


def promoting(attempt: int) -> Stage:
    return Stage("promotion", attempt)


def restoring(attempt: int) -> Stage:
    return Stage("restoring", attempt)
