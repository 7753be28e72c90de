"""Kept: a canary without weight that has its tasks for a while, for a person or for clients."""

from stepcanary import clock
from stepcanary.domain.release import Release
from stepcanary.errors import FixtureKept
from stepcanary.store import register
from stepcanary.store.register import Entry

KIND = "canary"


def entry_of(release: Release) -> Entry | None:
    """What the register has of the canary: its tasks at rest, and until when it is kept."""
    return register.find(release.execution, KIND, release.canary.service)


def is_kept(release: Release) -> bool:
    entry = entry_of(release)
    return entry is not None and bool(entry.made) and clock.epoch_seconds() < int(entry.made)


def require_not_kept(release: Release) -> None:
    """Raises `FixtureKept` until its time is over."""
    entry = entry_of(release)
    if entry is not None and is_kept(release):
        raise FixtureKept("the canary keeps its tasks for a while", int(entry.made))
