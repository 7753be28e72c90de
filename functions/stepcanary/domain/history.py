"""History: how many events an execution of a profile's release can have in its history.

AWS fails an execution at its 25,000th event, whatever it is doing, and no Catch sees it; see
https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html
So whatever a release may do again is counted here before it begins: the path through the definition
on which everything is done as often as it can be.
"""

from stepcanary.domain.patience import (
    MOST_CHECKS,
    most_checks,
    most_reverts,
    most_tries,
    most_turns,
)
from stepcanary.domain.signals import MOST_OF_KIND

LIMIT = 25_000
SPARE = 5_000
"""For calls that AWS fails or throttles: a try that failed is three events, and it may be any."""

MOST_EVENTS = LIMIT - SPARE
MOST_SETTLES = 5
"""How often the router is given its time before the old version is deployed: whoever moves the
traffic again this often will not stop, and the old version is needed."""

MOST_CORRECTIONS = 10
"""Whoever writes the route again this often will not stop; then a person has to."""

MOST_LOST_RACES = 5
"""How often another release takes the split between the plan and the lease: each is one that began
in the same second."""

MOST_UNSETTLED = 60
"""How often the opening waits for help that puts a dead execution's split right."""

TASK = 5
"""Entered, scheduled, started, succeeded or failed, exited."""
WAIT_FOR_TOKEN = TASK + 1
"""Submitted, too."""
PLAIN = 2
"""A Choice, a Wait, a Pass or an end: entered and exited."""
PHASE = 4
TRY = 3
"""Scheduled, started, failed."""

LOOK = PLAIN + TASK + PLAIN
"""A Wait, a function and the Choice about its answer."""
LOOK_AT_PRIMARY = WAIT_FOR_TOKEN + TASK + PLAIN
"""The same with a wait that a revert ends."""
BAKE = WAIT_FOR_TOKEN + PLAIN + TASK + PLAIN
"""With the Choice about the signal that may end it, and its verdict."""
GATE = BAKE
PAUSE = 2 * (WAIT_FOR_TOKEN + PLAIN) + TASK + PLAIN
"""A bake that is ended, a pause and its end; before that the verdict on a bake that it came too
late for."""


def parts(
    *,
    steps: int,
    returns: int = 0,
    gates: int,
    holds: int,
    check_seconds: int,
    deadline_seconds: int,
    revert_seconds: int,
) -> dict[str, int]:
    """Events at most, by what they are for. `returns` are the steps of a way back to
    the promoted primary, `gates` the approvals that the profile wants."""
    checks = most_checks(check_seconds, deadline_seconds)
    tries = TRY * most_tries(deadline_seconds)
    ends = PLAIN + 3 * PLAIN + 2 * TASK
    back = returns * (TASK + tries + WAIT_FOR_TOKEN + (1 + holds) * BAKE)
    promotion = PHASE + TASK + tries + LOOK_AT_PRIMARY * checks + PLAIN + back
    failed = TASK + tries + TASK + PLAIN + WAIT_FOR_TOKEN + PLAIN
    return {
        "waiting for its turn": (
            PLAIN
            + LOOK * (1 + most_turns())
            + 2 * (TASK + PLAIN)
            + 2 * LOOK * MOST_LOST_RACES
            + TRY * MOST_UNSETTLED
        ),
        "the canary's deployment": PHASE + TASK + LOOK * checks + PLAIN,
        "steps and their holds": steps * (TASK + WAIT_FOR_TOKEN + (1 + holds) * BAKE),
        "tasks that the steps wait for": steps * tries,
        "gates": gates * GATE,
        "pauses": MOST_OF_KIND["pause"] * PAUSE,
        "promotions": promotion + failed,
        "promotions that are tried again": MOST_OF_KIND["retry"] * (promotion + failed),
        "the old version's return": (
            LOOK * MOST_SETTLES
            + (TASK + PLAIN)
            + LOOK * MOST_CHECKS
            + TASK * checks
            + (TASK + tries + PLAIN)
            + TASK
        ),
        "the way back": (
            LOOK * most_reverts(revert_seconds) + (LOOK + PLAIN) * (1 + MOST_CORRECTIONS) + ends
        ),
    }
