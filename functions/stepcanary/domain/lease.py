"""Lease: who may write a split, how far its release has got, and the signals that reached it."""

from dataclasses import dataclass, field

from stepcanary.domain import moments
from stepcanary.domain.content import Content
from stepcanary.domain.signals import DURABLE, WAIT_IS_OVER, Signal, why_refused, why_too_many
from stepcanary.domain.stage import OPENING, Stage


@dataclass(frozen=True, slots=True)
class Lease:
    """`holder` is an execution ARN, or empty when the split is free; `execution` the last holder.

    `fence` rises with each holder, and once more when help from outside takes over. `weight` is the
    canary's percent that was last read back and `target` the one last attempted; `versions` are the
    routes' after our last write, by split, where the router counts them. `left_at` is the percent
    at which the last holder gave the split back, and `freed_at` when, in epoch seconds.

    `token` is the task token of the last wait and `wait` that wait's name; `ends_on` are the kinds
    of signal that it ends on, None where it did not say. `signal` is the durable signal that is
    pending, `keys` are the idempotency keys of signals already accepted. `decided` is the last wait
    that was ended by a signal addressed to it, or by a transient one, and `decided_kind` and
    `decided_key` are that signal's.

    `returned_at`, in epoch seconds, is when the primary was read back with all weight, and
    `doubted_at` when the reason for a way back came up.

    `touched` says that the primary may be anything but what it was before the release, `parked`
    that a person has to decide, `recovering` that help from outside is at work. `returning_at` and
    `rested_at` are in epoch seconds: when the way back began, and when help saw the split at rest.

    `canary_revision` and `primary_revision` are the task definitions that this release deployed
    last, `copy` is what it registered to go back to. `content` is what the canary was found to run,
    under `canary_deployment`; `primary_deployment` is one of the old version that somebody else has
    made since, and that runs the same. In epoch seconds, `short_since` says since
    when the canary has had fewer tasks than its weight needs, and `held_at` when all weight was
    brought to the canary after a failed promotion. `lent` says that it has it because the primary
    serves nothing, `restored` that the primary's old version was asked for since, `taken_back` that
    all weight went back to a primary that still has to get it, `goes_back` that
    it was decided to return the traffic, so that only a revert is still of use. `losses` are
    sentences on what was deleted because it could not be written back, and on what others have
    taken meanwhile. `scales_at`, in epoch seconds, is when autoscaling's next scheduled action
    would run, which the release has suspended. `moments` are what the release has done, each as
    `stepcanary.domain.moments` writes it.

    Of a release with several splits one, the *lead*, has all of this. The others' leases name it in
    `lead`, and are held and free together with it.
    """

    split: str
    holder: str = ""
    execution: str = ""
    fence: int = 0
    stage: Stage = OPENING
    since: int = 0
    weight: int = 0
    target: int = 0
    left_at: int = 0
    freed_at: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    signal: Signal | None = None
    token: str = ""
    wait: int = 0
    ends_on: frozenset[str] | None = None
    keys: frozenset[str] = frozenset()
    decided: int = 0
    decided_kind: str = ""
    decided_key: str = ""
    returning_at: int | None = None
    rested_at: int | None = None
    returned_at: int | None = None
    parked: bool = False
    touched: bool = False
    recovering: bool = False
    canary_revision: str = ""
    primary_revision: str = ""
    copy: str = ""
    content: Content = field(default_factory=dict)
    canary_deployment: str = ""
    primary_deployment: str = ""
    short_since: int | None = None
    held_at: int | None = None
    lent: bool = False
    restored: bool = False
    losses: str = ""
    scales_at: int | None = None
    lead: str = ""
    goes_back: bool = False
    taken_back: bool = False
    moments: list[str] = field(default_factory=list)

    @property
    def pausing(self) -> bool:
        """Whether a pause was accepted and not ended."""
        return self.signal is not None and self.signal.kind == "pause"

    @property
    def was_promoted(self) -> bool:
        """Whether somebody has said promote: also when that was obeyed, and is pending no more."""
        return any(key.startswith("promote ") for key in self.keys)

    @property
    def reverting(self) -> bool:
        """Whether a revert was accepted and not yet done."""
        return self.signal is not None and self.signal.kind == "revert"

    @property
    def doubted_at(self) -> int | None:
        """In epoch seconds; None before a way back."""
        if self.signal and self.reverting:
            return self.signal.at
        done = moments.read(self.moments)
        failed = [each.at // 1_000 for each in done if each.kind == "failed_promotion"]
        return failed[-1] if failed else self.returning_at

    @property
    def transient_decision(self) -> str:
        """Kind of the transient signal that already ended the current wait, or ''."""
        if self.decided != self.wait or self.decided_kind in DURABLE:
            return ""
        return self.decided_kind

    def waits_for(self, kind: str) -> bool:
        """Whether the last wait ends on this, if it is not over yet."""
        return bool(self.token) and (self.ends_on is None or kind in self.ends_on)

    @property
    def offers(self) -> list[str]:
        """What the last wait ends on that is not refused by now, if it is not over yet."""
        waits_for = (self.ends_on or ()) if self.token else ()
        return sorted(kind for kind in waits_for if not why_refused(kind, self.stage))

    def has_accepted(self, signal: Signal) -> bool:
        """Whether this very signal was accepted before, and is only delivered again."""
        return signal.key in self.keys

    def has_pending(self, signal: Signal) -> bool:
        """Whether a signal of this kind is there and was not obeyed yet."""
        return self.signal is not None and self.signal.kind == signal.kind

    def why_refused(self, signal: Signal, wait: int | None) -> str | None:
        """Why the release has no use for the signal, or for it in that wait; None when it has."""
        refused = why_refused(signal.kind, self.stage)
        refused = why_too_many(signal.kind, self.keys) or refused
        if self.goes_back and signal.kind != "revert":
            refused = "it is on its way back: that was decided, or nobody decided in time"
        if self.parked and signal.kind != "revert":
            refused = "its execution has ended; only a revert can still be done"
        if wait is None:
            return refused
        if refused:
            return f"{WAIT_IS_OVER}: {refused}"
        # Without what it ends on there was never a wait.
        return None if wait == self.wait and self.ends_on else WAIT_IS_OVER


@dataclass(frozen=True, slots=True)
class Place:
    """Who waits, and since when, in epoch seconds.

    `split` is empty for one that waits to begin, because many were started at once. `started_at` is
    when its execution was, in epoch milliseconds; `withdrawn` says by whom it was withdrawn.
    """

    execution: str
    since: int
    split: str = ""
    service: str = ""
    started_at: int = 0
    withdrawn: str = ""

    def is_overtaken_by(self, service: str, started_at: int | None) -> bool:
        """Whether a release of this service, which has the split now, is the newer one. It has no
        `started_at` where it has ended meanwhile."""
        same = self.service in ("", service)
        return same and started_at is not None and self.started_at < started_at
