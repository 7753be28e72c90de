"""Shift: move a weight through a router, and notice what somebody else wrote."""

from collections.abc import Collection
from dataclasses import dataclass

from stepcanary import clock
from stepcanary.domain.members import Paths, altered, refusal
from stepcanary.errors import AwsRefused, SplitDrifted
from stepcanary.traffic.router import Reading, TrafficRouter

READS_AGAIN = 3
PAUSE_SECONDS = 1
"""A read may lag behind a write, so one that surprises is repeated before it counts."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a release knows of its route: the percent it read back last and the one it attempted.

    `version` is the route's after the last write that was read back. The attempt counts when its
    answer was lost: then the route may be one version further. `may_be_lost` has the unknown
    members that it may delete; None where it is no matter which.
    """

    weight: int
    target: int
    version: int | None
    may_be_lost: Collection[str] | None = ()


def foreign_write(router: TrafficRouter, reading: Reading, known: Known) -> str | None:
    """A sentence on what somebody else wrote; None when the route is as this release left it.

    A plan refuses members that no write may lose, so such a one has come since.
    """
    return (
        "; ".join(
            filter(None, (_foreign_weights(router, reading, known), added(router, reading, known)))
        )
        or None
    )


def added(router: TrafficRouter, reading: Reading, known: Known) -> str | None:
    """That somebody else wrote what this release cannot write back; None when nobody did."""
    if known.may_be_lost is None:
        return None
    found = refusal(router.name, reading.unknown, known.may_be_lost)
    return f"somebody else wrote {router.name}: {found}" if found else None


def _foreign_weights(router: TrafficRouter, reading: Reading, known: Known) -> str | None:
    jump = jump_of(reading, known.version)
    if reading.split == reading.split.with_weight(known.weight) and jump == 0:
        return None
    attempted = reading.split == reading.split.with_weight(known.target)
    one = 0 if reading.version is None else 1
    if attempted and known.target != known.weight and jump == one:
        return None
    versions = f", {jump} versions further" if jump else ""
    return (
        f"somebody else wrote {router.name}: its weights are {reading.split}{versions}, and this"
        f" release left {reading.split.with_weight(known.weight)}. Find out who else writes it"
    )


def read_again(router: TrafficRouter, known: Known, reading: Reading) -> tuple[Reading, str | None]:
    """The reading, repeated while it shows a foreign write, and what that is if it stays."""
    drift = foreign_write(router, reading, known)
    for _ in range(READS_AGAIN):
        if drift is None:
            break
        clock.sleep(PAUSE_SECONDS)
        reading = router.read()
        drift = foreign_write(router, reading, known)
    return reading, drift


def jump_of(reading: Reading, version: int | None) -> int:
    """How many writes a route has had since this version; 0 where the router counts none."""
    return 0 if reading.version is None else reading.version - (version or 0)


def shift(router: TrafficRouter, known: Known, weight: int) -> Reading:
    """Bring the canary to `weight` percent and confirm it; write only a difference.

    Raises `SplitDrifted` when somebody else wrote the route, before or since.
    """
    before, drift = read_again(router, known, router.read())
    if drift:
        raise SplitDrifted(drift)
    after = _write(router, before, weight)
    if jump_of(after, before.version) > 1:
        raise SplitDrifted(
            f"somebody else wrote {router.name} between our reading and our writing of it. Find"
            " out who else writes it"
        )
    if drift := added(router, after, known):
        raise SplitDrifted(drift)
    return after


@dataclass(frozen=True, slots=True)
class Moved:
    """The route as it was found and as it was read back."""

    found: Reading
    now: Reading

    @property
    def lost(self) -> Paths:
        """Unknown members that the write has deleted, or brought back to some default."""
        return altered(self.found.unknown_values, self.now.unknown_values)


def force(router: TrafficRouter, weight: int, *, unsure: bool = False) -> Moved:
    """Bring the canary to `weight` percent whatever the route says now, and confirm it.

    With `unsure` it is written also where it reads like that already: the reading may be older than
    the last write.
    """
    found = router.read()
    try:
        return Moved(found, _write(router, found, weight, always=unsure))
    except AwsRefused as refused:
        if not found.unknown:
            raise
        # What AWS misses may well be what was lost.
        without = f"{refused}. It was sent without {', '.join(found.unknown)}, which this stack"
        raise AwsRefused(f"{without} does not know; update the stack", refused.code) from refused


def _write(router: TrafficRouter, before: Reading, weight: int, *, always: bool = False) -> Reading:
    wanted = before.split.with_weight(weight)
    if before.split == wanted and not always:
        return before
    written = router.write(before, wanted)
    after = router.read()
    for _ in range(READS_AGAIN):
        if after.document == written:
            return after
        clock.sleep(PAUSE_SECONDS)
        after = router.read()
    if after.document != written:
        raise SplitDrifted(
            f"{router.name} does not read back as written: wrote {wanted}, found"
            f" {after.split}. Find out who else writes it"
        )
    return after
