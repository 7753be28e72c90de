"""Lease: who may write a split, how far its release has got, and the signals that reached it."""

from dataclasses import dataclass, field

from stepcanary.domain.release import Release
from stepcanary.domain.signals import KEPT, Signal
from stepcanary.domain.stage import OPENING


@dataclass(frozen=True, slots=True)
class Lease:
    """`holder` is an execution ARN, or empty when the split is free.

    `weight` is the canary's percent that was last read back and `target` the one last attempted;
    `versions` are the routes' after our last write, by split, where the router counts them.
    `touched` says that the primary may be anything but what it was before the release. `ends_on`
    are the kinds of signal that the wait with this token ends on; None where it did not say.
    `heard` has what was told, kind and asker; `decided` is the last wait that was ended by name or
    by a signal that is not kept, and `decided_by` that signal.
    """

    split: str
    holder: str = ""
    fence: int = 0
    stage: int = OPENING
    since: int = 0
    weight: int = 0
    target: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    signal: Signal | None = None
    token: str = ""
    wait: int = 0
    ends_on: frozenset[str] | None = None
    heard: frozenset[str] = frozenset()
    decided: int = 0
    decided_by: str = ""
    returning_at: int | None = None
    rested_at: int | None = None
    parked: bool = False
    touched: bool = False
    recovering: bool = False
    document: str = ""
    lead: str = ""

    @property
    def release(self) -> Release:
        """What the holder releases, or the last one did."""
        return Release.model_validate_json(self.document)

    @property
    def pausing(self) -> bool:
        """Whether a pause was accepted and not ended."""
        return self.signal is not None and self.signal.kind == "pause"

    def waits_for(self, kind: str) -> bool:
        """Whether the last wait ends on this, if it is not over yet."""
        return bool(self.token) and (self.ends_on is None or kind in self.ends_on)

    def has_heard(self, signal: Signal) -> bool:
        """Whether just this was told before, and is only tried again."""
        return signal.said in self.heard

    @property
    def remarked(self) -> str:
        """The kind of signal that has decided the wait that is now, without being kept."""
        kind = self.decided_by.partition(" ")[0]
        return kind if self.decided == self.wait and kind not in KEPT else ""

    def has_pending(self, signal: Signal) -> bool:
        """Whether such a signal is there and was not ends_on yet."""
        return self.signal is not None and self.signal.kind == signal.kind

    @property
    def reverting(self) -> bool:
        """Whether a revert was accepted and not yet done."""
        return self.signal is not None and self.signal.kind == "revert"


@dataclass(frozen=True, slots=True)
class Place:
    """Who waits for a split, and since when, in epoch seconds."""

    execution: str
    since: int
