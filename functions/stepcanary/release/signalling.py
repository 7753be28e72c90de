"""Signalling: deliver a signal to the releases that it is for, and obey one that came before."""

from datetime import datetime

from stepcanary import clock
from stepcanary.aws import stepfunctions
from stepcanary.contracts.states import WaitInput
from stepcanary.domain import moments
from stepcanary.domain.lease import Lease
from stepcanary.domain.request import SignalRequest
from stepcanary.domain.signals import DURABLE, WAIT_IS_OVER, Signal
from stepcanary.domain.stage import RETURNING
from stepcanary.errors import AwsRefused, AwsUnavailable, DocumentUnreadable, SignalRefused
from stepcanary.observability import execution_name, logger
from stepcanary.release import revert, telling, world
from stepcanary.store import leases, ledger, mailbox


def signal_service(
    request: SignalRequest, request_id: str, sent_at: int | None = None
) -> list[str]:
    """Signal the running releases of a service; the executions that accepted it.

    `request_id` names the request, also when it is tried again: a release accepts it once. A
    request of before a release began, in epoch seconds, is not about it: an event may be delivered
    twice. Raises `SignalRefused` when no release has a use for it.
    """
    running = leases.of_service(request.service)
    if sent_at is not None:
        running = [lease for lease in running if lease.since <= sent_at]
    if not running:
        over = "" if request.wait is None else f"{WAIT_IS_OVER}: "
        raise SignalRefused(f"{request.kind}: {over}no release of {request.service} is running")
    meant = [lease for lease in running if _is(lease.holder, request.execution)]
    if not meant:
        raise SignalRefused(
            f"{request.kind}: {request.execution} has no release of {request.service} running;"
            f" {running[0].holder} has"
        )
    signal = Signal(
        kind=request.kind,
        reason=request.reason,
        by=request.by,
        at=clock.epoch_seconds(),
        request_id=request_id,
    )
    accepted: list[str] = []
    refused: list[SignalRefused] = []
    for lease in meant:
        try:
            deliver(lease, signal, request.wait)
        except SignalRefused as refusal:
            refused.append(refusal)
            continue
        accepted.append(lease.holder)
        if not lease.has_accepted(signal):
            ledger.note_signal(lease.holder, signal)
            telling.signalled(lease.holder, request.service, signal)
    if not accepted:
        raise refused[0]
    return accepted


def signal_from_event(request: SignalRequest, event_id: str, time: datetime) -> list[str]:
    """As `signal_service`, but nobody waits for an answer, so that a refusal goes to the log.

    An error would bring the event again, and a later release would obey what this one refused.
    """
    try:
        return signal_service(request, event_id, int(time.timestamp()))
    except SignalRefused as refused:
        logger.warning("signal refused", extra={"cause": str(refused)})
        return []


def _is(holder: str, execution: str) -> bool:
    """Whether the execution, by ARN or by name, is this holder; nobody named is everybody."""
    return execution in ("", holder, holder.rpartition(":")[2])


def revert_on_alarm(alarm: str, reason: str, fired_at: int) -> list[str]:
    """Revert every running release that the alarm judges; the executions that accepted it.

    An event that was under way since before a release began says nothing about that release.
    """
    signal = Signal(kind="revert", reason=reason[:1_000], by=f"alarm {alarm}", at=fired_at)
    judged = [found for found in leases.watching(alarm) if found[0].since <= fired_at]
    accepted, failed = [], []
    for lease, service in judged:
        try:
            # Of several the executions see to it, all at the same time.
            doubt(lease, signal, service, at_once=len(judged) == 1)
            accepted.append(lease.holder)
        except SignalRefused:
            # It ended, or its traffic returns already: what the alarm asks for happens anyway.
            continue
        except (AwsRefused, AwsUnavailable) as error:
            failed.append(error)
    if failed:
        # Lambda delivers the event again; a release accepts it once.
        raise failed[0]
    return accepted


def doubt(lease: Lease, signal: Signal, service: str, *, at_once: bool = False) -> None:
    """Revert a release because the stack itself doubts it: `at_once` right here, where that can be
    done, and else by its execution. Raises `SignalRefused`."""
    returned = _return_at_once(lease, signal) if at_once else None
    found = returned or deliver(lease, signal)
    # A verdict comes before its revert, and what it saw may signal the same.
    is_first = not found.goes_back and (returned is not None or found.signal == signal)
    telling.doubted(lease, signal, service, is_first=is_first)


def _return_at_once(lease: Lease, signal: Signal) -> Lease | None:
    """Return the traffic of a release that waits in its rollout, or whose primary is replaced and
    takes it, and then end its wait; its lease as it was, None where it does not. Whatever stands in
    the way, its execution goes on with the revert."""
    waiting = mailbox.begin_way_back(lease, signal) or _begin_to_take_back(lease, signal)
    if waiting is None:
        return None
    try:
        release = ledger.release_of(waiting.holder)
        # Under a role it is its execution's, which may assume it.
        if release.access is None:
            revert.return_at_once(release, waiting, signal.at)
    except Exception:
        of_release = {"split": lease.split, "release": execution_name(lease.holder)}
        logger.exception("the return is left to the execution", extra=of_release)
    stepfunctions.end_wait(waiting.token, signal)
    return waiting


def _begin_to_take_back(lease: Lease, signal: Signal) -> Lease | None:
    """The lease as it was, of a release that waits while its primary is replaced and can take the
    traffic as it is; None where it cannot, or where that is for its execution to see."""
    try:
        now = leases.read(lease.split)
        if now.holder != lease.holder or not now.touched or now.stage == RETURNING:
            return None
        release = ledger.release_of(now.holder)
        # Under a role it is its execution's, which may assume it.
        if release.access or not world.takes_back(release, now, world.see(release).primary):
            return None
    except (AwsRefused, AwsUnavailable, DocumentUnreadable):
        logger.exception("the primary could not be looked at", extra={"split": lease.split})
        return None
    return mailbox.begin_way_back(now, signal, taken_back=now.stage)


def deliver(lease: Lease, signal: Signal, wait: int | None = None) -> Lease:
    """Keep the signal first, then end the wait, if there is one: it is obeyed at the next act. The
    lease with what is pending then.

    With `wait` only that wait is meant, and only the first who ends it.
    """
    if signal.kind not in DURABLE:
        _deliver_transient(lease, signal, wait)
        return lease
    if signal.kind == "pause" and not lease.has_accepted(signal):
        _require_pausable(lease)
    kept = mailbox.keep(lease, signal, wait)
    # What was obeyed is over: who tries again must not end the wait that came after.
    if kept.has_pending(signal) and kept.waits_for(signal.kind):
        stepfunctions.end_wait(kept.token, signal)
    return kept


def _require_pausable(lease: Lease) -> None:
    """Raises `SignalRefused` where a pause would undo what somebody has decided, or do nothing."""
    refused = None
    if lease.signal is not None and lease.signal.kind == "promote":
        refused = f"it was promoted ({lease.signal}); revert it instead"
    elif lease.waits_for("resume"):
        refused = "it waits for a person already"
    if refused:
        raise SignalRefused(f"pause: {lease.holder} has no use for it: {refused}")


def _deliver_transient(lease: Lease, signal: Signal, wait: int | None) -> None:
    """Raises `SignalRefused` unless something waits now that ends on it."""
    if lease.has_accepted(signal):
        if lease.transient_decision and lease.decided_key == signal.key:
            stepfunctions.end_wait(lease.token, signal)
        return
    refused = lease.why_refused(signal, None)
    if refused is None and wait not in (None, lease.wait):
        refused = WAIT_IS_OVER
    withdrawn = False
    if refused is None and signal.kind == "resume" and lease.pausing:
        # A resume also withdraws a pause that has not started.
        withdrawn = mailbox.forget_pause(lease) and not lease.waits_for("resume")
        refused = None if withdrawn or lease.waits_for("resume") else WAIT_IS_OVER
    elif refused is None and not lease.waits_for(signal.kind):
        refused = "it is not paused"
        if signal.kind == "skip":
            refused = "no bake of it is under way"
            if lease.waits_for("resume"):
                refused += ", it waits for a person; resume or promote it"
    if refused is None and lease.waits_for(signal.kind):
        ended = mailbox.claim_wait(lease, signal) and stepfunctions.end_wait(lease.token, signal)
        refused = None if ended else WAIT_IS_OVER
    if refused:
        raise SignalRefused(f"{signal.kind}: {lease.holder} has no use for it: {refused}")


def await_signal(wait: WaitInput) -> Signal | None:
    """Leave the token for signals to come; a signal that is there already ends the wait."""
    lease = mailbox.wait(
        wait.release, wait.fence, wait.token, wait.number, wait.ends_on, paused=wait.paused
    )
    if moments.is_resumed(moments.read(lease.moments)):
        telling.resumed(wait.release)
    pending = lease.signal
    if pending is None and lease.transient_decision:
        # It was about a token of this wait that nobody listens to any more.
        repeated = {"kind": lease.transient_decision, "reason": "repeated from an earlier token"}
        pending = Signal.model_validate(repeated)
    if pending is None and wait.paused:
        # Its pause was withdrawn after the bake had ended on it.
        pending = Signal(kind="resume", reason="the pause was withdrawn")
    if pending is None or pending.kind not in wait.ends_on:
        return None
    stepfunctions.end_wait(wait.token, pending)
    return pending
