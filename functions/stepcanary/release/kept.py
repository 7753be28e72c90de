"""Kept: a reverted canary that has its tasks for a person to look at."""

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
    """Raises `FixtureKept` while a person may look at it."""
    entry = entry_of(release)
    if entry is not None and is_kept(release):
        raise FixtureKept("the canary is kept for a person to look at", int(entry.made))
