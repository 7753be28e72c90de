"""Opening: take the split for a release, and look at the world again now that it is ours."""

from pydantic import ValidationError

from stepcanary.aws import stepfunctions
from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.domain.stage import OPENING, ROLLOUT
from stepcanary.errors import (
    AwsUnavailable,
    LeaseHeld,
    LeaseLost,
    ReleaseError,
    RequestRejected,
    SplitTaken,
    SplitUnsettled,
)
from stepcanary.release import recovery, routes
from stepcanary.release.plan import plan_release, resolve
from stepcanary.store import leases, ledger


def open_release(release: Release, request: object) -> Lease:
    """Raises `SplitTaken` while another release has the split, `LeaseHeld` while one has the ECS
    services, `SplitUnsettled` while a dead one's split is put right, `RequestRejected` when the
    world has changed since the plan. What a revert needs is in the ledger afterwards.
    """
    found = ledger.find(release)
    if found is not None and found.outcome != ledger.RUNNING:
        raise RequestRejected("this execution's release is closed already; start a new execution")
    _free_of_the_dead(release)
    lease = leases.take(release)
    if lease.stage > OPENING:
        return lease
    try:
        require_alone(release)
        _check_again(release, request)
    except RequestRejected:
        # Only as long as it is being opened: a second delivery may have gone on with it.
        leases.free(lease)
        raise
    routes.confirm(lease, 0, routes.read(release))
    ledger.record(release, ledger.RUNNING, "")
    leases.enter(release, lease.fence, ROLLOUT)
    return lease


def _free_of_the_dead(release: Release) -> None:
    """Put right what a dead execution left behind on any of the splits."""
    for split in release.splits:
        seen = leases.read(split)
        if not seen.holder or seen.holder == release.execution:
            continue
        if not seen.recovering and stepfunctions.is_running(seen.holder):
            raise SplitTaken(
                f"traffic: execution {seen.holder} is releasing on the same split; wait for it to"
                " end, or revert it",
                seen.holder,
                split,
            )
        _put_right(seen)


def _put_right(seen: Lease) -> None:
    told = f"traffic: execution {seen.holder} ended and left the split to be put right"
    try:
        outcome = recovery.recover(seen)
    except AwsUnavailable:
        raise
    except LeaseLost as lost:
        # The sweep is at work on it at this very moment.
        raise SplitUnsettled(told) from lost
    except ReleaseError as error:
        raise LeaseHeld(f"{told}, which fails: {error}. See docs/runbook.md") from error
    if outcome is None and seen.parked:
        raise LeaseHeld(f"{told}: its promotion failed, and a person has to decide")
    if outcome is None:
        raise SplitUnsettled(f"{told}, which takes longer than usual. See docs/runbook.md")


def require_alone(release: Release) -> None:
    """Two profiles may name two splits in front of the same ECS services."""
    ours = {release.primary.service, release.canary.service}
    for other in leases.every():
        if not other.holder or other.holder == release.execution:
            continue
        try:
            theirs = other.release
        except ValidationError:
            # Written by another version of this stack; the sweep tells of it.
            continue
        if _name(theirs.cluster) == _name(release.cluster) and ours & {
            theirs.primary.service,
            theirs.canary.service,
        }:
            raise LeaseHeld(
                f"primary, canary: execution {other.holder} is releasing the same ECS services on"
                " another split; wait for it to end, or revert it"
            )


def _name(cluster: str) -> str:
    """One cluster may be given by name and by ARN."""
    return cluster.rpartition("/")[2]


def _check_again(release: Release, request: object) -> None:
    """Another release may have come and gone between the plan and the lease."""
    planned = plan_release(release.execution, *resolve(request))
    if planned != release:
        raise RequestRejected(
            "the services or the profile changed while the release was being opened; start again"
        )
