"""Traffic: the port that a router fills, and the ways to move a weight through it."""

from dataclasses import dataclass
from typing import Any, Protocol

from stepcanary.domain.split import SideName, Split
from stepcanary.errors import SplitDrifted

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """A route as it was read: the two weights, and all of it, to be written back unharmed.

    Two documents are equal when the routes mean the same, however AWS has put its answer.
    `version` rises by one with every write, whoever makes it; None where the router counts none.
    `rest_weight` is the primary's in a route that does not list the canary; else None.
    `pinned_seconds` is how long clients stay on a side that has no weight any more.
    """

    split: Split
    document: Document
    version: int | None = None
    rest_weight: int | None = None
    pinned_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Where CloudWatch keeps the metrics of one side."""

    namespace: str
    values: dict[str, str]


class TrafficRouter(Protocol):
    """Raises `RequestRejected` from `read` when the route cannot be divided between the sides."""

    missing: frozenset[str]
    """AWS's error codes that say, when reading, that there is no such route."""

    @property
    def name(self) -> str:
        """What a person would look for, as in `route checkout of mesh example`."""

    def read(self) -> Reading: ...

    def write(self, reading: Reading, split: Split) -> Document:
        """Write the reading back with only its two weights changed; return what was sent."""

    def healthy_targets(self, side: SideName) -> int | None:
        """Targets that would get this side's requests; None where the router cannot tell."""

    def check(self, reading: Reading) -> None:
        """Raises `RequestRejected` when no release should be begun on the route as it was read.

        Never asked on the way back: what was begun has to be brought home whatever is said here.
        """

    def dimensions(self, side: SideName) -> Dimensions: ...


@dataclass(frozen=True, slots=True)
class Known:
    """What a release knows of its route: the percent it read back last and the one it attempted.

    `version` is the route's after the last write that was read back. The attempt counts when its
    answer was lost: then the route may be one version further.
    """

    weight: int
    target: int
    version: int | None


def foreign_write(router: TrafficRouter, reading: Reading, known: Known) -> str | None:
    """A sentence on what somebody else wrote; None when the route is as this release left it."""
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


def jump_of(reading: Reading, version: int | None) -> int:
    """How many writes a route has had since this version; 0 where the router counts none."""
    return 0 if reading.version is None else reading.version - (version or 0)


def shift(router: TrafficRouter, known: Known, weight: int) -> Reading:
    """Bring the canary to `weight` percent and confirm it; write only a difference.

    Raises `SplitDrifted` when somebody else wrote the route, before or since.
    """
    before = router.read()
    if told := foreign_write(router, before, known):
        raise SplitDrifted(told)
    after = _write(router, before, weight)
    if jump_of(after, before.version) > 1:
        raise SplitDrifted(
            f"somebody else wrote {router.name} between our reading and our writing of it. Find"
            " out who else writes it"
        )
    return after


@dataclass(frozen=True, slots=True)
class Moved:
    """The route as it was found and as it was read back."""

    found: Reading
    now: Reading


def insist(router: TrafficRouter, weight: int) -> Moved:
    """Bring the canary to `weight` percent whatever the route says now, and confirm it."""
    found = router.read()
    return Moved(found, _write(router, found, weight))


def _write(router: TrafficRouter, before: Reading, weight: int) -> Reading:
    wanted = before.split.with_weight(weight)
    if before.split == wanted:
        return before
    written = router.write(before, wanted)
    after = router.read()
    if after.document != written:
        raise SplitDrifted(
            f"{router.name} does not read back as written: asked for {wanted}, found"
            f" {after.split}. Find out who else writes it"
        )
    return after
