"""Stage: how far a release has got. It only rises, so an act that arrives late is told apart.

Step Functions may deliver a Lambda invocation twice, and the second may come minutes later. The
fencing number tells executions apart; the stage does the same for the acts of one execution.
"""

OPENING = 0
"""The lease is taken, and the world is checked again under it."""

ROLLOUT = 1
"""Weight goes to the canary; the primary is untouched."""

RETURNING = 1_000_000
"""All weight goes to the primary, and nothing may give the canary any again."""


def name_of(stage: int) -> str:
    """A word for people."""
    if stage == RETURNING:
        return "returning"
    if is_promotion(stage):
        return "restoring" if is_restoring(stage) else "promotion"
    return "rollout" if stage == ROLLOUT else "opening"


def promoting(attempt: int) -> int:
    """The primary gets the new version; the first attempt is 0."""
    return 2 * attempt + 2


def restoring(attempt: int) -> int:
    """The attempt failed: the primary gets its old version back, and an operator is asked."""
    return 2 * attempt + 3


def is_promotion(stage: int) -> bool:
    """Whether the primary may be anything but what it was: the canary is the healthy copy."""
    return ROLLOUT < stage < RETURNING


def is_restoring(stage: int) -> bool:
    """Whether a promotion has failed, so that it can be tried again."""
    return is_promotion(stage) and stage % 2 == 1
