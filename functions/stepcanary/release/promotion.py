"""Promotion: the primary gets the version that the canary serves, or its old one back.

All the while the canary carries the traffic: it is the healthy copy.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from stepcanary import clock
from stepcanary.contracts.answers import Attempt, Restored
from stepcanary.domain import moments
from stepcanary.domain.capacity import can_take_over
from stepcanary.domain.deployment import Started, longest_pause
from stepcanary.domain.history import MOST_SETTLES
from stepcanary.domain.lease import Lease
from stepcanary.domain.moments import LONGEST_TEXT
from stepcanary.domain.outcome import Failure
from stepcanary.domain.release import Release
from stepcanary.domain.revisions import foreign_revision
from stepcanary.domain.split import SideName, Split
from stepcanary.domain.stage import RETURNING, promoting, restoring
from stepcanary.domain.verdict import Progress, judge, progress
from stepcanary.errors import CanaryAlarmed, ReleaseError, SplitDrifted, StageOver
from stepcanary.release import deploy, floors, guards, routes, subscriptions, telling, world
from stepcanary.release.revert import attempt, give_back
from stepcanary.release.routes import force_all, shift_all
from stepcanary.release.verdict_notes import note_verdict
from stepcanary.release.world import Sides
from stepcanary.store import leases, mailbox, stages

MOST_GROWTH = 2
"""A canary that has grown beyond so many times the plan is no measure for the primary."""

REVERTING = {"RevertRequested", "CanaryAlarmed", "CanaryShort", "ForeignDeployment"}
"""Failures of a promotion that revert without a gate: the canary itself is in doubt, or the version
was overtaken."""


def promote_primary(release: Release, fence: int, number: int, since: int) -> Started:
    """The same version to the primary, which serves nothing while the canary carries it all.

    Before anything is touched, and before the ledger says that it may be, raises `RevertRequested`,
    `SplitDrifted`, `ForeignDeployment` and `CanaryShort`, and `NotEnoughCapacity` as long as it is
    worth a wait. `since`, in epoch seconds, is when the promotion was first tried.
    """
    lease = stages.enter(release, fence, promoting(number), unless_reverting=True)
    guards.require_unchanged(release, lease)
    if lease.weight < 100:
        raise SplitDrifted(f"the primary is not touched: it has {100 - lease.weight} %")
    sides = world.see(release)
    foreign = world.require_own(release, lease, sides)
    short = world.require_canary(release, lease, sides, targets=True)
    if why := foreign or short:
        world.hold(release, since, f"the primary is not touched: {why}")
    lease = floors.keep_count(release, lease, sides.primary, _serving(release, sides))
    arn = deploy.primary_revision(release, lease, sides.primary)
    stages.enter(release, fence, promoting(number), unless_reverting=True, touch=arn)
    return deploy.start(release, "primary", sides.primary, arn)


def return_traffic(
    release: Release, fence: int, number: int, since: int, *, restored: bool
) -> Attempt:
    """All weight to the primary, once it can carry it: the new version, or its `restored` old one.

    From here on nothing but the primary will get weight, so a revert that comes later is refused.
    Raises `RevertRequested` for one that came before, unless the old version is there already, and
    `NotEnoughCapacity` as long as that is worth a wait from `since` on, in epoch seconds.
    """
    lease = leases.check(release, fence)
    if lease.stage < RETURNING:
        _require_primary(release, lease, since, restored=restored)
    stage = restoring(number) if restored else promoting(number)
    lease = stages.enter(
        release,
        fence,
        RETURNING,
        unless_reverting=not restored,
        only_from=stage,
        act="returning",
    )
    return attempt(release, lease)


def shift_back(release: Release, fence: int, number: int, weight: int, since: int) -> list[Split]:
    """Leave the canary this weight and give the promoted primary the rest, once it can carry all.

    Raises `RevertRequested`, `SplitDrifted`, `ForeignDeployment` and `CanaryShort`, and
    `NotEnoughCapacity` as long as that is worth a wait from `since` on, in epoch seconds.
    """
    lease = leases.check(release, fence)
    _require_primary(release, lease, since, restored=False)
    lease = stages.enter(release, fence, promoting(number), unless_reverting=True, down_to=weight)
    return shift_all(release, lease, weight)


def judge_return(release: Release, fence: int, step: int, holds: int, moment: int) -> Progress:
    """The verdict on a step of the way back: the version is judged with both sides serving it.
    `moment` is as of `judge_canary`.

    Raises `CanaryAlarmed` where it does not hold up, which brings the old version back, and what
    `shift_back` raises.
    """
    lease = leases.check(release, fence)
    stages.require_no_revert(lease)
    sides = world.see(release)
    world.require_own(release, lease, sides)
    world.require_canary(release, lease, sides)
    guards.require_unchanged(release, lease)
    alarms = guards.alarms(release, lease)
    verdict = judge(release.alarms, alarms, release.holds - holds, promoted=lease.was_promoted)
    following = progress(verdict, step, holds, last=step + 1 == len(release.return_steps))
    note_verdict(release, moment, following, step=step, holds=holds, alarms=alarms, returning=True)
    if verdict.decision == "revert":
        raise CanaryAlarmed(verdict.reason)
    return following


def _require_primary(release: Release, lease: Lease, since: int, *, restored: bool) -> None:
    sides = world.see(release)
    if not restored:
        stages.require_no_revert(lease)
        world.require_own(release, lease, sides)
        world.require_canary(release, lease, sides)
        # From the first weight on it counts the primary's new tasks as well.
        subscriptions.mend(release, lease.fence)
    # The old version takes what it was planned with: a canary in doubt is no measure of it.
    needed = release.primary_tasks if restored else _serving(release, sides)
    if restored:
        lease = floors.try_to_keep_count(release, lease, sides.primary)
    else:
        lease = floors.keep_count(release, lease, sides.primary, needed)
    sized = release.model_copy(update={"primary_tasks": needed})
    short = world.measure(sized, "primary", sides.primary, 100, targets=True).shortage(100)
    if short is not None:
        world.hold(release, since, f"the primary gets no weight yet: {short}")


def _serving(release: Release, sides: Sides) -> int:
    """How many tasks the primary needs for what the canary carries by now, which may have scaled
    out; a canary of a fixed size has tasks of its own kind."""
    if release.capacity == "fixed":
        return release.primary_tasks
    serving = min(sides.canary.desired, sides.canary.running, MOST_GROWTH * release.primary_tasks)
    return max(release.primary_tasks, serving)


def restore_primary(
    release: Release,
    fence: int,
    number: int,
    failure: Failure,
    *,
    returned: bool = False,
    settles: int = 0,
    undecided: bool = False,
) -> Restored:
    """After a failed promotion: all traffic on the canary, and the old version to the primary.

    A promotion that could not begin has left a primary that takes its traffic back at once. So does
    one whose old tasks serve, where the canary is in doubt; it gets its old version as it serves.
    One that has `returned` the weights before an alarm fired keeps them: the canary runs the
    version that is in doubt as well. Where the canary cannot carry the traffic and the primary
    carries more, the primary keeps it as it is replaced. `settles` counts how often the router was
    given its time before. `undecided`: nobody answered the gate in time, so that the profile says
    what follows, unless a retry came before this was looked at.
    """
    lease = leases.check(release, fence)
    untold = _untold(lease, failure)
    entered = None
    if not (returned or lease.taken_back):
        if not lease.touched:
            return Restored(next="revert", next_attempt=number + 1)
        entered = _begin_restoring(release, fence, number, untold)
    is_returned = entered is None
    entered = entered or stages.enter(release, fence, RETURNING, failure=untold)
    if untold and failure.error == CanaryAlarmed.__name__ and not lease.reverting:
        # Nobody has signalled what this release found by itself.
        telling.is_doubted(release.service)
    if is_returned:
        return _restore_in_place(release, entered, number)
    lease = entered
    if undecided and (following := _without_an_answer(release, lease)) is not None:
        return Restored(next=following, next_attempt=number + 1)
    sides = world.see(release)
    doubted = lease.reverting or failure.error in REVERTING
    if doubted and world.takes_back(release, lease, sides.primary):
        return _restore_in_place(release, stages.take_back(lease, restoring(number)), number)
    held = hold_traffic(release, lease, sides)
    settled = has_settled(release, leases.check(release, fence)) or settles >= MOST_SETTLES
    if not settled and not held.failures:
        return Restored(next="settle", next_attempt=number + 1, note=held.note, settles=settles + 1)
    if held.failures and lease.weight < 100:
        # The primary had weight again, and may have it still.
        raise held.failures[0]
    deployment = deploy.deploy_old(release, lease, sides.primary)
    if held.failures:
        # Whatever one route's trouble is, the others and the primary are cared for.
        raise held.failures[0]
    foreign = foreign_revision(release, lease, "primary", sides.primary)
    decided = doubted or held.lost or held.side == "primary" or foreign
    if decided:
        # No gate follows, which a retry could end.
        with suppress(StageOver):
            mailbox.decide_way_back(lease, mailbox.is_before_its_gate(restoring(number)))
    return Restored(
        next="return" if decided else "ask",
        next_attempt=number + 1,
        note="; ".join(filter(None, (held.note, foreign))),
        deployment=deployment,
        wait_seconds=longest_pause(deployment, release.deployment.check_seconds),
    )


def _begin_restoring(release: Release, fence: int, number: int, failure: str) -> Lease | None:
    """None where its old tasks have taken the traffic back in this very moment."""
    try:
        return stages.enter(release, fence, restoring(number), failure=failure)
    except StageOver:
        if leases.check(release, fence).taken_back:
            return None
        raise


def _untold(lease: Lease, failure: Failure) -> str:
    """Why a promotion has failed, where that was not told yet; a signal has been told."""
    reason = str(failure)[:LONGEST_TEXT]
    known = {each.text for each in moments.read(lease.moments)}
    return "" if reason in known or failure.error == "RevertRequested" else reason


def _restore_in_place(release: Release, lease: Lease, number: int) -> Restored:
    """All weight to the primary, and then its old version, as it serves; `lease` is as it was
    before. A route that cannot be returned is tried again at the next look."""
    moved, note = give_back(release, lease, keeps_note=True)
    deployment = deploy.deploy_old(release, lease, world.see(release).primary)
    if not leases.check(release, lease.fence).taken_back:
        moved.require_all()
    return Restored(
        next="return",
        next_attempt=number + 1,
        note=note,
        deployment=deployment,
        wait_seconds=longest_pause(deployment, release.deployment.check_seconds),
    )


def _without_an_answer(release: Release, lease: Lease) -> Literal["retry", "stay"] | None:
    """What follows a gate that nobody answered in time; None where the old version comes back."""
    came = mailbox.decide_way_back(lease, mailbox.is_at_stage(lease), unless=frozenset({"retry"}))
    if came is not None:
        return "retry"
    if leases.check(release, lease.fence).reverting:
        # It came in the same moment, and from here on nothing but a revert is accepted.
        return None
    return "stay" if release.promotion.on_failure_timeout == "stay" else None


def has_settled(release: Release, lease: Lease) -> bool:
    """Whether the router has followed the last write that brought the traffic to the canary."""
    if lease.held_at is None:
        return True
    return clock.epoch_seconds() - lease.held_at >= release.settle_seconds


@dataclass(frozen=True, slots=True)
class Held:
    """Which side has the traffic while the primary is replaced, and whether the canary is `lost`;
    `note` says who had moved the traffic, and `failures` what stands in the way."""

    side: SideName
    lost: bool
    note: str
    failures: list[ReleaseError]


def hold_traffic(release: Release, lease: Lease, sides: Sides) -> Held:
    """All weight to the canary, or where it cannot carry it to the side that can serve more."""
    found, failures = routes.read_each(release)
    note = routes.foreign_writes(release, lease, found) or ""
    side, lost = _side(release, lease, sides, on_canary=routes.all_at(found, 100))
    weight = 100 if side == "canary" else 0
    # On the way back the canary had less, which a read that lags does not show.
    unsure = lease.target < 100 and lease.held_at is None
    if unsure or not routes.all_at(found, weight) or failures:
        before = lease
        if side == "canary":
            # Before the write: who dies after it must not deploy at once.
            lease = stages.note_held(lease, clock.epoch_seconds())
        held = force_all(release, weight, unsure=unsure)
        note = routes.foreign_writes(release, before, held.found) or note
        lease = routes.note_losses(lease, held.losses(release))
        found, failures = held.now, held.failures
    if not failures:
        routes.confirm(lease, weight, found)
    return Held(side, lost, note, failures)


def _side(
    release: Release, lease: Lease, sides: Sides, *, on_canary: bool
) -> tuple[SideName, bool]:
    if not on_canary and world.foreign(release, lease, "canary", sides.canary):
        primary = world.measure(release, "primary", sides.primary, 100, targets=True)
        if primary.shortage(100) is None:
            # What nobody has judged gets no more weight.
            return "primary", False
    canary = world.measure(release, "canary", sides.canary, 100, targets=not on_canary)
    now, grace = clock.epoch_seconds(), release.capacity_grace_seconds
    standing = canary.stands(100, lease.short_since, now, grace)
    if standing == "enough" or (standing == "short" and on_canary):
        return "canary", False
    primary = world.measure(release, "primary", sides.primary, 100, targets=True)
    side: SideName = "primary" if can_take_over(primary, canary) else "canary"
    return side, standing == "lost"
