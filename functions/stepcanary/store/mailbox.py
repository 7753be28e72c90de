"""Mailbox: the wait of a running release, and the signals that reach it."""

from boto3.dynamodb.conditions import Attr, ConditionBase

from stepcanary import clock
from stepcanary.domain.lease import Lease
from stepcanary.domain.moments import Moment, wait_kind
from stepcanary.domain.release import Release
from stepcanary.domain.signals import MOST_SIGNALS, TOKENS_PER_WAIT, WAIT_IS_OVER, Kind, Signal
from stepcanary.domain.stage import RETURNING, ROLLOUT, Stage
from stepcanary.errors import RevertRequested, SignalRefused, StageOver
from stepcanary.store import leases, table
from stepcanary.store.lease_items import lease_key, lease_of
from stepcanary.store.stages import is_not_reverting
from stepcanary.store.table import Change, ConditionFailed


def is_new(signal: Signal) -> ConditionBase:
    return table.is_absent("keys") | ~Attr("keys").contains(signal.key)


def is_undecided(wait: int) -> ConditionBase:
    return table.is_absent("decided") | Attr("decided").lt(wait)


def is_of_use(signal: Signal, lease: Lease) -> ConditionBase:
    """What `Lease.why_refused` found holds still; of a revert it does until the way back."""
    if signal.kind == "revert":
        return Attr("stage").lt(RETURNING.number)
    return is_at_stage(lease) & table.is_absent("goes_back")


def is_still_there() -> ConditionBase:
    """No act has followed upon the wait. A late delivery of the act before it changes neither."""
    same = table.is_same("stage", "wait_stage") & table.is_same("target", "wait_target")
    return table.is_absent("wait_stage") | same


def is_before(moment: int) -> ConditionBase:
    """The last wait is one of before this, in epoch milliseconds, and no act has followed it."""
    return is_still_there() & Attr("wait_number").lt((moment + 1) * TOKENS_PER_WAIT)


def is_at_stage(lease: Lease) -> ConditionBase:
    return Attr("stage").eq(lease.stage.number)


def is_before_its_gate(stage: Stage) -> ConditionBase:
    """No wait was entered since the release is at this stage."""
    return table.is_absent("wait_stage") | Attr("wait_stage").ne(stage.number)


def is_named(wait: int) -> ConditionBase:
    """The last wait is this one, by whichever of its tokens."""
    first = wait * TOKENS_PER_WAIT
    return Attr("wait_number").between(first, first + TOKENS_PER_WAIT - 1)


def is_not_pending(kinds: frozenset[str]) -> ConditionBase:
    return table.is_absent("signal") | ~Attr("signal.kind").is_in(sorted(kinds))


def wait(
    release: Release,
    fence: int,
    token: str,
    number: int,
    ends_on: list[Kind],
    *,
    paused: bool = False,
) -> Lease:
    """Leave the token where signals look for it, and return the lease with any that came before.

    A late delivery must not put its dead token over a newer one: the number of the wait tells
    them apart, for it only rises. Raises `LeaseLost` or `StageOver`.
    """
    begins = Moment(at=number // TOKENS_PER_WAIT, kind=wait_kind(ends_on, paused=paused))
    is_newer = table.is_absent("wait_number") | Attr("wait_number").lt(number)
    change = Change(
        lease_key(release.split),
        leases.is_ours(release.execution, fence) & is_newer,
        set={"token": token, "wait_number": number, "ends_on": set(ends_on)},
        copy={"wait_stage": "stage", "wait_target": "target"},
        append={"moments": [str(begins)]},
        remove=("goes_back",),
    )
    try:
        return leases.shortened(lease_of(release.split, table.change(change)))
    except ConditionFailed as failed:
        now = lease_of(release.split, failed.item)
        if (now.holder, now.fence) != (release.execution, fence):
            raise leases.lost(now, fence) from failed
        if now.token == token:
            # A second delivery, maybe after an act has followed.
            return now
        raise StageOver("the release waits elsewhere by now; this wait is over") from failed


def keep(lease: Lease, signal: Signal, wait: int | None = None) -> Lease:
    """Keep a durable signal for the release that holds the lease; the lease with its token.

    A revert is never overwritten by anything else, and a promote by no pause. What was accepted
    once has no second effect. With `wait` only that wait is meant, and only the first signal that
    is addressed to it counts. Raises `SignalRefused`.
    """
    if lease.has_accepted(signal):
        return lease
    if refused := lease.why_refused(signal, wait):
        raise SignalRefused(f"{signal.kind}: {lease.holder} has no use for it: {refused}")
    try:
        item = table.change(_kept(lease, signal, wait))
    except ConditionFailed as failed:
        now = lease_of(lease.split, failed.item)
        return _not_kept(lease, now, signal, wait, failed)
    return lease_of(lease.split, item)


def begin_way_back(
    lease: Lease, revert: Signal, *, taken_back: Stage | None = None
) -> Lease | None:
    """Keep a revert for a release that waits in its rollout, and begin the way back with it: no
    late shift is accepted any more. The lease as it was; None where the release is anywhere else,
    has a revert already, or is in other hands: then nothing is written.

    With `taken_back` it waits at that stage, and its primary, between two versions, takes the
    traffic back.
    """
    is_waiting = Attr("token").exists() & Attr("ends_on").contains("revert") & is_still_there()
    untroubled = Attr("lent").ne(True) & table.is_absent("parked") & table.is_absent("recovering")
    change = Change(
        lease_key(lease.split),
        Attr("holder").eq(lease.holder)
        & Attr("stage").eq((taken_back or ROLLOUT).number)
        & is_not_reverting()
        & is_waiting
        & untroubled,
        set={
            "signal": revert.model_dump(),
            "stage": RETURNING.number,
            **({"taken_back": True} if taken_back else {}),
        },
        first={"returning_at": clock.epoch_seconds()},
        append={"moments": [str(Moment(at=clock.epoch_milliseconds(), kind="returning"))]},
    )
    try:
        return lease_of(lease.split, table.change_and_see(change))
    except ConditionFailed:
        return None


def _kept(lease: Lease, signal: Signal, wait: int | None) -> Change:
    condition = Attr("holder").eq(lease.holder) & is_of_use(signal, lease) & is_not_reverting()
    values: dict[str, object] = {"signal": signal.model_dump()}
    added: dict[str, str] = {}
    if signal.kind == "pause":
        condition &= is_not_pending(frozenset({"promote"}))
    if wait is not None:
        is_open = is_named(wait) & is_still_there() & is_undecided(wait)
        condition &= is_open & is_not_pending(lease.ends_on or frozenset())
        values |= {"decided": wait, "decided_kind": signal.kind, "decided_key": signal.key}
    if signal.request_id:
        condition &= is_new(signal)
        if len(lease.keys) < MOST_SIGNALS:
            added["keys"] = signal.key
    return Change(lease_key(lease.split), condition, set=values, add=added)


def _not_kept(
    lease: Lease, now: Lease, signal: Signal, wait: int | None, failed: ConditionFailed
) -> Lease:
    """Refuse it for what has changed meanwhile, or try again."""
    if now.holder != lease.holder:
        raise SignalRefused(f"{signal.kind}: {lease.holder} has ended just now") from failed
    if now.signal is not None and now.reverting and not now.has_accepted(signal):
        if signal.kind == "revert" and wait is None:
            return now
        raise SignalRefused(f"{signal.kind}: a revert is under way: {now.signal}") from failed
    if wait is not None and now.stage == lease.stage and not now.has_accepted(signal):
        by = "" if now.signal is None else f" ({now.signal})"
        raise SignalRefused(f"{signal.kind}: {lease.holder}: {WAIT_IS_OVER}{by}") from failed
    if signal.kind == "pause" and now.signal is not None and now.signal.kind == "promote":
        raise SignalRefused(f"pause: it was promoted ({now.signal}); revert it instead") from failed
    return keep(now, signal, wait)


def decide_way_back(
    lease: Lease, is_due: ConditionBase, *, unless: frozenset[str] = frozenset()
) -> Signal | None:
    """Write down that the way back follows: from here on nothing but a revert is accepted.

    Who was told that a signal is accepted has to be right: one of the kinds `unless` that came
    first is the answer, and then nothing is written down. Raises `LeaseLost`, and `StageOver` where
    the decision came too late to be one.
    """
    condition = leases.is_ours(lease.holder, lease.fence) & is_due
    if unless:
        condition &= is_not_pending(unless)
    try:
        table.change(Change(lease_key(lease.split), condition, set={"goes_back": True}))
    except ConditionFailed as failed:
        now = lease_of(lease.split, failed.item)
        if (now.holder, now.fence) != (lease.holder, lease.fence):
            raise leases.lost(now, lease.fence) from failed
        if now.signal is not None and now.signal.kind in unless:
            return now.signal
        if now.stage == RETURNING and now.reverting:
            raise RevertRequested(str(now.signal)) from failed
        raise StageOver("the release has gone on; this decision was delivered late") from failed
    return None


def claim_wait(lease: Lease, signal: Signal) -> bool:
    """Claim the current wait for a transient signal. Recorded before the token is completed, so a
    retry cannot end the next wait. True if this signal, or an earlier one of the same kind, holds
    the claim."""
    ours = leases.is_ours(lease.holder, lease.fence)
    is_open = Attr("token").eq(lease.token) & is_still_there() & is_undecided(lease.wait)
    change = Change(
        lease_key(lease.split),
        ours & is_open & is_new(signal),
        set={"decided": lease.wait, "decided_kind": signal.kind, "decided_key": signal.key},
        add={"keys": signal.key},
    )
    try:
        table.change(change)
    except ConditionFailed as failed:
        now = lease_of(lease.split, failed.item)
        return now.token == lease.token and now.transient_decision == signal.kind
    return True


def forget_pause(lease: Lease) -> bool:
    """Withdraw a pause: whether it was there, in the wait that was seen. A later signal stays."""
    seen = Attr("token").eq(lease.token) if lease.token else table.is_absent("token")
    condition = leases.is_ours(lease.holder, lease.fence) & Attr("signal.kind").eq("pause") & seen
    try:
        table.change(Change(lease_key(lease.split), condition, remove=("signal",)))
    except ConditionFailed:
        return False
    return True
