"""Concurrency: what a release does while another has its split, as its profile says."""

from collections.abc import Collection
from contextlib import suppress

from stepcanary import clock
from stepcanary.aws import stepfunctions
from stepcanary.domain.profile import Profile
from stepcanary.domain.release import Release
from stepcanary.domain.request import Request
from stepcanary.domain.signals import Signal
from stepcanary.errors import RequestRejected, SignalRefused, SplitTaken
from stepcanary.release.plan import check_possible, plan_release, resolve
from stepcanary.release.signalling import deliver
from stepcanary.store import leases, queue

LONGEST_WAIT_SECONDS = 4 * 3_600
"""The rest of an execution's week is for the release itself."""


def plan_in_turn(
    execution: str, document: object, *, waited: bool, may_be_lost: Collection[str] = ()
) -> Release | None:
    """The release, or None while it has to wait for another. `may_be_lost` has unknown members.

    Raises `RequestRejected` where it may not wait, was overtaken or has waited too long.
    """
    request, profile = resolve(document)
    split = min(traffic.key(execution) for traffic in profile.traffic)
    try:
        return _plan_or_wait(
            execution, split, request, profile, waited=waited, may_be_lost=may_be_lost
        )
    except RequestRejected:
        if waited:
            queue.leave(split, request.service, execution)
        raise


def _plan_or_wait(
    execution: str,
    split: str,
    request: Request,
    profile: Profile,
    *,
    waited: bool,
    may_be_lost: Collection[str],
) -> Release | None:
    if waited:
        _require_place(split, execution)
    try:
        return plan_release(execution, request, profile, may_be_lost)
    except SplitTaken as busy:
        if profile.concurrency == "reject" or request.action == "rollback":
            raise
        check_possible(request, profile, may_be_lost)
        if not waited:
            _take_place(split, request.service, execution, busy)
        if profile.concurrency == "supersede":
            _supersede(busy, execution)
        return None


def _take_place(split: str, service: str, execution: str, busy: SplitTaken) -> None:
    """Whoever was started later waits, in the place of whoever was earlier."""
    started_at = stepfunctions.running_since(execution)
    if started_at is None:
        # A second delivery of what has come to its end.
        raise busy
    if not queue.enqueue(split, service, execution, started_at):
        raise RequestRejected("traffic: a newer release is already waiting for this split")


def _require_place(split: str, execution: str) -> None:
    """Only the newest queued release may proceed, even if the split is free by now."""
    place = queue.queued(split)
    if place is None or place.execution != execution:
        newer = place.execution if place else "a newer release"
        raise RequestRejected(f"traffic: {newer} is newer and takes this place in the queue")
    if clock.epoch_seconds() - place.since > LONGEST_WAIT_SECONDS:
        raise RequestRejected(
            f"traffic: the split was not free for {LONGEST_WAIT_SECONDS} s; start again"
        )


def _supersede(busy: SplitTaken, execution: str) -> None:
    signal = Signal(
        kind="revert",
        reason="a newer release takes its place",
        by=f"execution {execution}",
        at=clock.epoch_seconds(),
    )
    lease = leases.read(busy.split)
    if lease.holder == busy.holder and not lease.reverting:
        # Its traffic may be returning already, which is all that is wanted.
        with suppress(SignalRefused):
            deliver(lease, signal)
