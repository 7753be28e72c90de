"""Opening: take the split for a release, and look at the world again now that it is ours."""

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
from stepcanary.store import leases, ledger, stages


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
        _check_again(release, request)
    except RequestRejected:
        # Only as long as it is being opened: a second delivery may have gone on with it.
        leases.free(lease, release)
        raise
    routes.confirm(lease, 0, routes.read(release))
    ledger.record(release, ledger.RUNNING, "")
    stages.enter(release, lease.fence, ROLLOUT)
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
    ended = f"traffic: execution {seen.holder} ended, and Reconcile is returning its traffic"
    try:
        outcome = recovery.recover(seen, leases.release_of(seen))
    except AwsUnavailable:
        raise
    except LeaseLost as lost:
        # The sweep is at work on it at this very moment.
        raise SplitUnsettled(ended) from lost
    except ReleaseError as error:
        raise LeaseHeld(f"{ended}, which failed: {error}. See docs/runbook.md") from error
    if outcome is None and seen.parked:
        raise LeaseHeld(f"{ended}: its promotion failed; send promote or revert")
    if outcome is None:
        raise SplitUnsettled(f"{ended}; try again in a minute, or see docs/runbook.md")


def _check_again(release: Release, request: object) -> None:
    """Another release may have come and gone between the plan and the lease."""
    planned = plan_release(release.execution, *resolve(request))
    if planned != release:
        raise RequestRejected(
            "the services or the profile changed while the release was being opened; start again"
        )
