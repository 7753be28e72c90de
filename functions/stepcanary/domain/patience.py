"""Patience: how long a release waits before it looks again, and how often that is at most.

Each wait grows, so that a long one costs few of an execution's history events; see `history`.
"""

from collections.abc import Callable

LONGEST_TURN_SECONDS = 4 * 3_600
"""How long a release waits for its split. The rest of an execution's week is for itself."""

FIRST_TRY_SECONDS, LONGEST_TRY_SECONDS, TRY_GROWTH = 15, 120, 1.5
"""The Retry of an act that waits for tasks, as the definition has it. Without jitter, whose
shortest pause is none: then nobody could say how many tries a wait has."""

MOST_RETRIES = 6
"""So often the definition tries again what AWS did not answer."""

FIRST_TURN_SECONDS, LONGEST_TURN_PAUSE_SECONDS = 30, 120
FIRST_REVERT_SECONDS, LONGEST_REVERT_PAUSE_SECONDS = 2, 60
MOST_CHECKS = 200
"""More than any deadline takes; each deployment that somebody else starts meanwhile begins a new
one."""
JITTER = 0.1
"""A look at a deployment may come sooner or later by this share of its pause."""


def before_next_turn(waited_seconds: int) -> int:
    """Seconds until a release that waits for its split plans again."""
    return min(max(FIRST_TURN_SECONDS, waited_seconds // 8), LONGEST_TURN_PAUSE_SECONDS)


def before_next_revert(tried_seconds: int) -> int:
    """Seconds until a revert that AWS refuses is tried again."""
    return min(max(FIRST_REVERT_SECONDS, tried_seconds // 2), LONGEST_REVERT_PAUSE_SECONDS)


def before_next_check(checks: int, check_seconds: int, deadline_seconds: int) -> float:
    """Seconds until the next look at a deployment: up to three times `check_seconds`, and where the
    deadline is far beyond that, up to a hundredth of it."""
    first = check_seconds * (2 + checks) / 2
    if first <= check_seconds * 3:
        return first
    later = min(check_seconds * 3 * 1.1 ** min(checks - 4, 100), deadline_seconds / 100)
    return max(check_seconds * 3, later)


def before_next_try(tries: int) -> float:
    """Seconds until an act that waits for tasks is tried again, after so many tries."""
    return min(FIRST_TRY_SECONDS * TRY_GROWTH ** min(tries - 1, 20), LONGEST_TRY_SECONDS)


def most_turns() -> int:
    """How often a release plans at most while it waits for its split."""
    return _most(LONGEST_TURN_SECONDS, lambda _looks, passed: before_next_turn(int(passed)))


def most_reverts(revert_seconds: int) -> int:
    return _most(revert_seconds, lambda _looks, passed: before_next_revert(int(passed)))


def most_checks(check_seconds: int, deadline_seconds: int) -> int:
    """How often a deployment is looked at, the look after its deadline included."""

    def pause(checks: int, _passed: float) -> float:
        if checks == 0:
            return check_seconds
        grown = before_next_check(checks, check_seconds, deadline_seconds)
        return max(1, round(grown * (1 - JITTER)))

    return _most(deadline_seconds, pause)


def most_tries(deadline_seconds: int) -> int:
    """How often an act that waits for tasks fails before the one that says that it is overdue."""
    return _most(deadline_seconds, lambda tries, _passed: before_next_try(tries) if tries else 0)


def _most(seconds: int, pause: Callable[[int, float], float]) -> int:
    """Looks in so many seconds and the one after them, where `pause` has how many looks there were
    and how much time has passed."""
    looks, passed = 0, 0.0
    while passed <= seconds:
        passed += pause(looks, passed)
        looks += 1
    return looks
