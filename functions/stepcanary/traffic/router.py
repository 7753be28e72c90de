"""Router: the port that each way of splitting traffic fills."""

from dataclasses import dataclass
from typing import Protocol

from stepcanary.domain.members import Paths, Values
from stepcanary.domain.model import Document
from stepcanary.domain.split import SideName, Split


@dataclass(frozen=True, slots=True)
class Reading:
    """A route as it was read: the two weights, and all of it, to be written back unharmed.

    Two documents are equal when the routes mean the same, however AWS has put its answer.
    `version` rises by one with every write, whoever makes it; None where the router counts none.
    `rest_weight` is the primary's in a route that does not list the canary; else None.
    `pinned_seconds` is how long clients stay on a side that has no weight any more.
    `unknown_values` are members that the document is without, so that a write deletes them.
    """

    split: Split
    document: Document
    version: int | None = None
    rest_weight: int | None = None
    pinned_seconds: int = 0
    unknown_values: Values = ()

    @property
    def unknown(self) -> Paths:
        """Their paths."""
        return tuple(dict.fromkeys(path for path, _ in self.unknown_values))


@dataclass(frozen=True, slots=True)
class Dimensions:
    """Where CloudWatch keeps the metrics of one side."""

    namespace: str
    values: dict[str, str]


Tags = frozenset[tuple[str, str]]
"""Keys and values."""


class TrafficRouter(Protocol):
    """Raises `RequestRejected` from `read` when the route cannot be divided between the sides."""

    missing: frozenset[str]
    """AWS's error codes that say, when reading, that there is no such route."""

    @property
    def name(self) -> str:
        """What a person would look for, as in `route checkout of mesh example`."""

    def read(self) -> Reading: ...

    def tags(self) -> Tags:
        """Of what a write changes."""

    def write(self, reading: Reading, split: Split) -> Document:
        """Write the reading back with only its two weights changed; return what was sent."""

    def healthy_targets(self, side: SideName) -> int | None:
        """Targets that would get this side's requests; None where the router cannot tell."""

    def drain_seconds(self, reading: Reading) -> int:
        """How long requests may go on at the canary once the router has taken its weight."""

    def check(self, reading: Reading) -> None:
        """Raises `RequestRejected` when no release should be begun on the route as it was read.

        Not called on the way back: a release that was begun returns its traffic whatever this says.
        """

    def dimensions(self, side: SideName) -> Dimensions: ...
