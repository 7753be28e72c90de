"""Sweep: the look from outside at every release that holds a split, and at a few splits at rest.

It is the second line behind the state machine. The rule on dead executions calls it at once, the
schedule each minute.
"""

from contextlib import suppress

from stepcanary import clock
from stepcanary.aws import stepfunctions
from stepcanary.contracts.answers import Sweep
from stepcanary.domain.lease import Lease
from stepcanary.domain.signals import Signal
from stepcanary.domain.stage import RETURNING
from stepcanary.errors import AwsRefused, AwsUnavailable, LeaseLost, RequestRejected, SignalRefused
from stepcanary.observability import logger
from stepcanary.release import guards, recovery
from stepcanary.release.signalling import deliver
from stepcanary.store import leases, rest
from stepcanary.store.rest import Resting
from stepcanary.traffic.factory import router_for


def sweep() -> Sweep:
    """Bring home every release whose execution is dead, and look after the living.

    A split that nobody holds is only looked at: who moved it by hand may want it so.
    """
    recovered: list[str] = []
    stranded: list[str] = []
    for lease in leases.held():
        try:
            reason = _look_at(lease, recovered)
        except LeaseLost:
            # It was closed or taken over while we looked.
            continue
        except Exception as error:
            # Whatever one lease's trouble is, the others are helped.
            logger.exception("no help for a lease", extra={"split": lease.split})
            reason = f"{type(error).__name__}: {error}"
        if reason:
            stranded.append(f"{lease.split}, {lease.holder}: {reason}")
    try:
        stranded += look_at_rest()
    except Exception as error:
        # What is known of the releases is reported all the same.
        logger.exception("no look at the splits at rest")
        stranded.append(f"the splits at rest could not be looked at: {error}")
    return Sweep(recovered=recovered, stranded=stranded)


def _look_at(lease: Lease, recovered: list[str]) -> str | None:
    if not lease.recovering and stepfunctions.is_running(lease.holder):
        _look_after(lease)
        return None
    release = leases.release_of(lease)
    if recovery.recover(lease, release) is None:
        return recovery.under_way(lease, release)
    recovered.append(lease.holder)
    return None


def _look_after(lease: Lease) -> None:
    """The second line for a living release that waits, at a gate perhaps for a day.

    An alarm's event may have been lost, a signal kept but not handed over, the route written.
    """
    if not lease.token or lease.stage == RETURNING:
        return
    if not lease.reverting and (doubt := guards.doubt(leases.release_of(lease), lease)):
        now = clock.epoch_seconds()
        signal = Signal(kind="revert", reason=doubt[:1_000], by="the sweep", at=now)
        with suppress(SignalRefused):
            deliver(lease, signal)
    elif lease.signal is not None and lease.waits_for(lease.signal.kind):
        stepfunctions.end_wait(lease.token, lease.signal)


def look_at_rest() -> list[str]:
    """Which splits somebody has moved since their last release, of a bounded number of looks."""
    looks = rest.next_looks()
    moved = list(looks.moved_before)
    for resting in looks.looks:
        try:
            is_moved = _is_moved(resting)
        except AwsUnavailable:
            # Not seen is what it was at the last look; its turn comes again.
            moved += [resting.split] if resting.moved else []
            continue
        except (AwsRefused, RequestRejected):
            # No route of ours any more; the next release of it will say so.
            continue
        if is_moved:
            rest.set_moved(resting)
            moved.append(resting.split)
        else:
            rest.set_rested(resting)
    rest.have_looked(looks)
    return [
        f"{split}, free: no release is running, but the split differs from what the last release"
        " left; find out who changed it"
        for split in moved
    ]


def _is_moved(resting: Resting) -> bool:
    lease = leases.read(resting.split)
    if lease.holder:
        return False
    router = router_for(resting.traffic)
    try:
        split = router.read().split
    except AwsRefused as refused:
        if refused.code in router.missing:
            rest.forget(resting)
        raise
    # Somebody may have shifted it by hand, as an action that is in the ledger.
    return not (split.at_rest or split == split.with_weight(lease.left_at))
