"""Routes: those of one release, which move together."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stepcanary.access import current, entered
from stepcanary.domain.lease import Lease
from stepcanary.domain.members import loss
from stepcanary.domain.release import Release
from stepcanary.domain.split import Split
from stepcanary.errors import (
    AwsRefused,
    AwsUnavailable,
    ReleaseError,
    RequestRejected,
    SplitDrifted,
)
from stepcanary.store import stages
from stepcanary.traffic.factory import read_of, router_for
from stepcanary.traffic.router import Reading, TrafficRouter
from stepcanary.traffic.shift import Known, Moved, force, foreign_write, read_again, shift

Readings = dict[str, Reading]
"""By the split's key in the ledger."""

HINDRANCES = (AwsRefused, AwsUnavailable, RequestRejected, SplitDrifted)
"""What may stand in the way of one route, and of no other."""


def routers(release: Release) -> Iterator[tuple[str, TrafficRouter]]:
    for traffic in release.traffic:
        yield traffic.key(release.execution), router_for(traffic)


def known(release: Release, lease: Lease, split: str, *, members: bool = True) -> Known:
    """Without `members` it is no matter which unknown ones there are."""
    version = lease.versions.get(split)
    may_be_lost = release.may_be_lost if members else None
    return Known(lease.weight, lease.target, version, may_be_lost)


def read(release: Release) -> Readings:
    readings, failures = read_each(release)
    if failures:
        raise failures[0]
    return readings


def read_each(release: Release) -> tuple[Readings, list[ReleaseError]]:
    """Those that can be read, and what stood in the way of the others."""
    readings: Readings = {}
    failures: list[ReleaseError] = []
    for split, router in routers(release):
        try:
            readings[split] = router.read()
        except HINDRANCES as failure:
            failures.append(failure)
    return readings, failures


def all_at(readings: Readings, weight: int) -> bool:
    """Whether each of these is at the weight; not where there are none."""
    splits = [reading.split for reading in readings.values()]
    return bool(splits) and all(split == split.with_weight(weight) for split in splits)


def where(release: Release, readings: Readings) -> str:
    """Where the traffic is, in a sentence."""
    if all_at(readings, 100):
        return "The canary carries the traffic"
    if all_at(readings, 0):
        return "The primary carries the traffic"
    found = [
        f"{router.name} is at {readings[split].split}"
        if split in readings
        else f"{router.name} could not be read"
        for split, router in routers(release)
    ]
    return f"Primary and canary share the traffic: {'; '.join(found)}"


def confirm(
    lease: Lease, weight: int, readings: Readings, *, lent: bool = False, foreign: str = ""
) -> Lease:
    """Write down that all routes were read back with this weight, and what somebody else was found
    to have written before."""
    return stages.confirm(lease, weight, versions_of(readings), lent=lent, foreign=foreign)


def versions_of(readings: Readings) -> dict[str, int]:
    """Where the router counts them."""
    return {split: now.version for split, now in readings.items() if now.version is not None}


def at_rest(release: Release) -> bool:
    return not_at_rest(release) is None


def not_at_rest(release: Release) -> str | None:
    """Which routes are not at rest, and where they are."""
    return moved_off(release, read(release))


def moved_off(release: Release, readings: Readings) -> str | None:
    """Which of these are not at rest, and where they are."""
    found = [(r.name, readings[split].split) for split, r in routers(release) if split in readings]
    return "; ".join(f"{name} is at {split}" for name, split in found if not split.at_rest) or None


def foreign_writes(release: Release, lease: Lease, readings: Readings) -> str | None:
    """What somebody else wrote, in a sentence; None when all is as this release left it."""
    writes = [
        foreign_write(router, readings[split], known(release, lease, split))
        for split, router in routers(release)
        if split in readings
    ]
    return "; ".join(filter(None, writes)) or None


def as_left(release: Release, lease: Lease, together: dict[str, Reading]) -> bool:
    """Whether these routes are as the release left them; `together` are readings by ARN."""
    readings = {t.key(release.execution): read_of(t, together) for t in release.traffic}
    return foreign_writes(release, lease, readings) is None


def drift(release: Release, lease: Lease, *, members: bool = True) -> str | None:
    """What somebody else wrote, and still reads so when the route is read again."""
    found = [
        read_again(router, known(release, lease, split, members=members), router.read())[1]
        for split, router in routers(release)
    ]
    return "; ".join(filter(None, found)) or None


def shift_all(release: Release, lease: Lease, weight: int) -> list[Split]:
    """Bring every route to this weight.

    Where one write fails, those before it stay: the step is tried again or the release reverts,
    and both take each route from wherever it is.
    """
    if len(release.traffic) > 1 and (found := drift(release, lease)):
        raise SplitDrifted(found)
    readings = {
        split: shift(router, known(release, lease, split), weight)
        for split, router in routers(release)
    }
    confirm(lease, weight, readings)
    return [reading.split for reading in readings.values()]


@dataclass(frozen=True, slots=True)
class Forced:
    """`failures` of routes that could not be moved; `moved` has the others."""

    moved: dict[str, Moved]
    failures: list[ReleaseError]

    @property
    def now(self) -> Readings:
        return {split: moved.now for split, moved in self.moved.items()}

    @property
    def found(self) -> Readings:
        """What was there before."""
        return {split: moved.found for split, moved in self.moved.items()}

    @property
    def wrote(self) -> bool:
        return any(moved.found != moved.now for moved in self.moved.values())

    def losses(self, release: Release) -> str | None:
        """What the writes have deleted, in sentences; None where they have deleted nothing."""
        found = [
            loss(router.name, self.moved[split].lost, release.may_be_lost)
            for split, router in routers(release)
            if split in self.moved
        ]
        return "; ".join(filter(None, found)) or None

    def require_all(self) -> None:
        """Raises what stood in the way of a route, if anything did."""
        if self.failures:
            raise self.failures[0]


def force_all(release: Release, weight: int, *, unsure: bool = False) -> Forced:
    """Bring every route to this weight, whatever it says now and whatever becomes of the others.

    `unsure` of the last write, it is written also where it reads so.
    At the same time, because a call that hangs takes most of a function's life.
    """
    each = list(routers(release))

    access = current()

    def move(router: TrafficRouter) -> Moved | ReleaseError:
        # A thread begins with what nobody has entered.
        try:
            with entered(access):
                return force(router, weight, unsure=unsure)
        except HINDRANCES as failure:
            return failure

    with ThreadPoolExecutor(len(each)) as pool:
        answers = list(pool.map(move, [router for _, router in each]))
    pairs = [(split, answer) for (split, _), answer in zip(each, answers, strict=True)]
    return Forced(
        {split: answer for split, answer in pairs if isinstance(answer, Moved)},
        [answer for _, answer in pairs if isinstance(answer, ReleaseError)],
    )


def note_losses(lease: Lease, losses: str | None) -> Lease:
    """Write down what the way back has deleted, if it has: the cause of the end names it."""
    if not losses or losses in lease.losses:
        return lease
    return stages.note_losses(lease, "; ".join(filter(None, (lease.losses, losses))))
