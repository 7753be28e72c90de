"""Recovery: help from outside for a release whose execution ended without returning its traffic.

An execution that is stopped, that times out or that dies of States.Runtime runs no Catch. A rule
on its status and a schedule both call `sweep`; a new release of the split calls `recover`.
"""

from contextlib import suppress

from pydantic import ValidationError

from stepcanary import clock
from stepcanary.aws import eventbridge, stepfunctions
from stepcanary.contracts.answers import Sweep
from stepcanary.domain import events
from stepcanary.domain.deployment import Service
from stepcanary.domain.lease import Lease
from stepcanary.domain.outcome import Outcome
from stepcanary.domain.release import Release
from stepcanary.domain.signals import Signal
from stepcanary.domain.stage import OPENING, RETURNING, is_restoring
from stepcanary.errors import AwsRefused, LeaseLost, RequestRejected, SignalRefused
from stepcanary.observability import logger
from stepcanary.release import guards
from stepcanary.release.capacity import missing_capacity, service_of
from stepcanary.release.deploy import deploy_old
from stepcanary.release.promotion import hold_canary
from stepcanary.release.revert import scale_in
from stepcanary.release.routes import at_rest, force_all, moved_off, read_each
from stepcanary.release.signalling import deliver
from stepcanary.store import leases, ledger
from stepcanary.traffic.factory import router_for


def sweep() -> Sweep:
    """Bring home every release whose execution is dead, and look after the living.

    A split that nobody holds is only looked at: who moved it by hand may want it so.
    """
    recovered: list[str] = []
    stranded: list[str] = []
    for lease in sorted(leases.every(), key=lambda lease: not lease.holder):
        try:
            told = _look_at(lease, recovered)
        except LeaseLost:
            # It was closed or taken over while we looked.
            continue
        except Exception as error:
            # Whatever one lease's trouble is, the others are helped.
            logger.exception("no help for a lease", extra={"split": lease.split})
            told = f"{type(error).__name__}: {error}"
        if told:
            stranded.append(f"{lease.split}, {lease.holder or 'free'}: {told}")
    return Sweep(recovered=recovered, stranded=stranded)


def _look_at(lease: Lease, recovered: list[str]) -> str | None:
    if not lease.holder:
        return _moved_by_hand(lease)
    if not lease.recovering and stepfunctions.is_running(lease.holder):
        _look_after(lease)
        return None
    if recover(lease) is None:
        return _under_way(lease)
    recovered.append(lease.holder)
    return None


def _moved_by_hand(lease: Lease) -> str | None:
    try:
        release = lease.release
        # Another release may hold its other splits by now.
        traffic = [t for t in release.traffic if t.key(release.execution) == lease.split]
        found = [router_for(own).read().split for own in traffic]
        # Somebody may have shifted it by hand, as an action that is in the ledger.
        rested = all(s.at_rest or s == s.with_weight(lease.weight) for s in found)
    except (AwsRefused, RequestRejected, ValidationError):
        # The route is gone, is no split any more, or was written down in another shape once.
        return None
    told = "no release runs, and it is not as the last one left it: find out who moved it"
    return None if rested else told


def _look_after(lease: Lease) -> None:
    """The second line for a living release that waits, at a gate perhaps for a day.

    An alarm's event may have been lost, a signal kept but not handed over, the route written.
    """
    if not lease.token or lease.stage == RETURNING:
        return
    if not lease.reverting and (doubt := guards.doubt(lease.release, lease)):
        now = clock.epoch_seconds()
        signal = Signal(kind="revert", reason=doubt[:1_000], by="the sweep", at=now)
        with suppress(SignalRefused):
            deliver(lease, signal)
    elif lease.signal is not None and lease.waits_for(lease.signal.kind):
        stepfunctions.end_wait(lease.token, lease.signal)


def _under_way(lease: Lease) -> str | None:
    release = lease.release
    if lease.parked:
        return "its promotion failed; a person has to decide"
    if not at_rest(release):
        return "the canary serves until the primary is steady"
    if not _may_carry(release, service_of(release, "primary")):
        return "the split is at rest, and the primary is not steady"
    if lease.touched and not _runs_old(release) and (fired := guards.fired(release, lease)):
        return f"{fired} after the weights had returned; the primary gets its old version back"
    return None


def recover(lease: Lease) -> Outcome | None:
    """Do what can be done now; the outcome once the release is closed, None while more is to do.

    Raises what AWS raises, and `LeaseLost` when somebody else was faster.
    """
    release = lease.release
    if lease.stage == OPENING:
        # It changed nothing, so there is nothing to put right.
        if ledger.find(release) is not None:
            ledger.record(release, "Rejected", "Its execution ended before it had begun.")
        leases.free(lease)
        return "Rejected"
    if release.manual:
        # What it has written somebody wanted; the sweep tells if it is not all of it.
        leases.free(lease)
        return "Shifted"
    if lease.parked and not lease.reverting and not _mended(release):
        return None
    lease = leases.take_over(lease)
    if lease.touched and not _primary_is_ready(release, lease):
        return None
    if lease.stage < RETURNING:
        # Where the primary was not touched, the way back is what a pending revert asks for,
        # whatever somebody else has deployed there meanwhile.
        lease = leases.decide(lease, obey=lease.touched and not _runs_old(release))
    returned = force_all(release, 0)
    returned.require_all()
    now = clock.epoch_seconds()
    if lease.rested_at is None or returned.wrote:
        lease = leases.set_rested(lease, now)
    settled = now - (lease.rested_at or now) >= max(release.settle_seconds, release.drain_seconds)
    if not settled or _restores_in_place(release, lease):
        return None
    scale_in(release)
    return _close(release, lease)


def _primary_is_ready(release: Release, lease: Lease) -> bool:
    """Whether the primary, which was touched, may carry the traffic; else a step towards it.

    Steady on the new version will do, unless a revert was accepted, or the promotion had failed
    and nobody has returned the weights by hand since.
    """
    primary = service_of(release, "primary")
    ready = _may_carry(release, primary)
    if lease.stage == RETURNING:
        if not ready and _runs_old(release):
            # An old version that ECS gave up is tried again: nothing else will serve.
            deploy_old(release)
        return ready
    old_only = lease.reverting or (is_restoring(lease.stage) and not _returned_by_hand(release))
    old = primary.task_definition == release.primary.task_definition
    if ready and (old or not old_only):
        return True
    # The canary is the healthy copy while the primary goes back to its old version. Where it
    # cannot carry the traffic the old version is needed all the more.
    _, failures = hold_canary(release, lease)
    deploy_old(release)
    if failures:
        raise failures[0]
    return False


def _returned_by_hand(release: Release) -> bool:
    found, failures = read_each(release)
    return not failures and moved_off(release, found) is None


def _mended(release: Release) -> bool:
    """Whether a person has finished what a failed promotion left."""
    return at_rest(release) and _may_carry(release, service_of(release, "primary"))


def _may_carry(release: Release, primary: Service) -> bool:
    return primary.steady and missing_capacity(release, "primary", primary) is None


def _restores_in_place(release: Release, lease: Lease) -> bool:
    """Whether an alarm fired too late for the canary to take the traffic: both sides run the
    version in doubt, so the primary gets its old one as it serves."""
    if not lease.touched or _runs_old(release) or not guards.fired(release, lease):
        return False
    deploy_old(release)
    return True


def _runs_old(release: Release) -> bool:
    return service_of(release, "primary").task_definition == release.primary.task_definition


def _close(release: Release, lease: Lease) -> Outcome:
    outcome, version = _ended(release, lease)
    status = stepfunctions.status_of(lease.holder) or "and is gone"
    cause = (
        f"Help from outside closed this release: its execution ended {status}. All traffic is on"
        f" the primary, which serves {version}."
    )
    ledger.close(release, outcome, cause)
    leases.free(lease)
    eventbridge.publish(events.ended(release, outcome, cause))
    return outcome


def _ended(release: Release, lease: Lease) -> tuple[Outcome, str]:
    """The outcome, and what the primary serves."""
    serves = service_of(release, "primary").task_definition
    if serves == release.primary.task_definition:
        return "Reverted", "the old version"
    if not lease.touched:
        return "Reverted", f"{serves}, which somebody else has deployed"
    return "Released", "the new version"
