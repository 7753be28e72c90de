"""Fixtures: what a release has put up outside of its services and routes, each by its kind.

Every end of a release goes through `take_down`, and so does help from outside.
"""

from collections.abc import Mapping
from typing import Protocol, cast

from stepcanary.domain.release import Release
from stepcanary.errors import AwsRefused, AwsUnavailable
from stepcanary.release import copies
from stepcanary.store import register
from stepcanary.store.register import Entry


class Fixture(Protocol):
    """One kind of thing that is put up. Both acts may happen twice."""

    def put_up(self, release: Release, before: Mapping[str, str]) -> str:
        """What came of it."""

    def take_down(self, release: Release, entry: Entry) -> None: ...


KINDS: dict[str, Fixture] = {"copy": cast("Fixture", copies)}


def put_up(release: Release, kind: str, key: str, before: Mapping[str, str]) -> str:
    """Put it up, with its entry in the register first; what came of it."""
    entry = Entry(kind, key, before)
    register.write(release.execution, entry)
    made = KINDS[kind].put_up(release, before)
    register.note_made(release.execution, entry, made)
    return made


def take_down(release: Release) -> list[str]:
    """Take down what is still up; what could not be taken down, in sentences."""
    left = []
    for entry in register.entries(release.execution):
        kind = KINDS.get(entry.kind)
        if kind is None:
            left.append(f"{entry.kind} {entry.key}: put up by another version of this stack")
            continue
        try:
            kind.take_down(release, entry)
        except (AwsRefused, AwsUnavailable) as error:
            left.append(f"{entry.kind} {entry.key}: {error}")
            continue
        register.remove(release.execution, entry)
    return left
