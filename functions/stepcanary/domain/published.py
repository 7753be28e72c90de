"""Published versions of the stack's functions: which of them nothing needs any more."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

NEWEST_KEPT = 2
"""Of each function: the current version and the one before it, to which a rollback of the stack
goes back, and which an execution has that AWS does not list yet."""
SETTLES = timedelta(minutes=5)
"""How long after an update of a state machine an execution may still begin with what it was; see
https://docs.aws.amazon.com/step-functions/latest/apireference/API_UpdateStateMachine.html"""
_VERSION = re.compile(r":function:([\w-]+):(\d+)(?!\w)")

Named = frozenset[tuple[str, int]]
"""Functions, each with a version of it."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a definition names, and since when it is that of the state machine."""

    names: Named
    updated: datetime


@dataclass(frozen=True, slots=True)
class Running:
    """An execution that runs, and when it began."""

    execution: str
    started: datetime


def versions_named(definition: str) -> Named:
    """The versions that a definition calls; an alias that it calls is none."""
    return frozenset((name, int(number)) for name, number in _VERSION.findall(definition))


def removable(
    function: str, published: Collection[int], aliased: Collection[int], named: Named
) -> list[int]:
    """The versions of a function that may go, the oldest first: no alias and no definition in use
    names them, and they are not among the newest."""
    newest = sorted(published)[-NEWEST_KEPT:]
    kept = {*newest, *aliased, *(number for name, number in named if name == function)}
    return sorted(set(published) - kept)


def named_by_all(running: Sequence[Running], ask: Callable[[str], Pinned | None]) -> Named:
    """What the definitions of all of these executions name, without asking each for its own.

    A state machine goes from one definition to the next, so whoever began between two executions of
    one definition has that one too; but for a while after an update both may be begun with, so that
    those near to one are asked. `ask` answers None for an execution that has ended meanwhile.
    """
    left = sorted(running, key=lambda each: each.started)
    seen: dict[int, Pinned | None] = {}

    def see(at: int) -> Pinned | None:
        if at not in seen:
            seen[at] = ask(left[at].execution)
        return seen[at]

    stretches = [(0, len(left) - 1)] if left else []
    while stretches:
        first, last = stretches.pop()
        begins, ends = see(first), see(last)
        if begins is not None and begins == ends:
            settled, unsettled = begins.updated + SETTLES, left[last].started - SETTLES
            for at in range(first + 1, last):
                if left[at].started < settled or left[at].started > unsettled:
                    see(at)
            continue
        # One that has ended says nothing of its neighbours.
        if last - first > 1:
            middle = (first + last) // 2
            stretches += [(first, middle), (middle, last)]
    return frozenset().union(*(pinned.names for pinned in seen.values() if pinned is not None))
