"""Recovery: help from outside for a release whose execution ended without returning its traffic.

An execution that is stopped, that times out or that dies of States.Runtime runs no Catch. A rule
on its status and a schedule both call `sweep`; a new release of the split calls `recover`.
"""

from dataclasses import dataclass

from canary import clock
from canary.aws import ecs, ledger, stepfunctions
from canary.aws import lease as leases
from canary.aws.lease import Lease
from canary.capacity import missing_capacity, service_of
from canary.deployment import Service
from canary.errors import AwsRefused, LeaseLost, ReleaseError, RequestRejected
from canary.release import Release
from canary.returning import scale_in
from canary.stage import OPENING, is_promotion
from canary.traffic import insist
from canary.traffic.routers import router_for


@dataclass(frozen=True, slots=True)
class Sweep:
    """`recovered` are execution ARNs; `stranded` says what keeps which split from its rest."""

    recovered: list[str]
    stranded: list[str]


def sweep() -> Sweep:
    """Bring home every release whose execution is dead. A failure of one does not stop the rest.

    A split that nobody holds is only looked at: who moved it by hand may want it so.
    """
    recovered, stranded = [], []
    for lease in leases.every():
        try:
            if not lease.holder:
                told = _moved_by_hand(lease)
            elif not lease.recovering and stepfunctions.is_running(lease.holder):
                continue
            elif recover(lease) is not None:
                recovered.append(lease.holder)
                continue
            else:
                told = _under_way(lease)
        except LeaseLost:
            # It was closed or taken over while we looked.
            continue
        except ReleaseError as error:
            told = f"{type(error).__name__}: {error}"
        if told:
            stranded.append(f"{lease.split}, {lease.holder or 'free'}: {told}")
    return Sweep(recovered, stranded)


def _moved_by_hand(lease: Lease) -> str | None:
    try:
        at_rest = _at_rest(lease.release)
    except (AwsRefused, RequestRejected):
        # The route is gone, or is no split any more: there is nothing to be brought back.
        return None
    return None if at_rest else "no release runs, and it is not at rest: find out who moved it"


def _under_way(lease: Lease) -> str | None:
    if _at_rest(lease.release):
        return None
    if lease.parked:
        return "its promotion failed and the canary serves; a person has to decide"
    return "the canary serves until the primary is steady"


def _at_rest(release: Release) -> bool:
    return router_for(release.traffic[0]).read().split.at_rest


def recover(lease: Lease, *, settled: bool = False) -> str | None:
    """Do what can be done now; the outcome once the release is closed, None while more is to do.

    `settled` closes it without waiting for the router's settle time. Raises what AWS raises.
    """
    release = lease.release
    if lease.stage == OPENING:
        # It changed nothing, so there is nothing to put right.
        leases.free(lease)
        return "Rejected"
    if lease.parked and not lease.reverting and not _mended(release):
        return None
    lease = leases.take_over(lease)
    if is_promotion(lease.stage) and not _may_carry(release, service_of(release, "primary")):
        # The canary is the healthy copy while the primary goes back to its old version.
        primary = service_of(release, "primary")
        ecs.deploy(release.cluster, primary, release.primary.task_definition, None)
        return None
    moved = insist(router_for(release.traffic[0]), 0)
    now = clock.epoch_seconds()
    if lease.rested_at is None or moved.found != moved.now:
        lease = leases.set_rested(lease, now)
    if not settled and now - (lease.rested_at or now) < release.settle_seconds:
        return None
    scale_in(release)
    return _close(release, lease)


def _mended(release: Release) -> bool:
    """Whether a person has finished what a failed promotion left."""
    return _at_rest(release) and _may_carry(release, service_of(release, "primary"))


def _may_carry(release: Release, primary: Service) -> bool:
    return primary.steady and missing_capacity(release, "primary", primary) is None


def _close(release: Release, lease: Lease) -> str:
    old = service_of(release, "primary").task_definition == release.primary.task_definition
    outcome, version = ("Reverted", "old") if old else ("Released", "new")
    status = stepfunctions.status_of(lease.holder) or "and is gone"
    ledger.record(
        release,
        outcome,
        f"The execution ended {status} without returning its traffic; help from outside did, and"
        f" the primary serves the {version} version.",
    )
    leases.free(lease)
    return outcome
