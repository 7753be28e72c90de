"""Opening: take the split for a release, and look at the world again now that it is ours."""

from canary import recovery
from canary.aws import lease as leases
from canary.aws import ledger, stepfunctions
from canary.aws.lease import Lease
from canary.errors import AwsUnavailable, LeaseHeld, ReleaseError, RequestRejected
from canary.plan import plan_release
from canary.release import Release
from canary.stage import OPENING, ROLLOUT
from canary.traffic.routers import router_for


def open_release(release: Release, request: object) -> Lease:
    """Raises `LeaseHeld` while another release has the split, `RequestRejected` when the world
    has changed since the plan. What a revert needs is in the ledger afterwards.
    """
    if ledger.outcome_of(release) not in (None, ledger.RUNNING):
        raise RequestRejected("this execution's release is closed already; start a new execution")
    lease = leases.take(release, _free_of_the_dead(release))
    if lease.stage > OPENING:
        return lease
    try:
        _check_again(release, request)
    except RequestRejected:
        leases.free(lease)
        raise
    leases.confirm(lease, 0, router_for(release.traffic[0]).read().version)
    leases.enter(release, lease.fence, ROLLOUT)
    ledger.record(release, ledger.RUNNING, "")
    return lease


def _free_of_the_dead(release: Release) -> Lease:
    """The lease as it stands, after what a dead execution left behind was put right."""
    seen = leases.read(release.split)
    if not seen.holder or seen.holder == release.execution:
        return seen
    if not seen.recovering and stepfunctions.is_running(seen.holder):
        raise LeaseHeld(
            f"traffic: execution {seen.holder} is releasing on the same split; wait for it to"
            " end, or revert it"
        )
    _put_right(seen)
    return leases.read(release.split)


def _put_right(seen: Lease) -> None:
    told = f"traffic: execution {seen.holder} ended and left the split to be put right"
    try:
        outcome = recovery.recover(seen, settled=True)
    except AwsUnavailable:
        raise
    except ReleaseError as error:
        raise LeaseHeld(f"{told}, which fails: {error}. See docs/runbook.md") from error
    if outcome is None:
        raise LeaseHeld(f"{told}, which takes some minutes more. See docs/runbook.md if it lasts")


def _check_again(release: Release, request: object) -> None:
    """Another release may have come and gone between the plan and the lease."""
    planned = plan_release(release.execution, request)
    if planned != release:
        raise RequestRejected(
            "the services or the profile changed while the release was being opened; start again"
        )
