"""Recovery: help from outside for a release whose execution ended without returning its traffic.

An execution that is stopped, that times out or that dies of States.Runtime runs no Catch. The sweep
calls `recover`, and so does a new release of the split.
"""

from typing import Literal

from stepcanary import clock
from stepcanary.aws import eventbridge, stepfunctions
from stepcanary.domain import events
from stepcanary.domain.deployment import Service
from stepcanary.domain.lease import Lease
from stepcanary.domain.outcome import Outcome
from stepcanary.domain.release import Release
from stepcanary.domain.stage import OPENING, RETURNING
from stepcanary.release import guards, routes
from stepcanary.release.capacity import missing_capacity, service_of
from stepcanary.release.deploy import deploy_old, runs_version
from stepcanary.release.promotion import hold_canary
from stepcanary.release.revert import scale_in
from stepcanary.release.routes import at_rest, force_all, moved_off, read_each
from stepcanary.store import leases, ledger, stages


def under_way(lease: Lease, release: Release) -> str | None:
    """What keeps the split from its rest, for a person; None when nothing does."""
    if lease.parked:
        return "its promotion failed; a person has to decide"
    if not at_rest(release):
        return "the canary serves until the primary is steady"
    if not _may_carry(release, service_of(release, "primary")):
        return "the split is at rest, and the primary is not steady"
    fired = guards.fired(release, lease) if lease.touched else None
    if fired and runs_version(release, service_of(release, "primary")):
        return f"{fired} after the weights had returned; the primary gets its old version back"
    return None


def recover(lease: Lease, release: Release) -> Outcome | None:
    """Do what can be done now; the outcome once the release is closed, None while more is to do.

    Raises what AWS raises, and `LeaseLost` when somebody else was faster.
    """
    if lease.stage == OPENING:
        # It changed nothing, so there is nothing to put right.
        if ledger.find(release) is not None:
            ledger.record(release, "Rejected", "The execution ended before it changed anything.")
        leases.free(lease, release)
        return "Rejected"
    if release.manual:
        # What it has written somebody wanted; the sweep tells if it is not all of it.
        leases.free(lease, release)
        return "Shifted"
    if lease.parked and not lease.reverting and not _mended(release):
        return None
    lease = leases.take_over(lease)
    if lease.touched and not _primary_is_ready(release, lease):
        return None
    if lease.stage < RETURNING:
        # Where the primary was not touched, the way back is what a pending revert asks for,
        # whatever somebody else has deployed there meanwhile.
        lease = stages.decide_return(
            lease, unless_reverting=lease.touched and not _runs_old(release)
        )
    returned = force_all(release, 0)
    returned.require_all()
    lease = routes.confirm(lease, 0, returned.now)
    now = clock.epoch_seconds()
    if lease.rested_at is None or returned.wrote:
        lease = stages.set_rested(lease, now)
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
    old_only = lease.reverting or (
        lease.stage.phase == "restoring" and not _returned_by_hand(release)
    )
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
    if not lease.touched or not guards.fired(release, lease):
        return False
    if not runs_version(release, service_of(release, "primary")):
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
    if lease.signal is not None:
        ledger.note_signal(lease.holder, lease.signal)
    ledger.close(release, outcome, cause)
    if leases.free(lease, release):
        eventbridge.publish(events.ended(release, outcome, cause))
    return outcome


def _ended(release: Release, lease: Lease) -> tuple[Literal["Reverted", "Released"], str]:
    """The outcome, and what the primary serves."""
    primary = service_of(release, "primary")
    if primary.task_definition == release.primary.task_definition:
        return "Reverted", "the old version"
    if lease.touched and runs_version(release, primary):
        return "Released", "the new version"
    return "Reverted", f"{primary.task_definition}, which somebody else has deployed"
