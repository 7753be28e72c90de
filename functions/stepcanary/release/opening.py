"""Opening: take the split for a release, and look at the world again now that it is ours."""

from contextlib import suppress

from stepcanary.access import entered
from stepcanary.domain.content import with_tags
from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.domain.stage import OPENING
from stepcanary.errors import (
    AwsUnavailable,
    LeaseHeld,
    LeaseLost,
    ReleaseError,
    RequestRejected,
    SplitTaken,
    SplitUnsettled,
    StageOver,
)
from stepcanary.release import concurrency, recovery, routes, starting
from stepcanary.release.holder import is_alive
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
    starting.begin(release.execution, release.service)
    _free_of_the_dead(release)
    lease = leases.take(release)
    if lease.stage == OPENING:
        concurrency.overtake(release)
        _open(release, lease, request)
    if found is None:
        # After the lease has gone on: a release that is refused here has no record.
        ledger.record(release, ledger.RUNNING, "")
    return lease


def _open(release: Release, lease: Lease, request: object) -> None:
    try:
        _check_again(release, request)
    except RequestRejected:
        # Only as long as it is being opened: a second delivery may have gone on with it.
        leases.free(lease, release)
        raise
    with suppress(StageOver):
        stages.open_at_rest(lease, routes.versions_of(routes.read(release)))


def _free_of_the_dead(release: Release) -> None:
    """Put right what a dead execution left behind on any of the splits, or of the ECS services."""
    for split in (*release.splits, *leases.claimed(release)):
        seen = leases.read(split)
        if not seen.holder or seen.holder == release.execution:
            continue
        if not seen.recovering and is_alive(seen):
            if split not in release.splits:
                # The lease says so in its own words.
                continue
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
        release = leases.release_of(seen)
        with entered(release.access):
            outcome = recovery.recover(seen, release)
    except AwsUnavailable:
        raise
    except LeaseLost as lost:
        # The sweep is at work on it at this very moment.
        raise SplitUnsettled(ended) from lost
    except ReleaseError as error:
        raise LeaseHeld(f"{ended}, which failed: {error}. See docs/runbook.md") from error
    if outcome is None and seen.parked:
        raise LeaseHeld(f"{ended}: its promotion failed; send revert")
    if outcome is None:
        raise SplitUnsettled(f"{ended}; try again in a minute, or see docs/runbook.md")


def _check_again(release: Release, request: object) -> None:
    """Another release may have come and gone between the plan and the lease."""
    planned = plan_release(
        release.execution,
        *resolve(request),
        release.may_be_lost,
        last_try=False,
        estimates=release.judge,
    )
    # Autoscaling may have been at it: the canary follows a primary that grows, and one that was
    # larger a moment ago gets those tasks again.
    tasks = {"primary_tasks": release.primary_tasks, "canary_tasks": release.canary_tasks}
    planned = planned.model_copy(update=tasks)
    if with_tags(planned.primary.content, release.primary.content) == release.primary.content:
        # A dead release that was put right just now has told what its bytes were called.
        primary = planned.primary.model_copy(update={"content": release.primary.content})
        planned = planned.model_copy(update={"primary": primary})
    if planned != release:
        raise RequestRejected(
            "the services, the alarms or the profile changed while the release was being opened;"
            " start again"
        )
