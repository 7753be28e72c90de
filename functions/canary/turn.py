"""Turn: what a release does while another has its split, as its profile's `concurrency` says."""

from contextlib import suppress

from canary import clock, profiles
from canary.aws import lease as leases
from canary.errors import RequestRejected, SignalRefused, SplitBusy
from canary.plan import plan_release, request_of
from canary.release import Release
from canary.signals import Signal
from canary.telling import tell

LONGEST_WAIT_SECONDS = 4 * 3_600
"""The rest of an execution's week is for the release itself."""


def plan_in_turn(execution: str, document: object, *, waited: bool) -> Release | None:
    """The release, or None while it has to wait for another.

    Raises `RequestRejected` where it may not wait, was overtaken or has waited too long.
    """
    try:
        return plan_release(execution, document)
    except SplitBusy as busy:
        request = request_of(document)
        profile = profiles.of_service(request.service, request.profile)
        if profile.concurrency == "reject":
            raise
        split = min(traffic.key(execution) for traffic in profile.traffic)
        _keep_place(split, execution, waited=waited)
        if profile.concurrency == "supersede":
            _supersede(busy.holder, split, execution)
        return None


def _keep_place(split: str, execution: str, *, waited: bool) -> None:
    """Only the newest waits: whoever comes takes the place, and whoever lost it is told."""
    now = clock.epoch_seconds()
    if not waited:
        leases.queue(split, execution, now)
        return
    place = leases.queued(split)
    if place is None or place.execution != execution:
        newer = place.execution if place else "a newer release"
        raise RequestRejected(f"traffic: {newer} was started later and goes first")
    if now - place.at > LONGEST_WAIT_SECONDS:
        raise RequestRejected(
            f"traffic: the split was not free for {LONGEST_WAIT_SECONDS} s; start again"
        )


def _supersede(holder: str, split: str, execution: str) -> None:
    signal = Signal(
        kind="revert",
        reason="a newer release takes its place",
        by=f"execution {execution}",
        at=clock.epoch_seconds(),
    )
    lease = leases.read(split)
    if lease.holder == holder and not lease.reverting:
        # Its traffic may be returning already, which is all that is wanted.
        with suppress(SignalRefused):
            tell(lease, signal)
