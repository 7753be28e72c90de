"""Recovery: help from outside for a release whose execution ended without returning its traffic.

An execution that is stopped, that times out or that dies of States.Runtime runs no Catch. The sweep
calls `recover`, and so does a new release of the split.
"""

from dataclasses import replace
from typing import Literal

from stepcanary import clock
from stepcanary.aws import cloudwatch, ecs, stepfunctions
from stepcanary.domain.capacity import can_take_over
from stepcanary.domain.deployment import Service
from stepcanary.domain.lease import Lease
from stepcanary.domain.outcome import Outcome
from stepcanary.domain.release import Release
from stepcanary.domain.revisions import foreign_revision, is_old, short_name
from stepcanary.domain.stage import OPENING, RETURNING
from stepcanary.errors import AwsRefused, AwsUnavailable, NotEnoughCapacity
from stepcanary.release import comparing, floors, guards, routes, running, telling, world
from stepcanary.release.closing import clear_up, foreign_on
from stepcanary.release.deploy import deploy_old, runs_new
from stepcanary.release.promotion import has_settled, hold_traffic
from stepcanary.release.resting import retire
from stepcanary.release.revert import lend
from stepcanary.release.routes import at_rest, force_all, moved_off, read_each
from stepcanary.release.world import Sides
from stepcanary.store import leases, ledger, stages


def under_way(lease: Lease, release: Release) -> str | None:
    """What keeps the split from its rest, for a person; None when nothing does."""
    if lease.parked:
        return "its promotion failed; a person has to decide"
    primary = world.see(release).primary
    foreign = foreign_revision(release, lease, "primary", primary)
    also = f"; {foreign}" if foreign else ""
    if not at_rest(release):
        return f"the canary serves until the primary is steady{also}"
    if short := world.keeps_up(release, primary):
        return f"the split is at rest, and the primary is not steady: {short}{also}"
    doubt = _doubt(release, lease)
    if doubt and runs_new(release, lease, primary):
        return f"{doubt} after the weights had returned; the primary gets its old version back"
    return None


def _doubt(release: Release, lease: Lease) -> str | None:
    """Why the primary should not keep the version that the release has brought it."""
    if not lease.touched:
        return None
    return guards.fired(release, lease) or comparing.doubted_by_log(release)


def recover(lease: Lease, release: Release) -> Outcome | None:
    """Do what can be done now; the outcome once the release is closed, None while more is to do.

    Raises what AWS raises, and `LeaseLost` when somebody else was faster.
    """
    if (over := _without_a_way_back(lease, release)) is not None:
        return over
    sides = world.see(release)
    if lease.parked and not lease.reverting and not _may_leave_its_place(release, lease, sides):
        return None
    lease = leases.take_over(lease)
    if lease.stage < RETURNING:
        world.look_at_canary(release, lease, sides)
        lease = leases.read(lease.split)
    helpless = world.helpless(release, sides, lent=lease.lent)
    if helpless and (lease.stage == RETURNING or not lease.touched):
        lend(release, lease)
    if lease.touched and not _primary_is_ready(release, lease, sides, helpless=bool(helpless)):
        return None
    if helpless:
        return None
    if lease.stage < RETURNING:
        # Where the primary was not touched, the way back is what a pending revert asks for,
        # whatever somebody else has deployed there meanwhile.
        new = runs_new(release, lease, sides.primary)
        lease = stages.decide_return(lease, unless_reverting=new)
    returned = force_all(release, 0)
    lease = routes.note_losses(lease, returned.losses(release))
    returned.require_all()
    before, lease = lease, routes.confirm(lease, 0, returned.now)
    telling.returned(release, before)
    lease = floors.try_to_keep_count(release, lease, sides.primary)
    now = clock.epoch_seconds()
    if lease.rested_at is None or returned.wrote:
        lease = stages.set_rested(lease, now)
    settled = now - (lease.rested_at or now) >= release.settle_seconds
    if not settled or _restores_in_place(release, lease, sides):
        return None
    _retire_or_leave_it(release, lease)
    return _close(release, lease)


def _without_a_way_back(lease: Lease, release: Release) -> Literal["Rejected", "Shifted"] | None:
    """The outcome of what needs no help; None where it does."""
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
    return None


def _retire_or_leave_it(release: Release, lease: Lease) -> None:
    """Traffic is safe: a canary that cannot be scaled in now is seen to later, as every one is."""
    # A next release need not wait for requests that go on: it takes over what is kept for them.
    drain = release.drain_seconds if lease.content else 0
    try:
        retire(release, lease, drained_at=(lease.rested_at or 0) + drain)
    except (AwsRefused, AwsUnavailable, NotEnoughCapacity):
        return


def _primary_is_ready(release: Release, lease: Lease, sides: Sides, *, helpless: bool) -> bool:
    """Whether the primary, which was touched, may carry the traffic; else a step towards it.

    Steady on the new version will do, unless a revert was accepted, or the promotion had failed
    and nobody has returned the weights by hand since. So will what somebody else has deployed.
    """
    primary = sides.primary
    old = is_old(release, lease, primary.task_definition)
    if lease.taken_back or (not helpless and _is_to_take_back(release, lease, primary)):
        return _is_taken_back(release, lease, primary, helpless=helpless)
    if lease.stage == RETURNING:
        ready = _may_return(release, lease, sides)
        if not ready and old:
            # An old version that ECS gave up is tried again: nothing else will serve.
            deploy_old(release, lease, primary)
        elif not ready and primary.desired < release.primary_tasks:
            ecs.scale(release.cluster, primary, release.primary_tasks)
        return ready
    ready = world.may_carry_all(release, primary)
    foreign = foreign_revision(release, lease, "primary", primary) is not None
    unwatched = ready and not (old or foreign) and _is_unwatched(release)
    back = lease.stage.phase == "restoring" or unwatched
    old_only = lease.reverting or (back and not _returned_by_hand(release))
    # Until the old version was asked for, a read that shows it may be older than the new one.
    unsure = old and not lease.restored
    if ready and not unsure and (old or foreign or not old_only):
        return True
    # The canary is the healthy copy while the primary goes back to its old version. Where it
    # cannot carry the traffic the old version is needed all the more.
    held = hold_traffic(release, lease, sides)
    if has_settled(release, leases.read(lease.split)):
        deploy_old(release, lease, primary)
    if held.failures:
        raise held.failures[0]
    return False


def _is_to_take_back(release: Release, lease: Lease, primary: Service) -> bool:
    under_way = lease.reverting and lease.stage < RETURNING
    return under_way and world.takes_back(release, lease, primary)


def _is_taken_back(release: Release, lease: Lease, primary: Service, *, helpless: bool) -> bool:
    """Whether the primary runs its old version again. Until then it has the traffic all the same,
    unless it serves nothing."""
    before = stages.take_back(lease, lease.stage)
    if helpless:
        deploy_old(release, before, primary)
        return False
    returned = force_all(release, 0, unsure=before.stage < RETURNING)
    lease = routes.note_losses(before, returned.losses(release))
    if not returned.failures:
        lease = routes.confirm(lease, 0, returned.now)
    deploy_old(release, lease, primary)
    returned.require_all()
    # Until it was asked for, a read that shows it may be older than the new one.
    is_asked_for = before.restored and is_old(release, before, primary.task_definition)
    foreign = foreign_revision(release, lease, "primary", primary) is not None
    return (is_asked_for or foreign) and world.keeps_up(release, primary) is None


def _is_unwatched(release: Release) -> bool:
    """Whether an alarm is gone, so that nothing judges the new version that would be returned to.

    One that has fired is heard as a signal, and one that is blind nobody is there to wait for.
    """
    described = cloudwatch.describe(release.alarms)
    return any(name not in described for name in release.alarms)


def _may_return(release: Release, lease: Lease, sides: Sides) -> bool:
    """Whether the primary keeps up with the traffic that it has already, or may have what the
    canary cannot carry."""
    if lease.weight == 0:
        return world.keeps_up(release, sides.primary) is None
    if world.may_carry_all(release, sides.primary):
        return True
    canary = world.measure(release, "canary", sides.canary, 100)
    primary = world.measure(release, "primary", sides.primary, 100, targets=True)
    return canary.shortage(100) is not None and can_take_over(primary, canary)


def _returned_by_hand(release: Release) -> bool:
    found, failures = read_each(release)
    return not failures and moved_off(release, found) is None


def _may_leave_its_place(release: Release, lease: Lease, sides: Sides) -> bool:
    """Whether a release that waits for a person after a failed promotion waits no more: somebody
    has finished it, or the canary that serves meanwhile is lost."""
    if at_rest(release) and world.keeps_up(release, sides.primary) is None:
        return True
    now, grace = clock.epoch_seconds(), release.capacity_grace_seconds
    canary = world.measure(release, "canary", sides.canary, 100)
    standing = canary.stands(100, lease.short_since, now, grace)
    if standing == "short" and lease.short_since is None:
        stages.note_shortage(lease, now)
    elif standing == "enough" and lease.short_since is not None:
        stages.note_shortage(lease, None)
    if standing != "lost":
        return False
    primary = world.measure(release, "primary", sides.primary, 100, targets=True)
    return can_take_over(primary, canary)


def _restores_in_place(release: Release, lease: Lease, sides: Sides) -> bool:
    """Whether the doubt came too late for the canary to take the traffic: both sides run the
    version in doubt, so the primary gets its old one as it serves."""
    doubt = _doubt(release, lease)
    if doubt is None or not runs_new(release, lease, sides.primary):
        return False
    if not lease.restored:
        lease = stages.note_failed_promotion(lease, doubt)
        if not lease.reverting:
            # Nobody has signalled it: the execution was over.
            telling.is_doubted(release.service)
    deploy_old(release, lease, sides.primary)
    return True


def _close(release: Release, lease: Lease) -> Outcome:
    sides = world.see(release)
    outcome, version = _ended(release, lease, sides)
    canary = replace(foreign_on(release, lease, sides), primary=None).notes
    status = stepfunctions.status_of(lease.holder) or "and is gone"
    asked = f"It had accepted: {lease.signal}" if lease.signal else ""
    also = "".join(f" {each}." for each in (asked, *canary, lease.losses) if each)
    cause = (
        f"Help from outside closed this release: its execution ended {status}. All traffic is on"
        f" the primary, which serves {version}.{also}"
    )
    if lease.signal is not None:
        ledger.note_signal(lease.holder, lease.signal)
    ledger.close(release, outcome, cause, running.shipped(release, lease), lease.moments)
    if clear_up(release, lease):
        telling.ended(release, outcome, cause)
    return outcome


def _ended(
    release: Release, lease: Lease, sides: Sides
) -> tuple[Literal["Reverted", "Released"], str]:
    """The outcome, and what the primary serves."""
    primary = sides.primary
    if lease.touched and runs_new(release, lease, primary):
        # Asked first: a release may bring the revision that ran already.
        return "Released", release.described if release.fled else "the new version"
    if is_old(release, lease, primary.task_definition):
        back = release.fled
        return "Reverted", f"{back.version}: it was not rolled back" if back else "the old version"
    return "Reverted", f"{short_name(primary.task_definition)}: somebody else deployed it"
