"""Fixtures: what a release has put up outside of its services and routes, each by its kind.

Every end of a release goes through `take_down`, and so does help from outside.
"""

from collections.abc import Callable
from dataclasses import dataclass

from stepcanary.domain.release import Release
from stepcanary.errors import FixtureKept, ReleaseError
from stepcanary.release import copies, floors, kept, resting, subscriptions
from stepcanary.store import register
from stepcanary.store.register import Entry

KINDS: dict[str, Callable[[Release, Entry], None]] = {
    copies.KIND: copies.take_down,
    floors.KIND: floors.take_down,
    kept.KIND: resting.take_down,
    subscriptions.KIND: subscriptions.take_down,
}
"""How each is taken down, which may happen twice."""


@dataclass(frozen=True, slots=True)
class FixtureLeft:
    """Why something was not taken down, and `until` when it is kept, in epoch seconds."""

    why: str
    until: int | None = None


def take_down(release: Release) -> list[FixtureLeft]:
    """Take down what is still up; what is left."""
    left = []
    for entry in register.entries(release.execution):
        kind = KINDS.get(entry.kind)
        if kind is None:
            what = f"{entry.kind} {entry.key}: put up by another version of this stack"
            left.append(FixtureLeft(what))
            continue
        try:
            kind(release, entry)
        except FixtureKept as kept:
            left.append(FixtureLeft(str(kept), kept.until))
            continue
        except ReleaseError as error:
            left.append(FixtureLeft(f"{entry.kind} {entry.key}: {error}"))
            continue
        register.remove(release.execution, entry, release.service)
    return left
