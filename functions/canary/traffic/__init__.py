"""Traffic: the port that a router fills, and the one way to move a weight through it."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from canary.errors import SplitDrifted
from canary.split import Split

SideName = Literal["primary", "canary"]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """A route as it was read: the two weights, and all of it, to be written back unharmed."""

    split: Split
    document: Document


class TrafficRouter(Protocol):
    """Raises `RequestRejected` from `read` when the route lacks one of the two sides."""

    @property
    def name(self) -> str:
        """What a person would look for, as in `route checkout of mesh example`."""

    def read(self) -> Reading: ...

    def write(self, reading: Reading, split: Split) -> Document:
        """Write the reading back with only its two weights changed; return what was sent."""

    def healthy_targets(self, side: SideName) -> int | None:
        """Targets that would get this side's requests; None where the router cannot tell."""


def shift(router: TrafficRouter, weight: int) -> Split:
    """Bring the canary to `weight` percent and confirm it; write only a difference.

    Raises `SplitDrifted` when the route does not read back exactly as it was written.
    """
    before = router.read()
    wanted = before.split.with_weight(weight)
    if before.split == wanted:
        return wanted
    written = router.write(before, wanted)
    after = router.read()
    if after.document != written:
        raise SplitDrifted(
            f"{router.name} does not read back as written: asked for {wanted}, found"
            f" {after.split}. Find out who else writes it"
        )
    return wanted
