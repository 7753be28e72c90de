"""Stages: how far a release has got, written in one conditional change before each act."""

from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from stepcanary import clock
from stepcanary.domain.content import Content
from stepcanary.domain.lease import Lease
from stepcanary.domain.moments import Act, Moment
from stepcanary.domain.release import Release
from stepcanary.domain.revisions import short_name
from stepcanary.domain.split import SideName
from stepcanary.domain.stage import OPENING, RETURNING, ROLLOUT, Stage
from stepcanary.errors import RevertRequested, StageOver
from stepcanary.store import leases, table
from stepcanary.store.lease_items import lease_key, lease_of
from stepcanary.store.table import Change, ConditionFailed


def _noted(act: Act, text: str = "") -> dict[str, list[str]]:
    """For `append`: what a write tells of itself."""
    return {"moments": _told(act, text)}


def _told(act: Act, text: str = "") -> list[str]:
    return [str(Moment(at=clock.epoch_milliseconds(), kind=act, text=text))]


def is_not_reverting() -> ConditionBase:
    return table.is_absent("signal") | Attr("signal.kind").ne("revert")


def is_not_past(stage: Stage, only_from: Stage | None) -> ConditionBase:
    if only_from is None:
        return Attr("stage").lte(stage.number)
    return Attr("stage").is_in([only_from.number, stage.number])


def enter(
    release: Release,
    fence: int,
    stage: Stage,
    *,
    unless_reverting: bool = False,
    touch: str = "",
    target: int | None = None,
    down_to: int | None = None,
    only_from: Stage | None = None,
    act: Act | None = None,
    failure: str = "",
) -> Lease:
    """Go to a stage, or stay in it, and return the lease as it was before.

    What each act calls before it changes anything. `touch` is the task definition that the primary
    gets: it may be anything from here on. `act` is what is told of it, and `failure` why a
    promotion has failed. Raises `LeaseLost`; `StageOver` when the release has gone past this stage,
    its `target` or what it is to go `down_to`, or is at neither this stage nor `only_from`; with
    `unless_reverting`, `RevertRequested` while a revert is pending.
    """
    ours = leases.is_ours(release.execution, fence)
    condition = ours & is_not_past(stage, only_from)
    values: dict[str, object] = {"stage": stage.number}
    first: dict[str, object] = {}
    removed: set[str] = set()
    if touch:
        noted = _noted("primary", short_name(touch))
    elif failure:
        noted = _noted("failed_promotion", failure)
    else:
        noted = _noted(act) if act else {}
    if target is not None:
        # A shift of an earlier step that comes late would take the canary back a step.
        values["target"] = target
        condition &= Attr("target").lte(target)
    if down_to is not None:
        # The same on the way back to a promoted primary, where it would be given more again.
        values["target"] = down_to
        removed.add("held_at")
        condition &= Attr("target").gte(down_to)
    if stage == RETURNING:
        first["returning_at"] = clock.epoch_seconds()
    if touch:
        values |= {"touched": True, "primary_revision": touch, "restored": False}
    if unless_reverting:
        condition &= is_not_reverting()
        if stage > ROLLOUT:
            # A promote or a retry has been obeyed once its promotion begins.
            removed.add("signal")
    change = Change(
        lease_key(release.split),
        condition,
        set=values,
        first=first,
        append=noted,
        remove=tuple(sorted(removed)),
    )
    try:
        item = table.change_and_see(change)
    except ConditionFailed as failed:
        now = lease_of(release.split, failed.item)
        if (now.holder, now.fence) != (release.execution, fence):
            raise leases.lost(now, fence) from failed
        raise _why_not(now, stage, target, down_to, only_from) from failed
    return lease_of(release.split, item)


def _why_not(
    now: Lease, stage: Stage, target: int | None, down_to: int | None, only_from: Stage | None
) -> StageOver | RevertRequested:
    if now.stage == RETURNING and now.reverting and (stage == ROLLOUT or not now.touched):
        # Who heard of an alarm has begun the way back.
        return RevertRequested(str(now.signal))
    if now.stage > stage or now.stage not in (only_from or now.stage, stage):
        return StageOver(
            f"the release is in {now.stage} and this act belongs to {stage}: it was delivered late"
            " and changes nothing"
        )
    if target is not None and now.target > target:
        return StageOver(
            f"the canary has had {now.target} % already and this act is for {target} %: it was"
            " delivered late and changes nothing"
        )
    if down_to is not None and now.target < down_to:
        return StageOver(
            f"the canary is at {now.target} % already and this act is for {down_to} %: it was"
            " delivered late and changes nothing"
        )
    return RevertRequested(str(now.signal))


def require_no_revert(lease: Lease) -> None:
    """Raises `RevertRequested` while a revert is pending."""
    if lease.reverting:
        raise RevertRequested(str(lease.signal))


def confirm(
    lease: Lease, weight: int, versions: dict[str, int], *, lent: bool = False, foreign: str = ""
) -> Lease:
    """Write down what the routes were read back as, and what somebody else was found to have
    written before, in a sentence. Raises `LeaseLost`."""
    # Help from outside confirms each minute what it has found before.
    noted = _told("weight", str(weight)) if weight != lease.weight else []
    noted += _told("foreign", foreign) if foreign else []
    returned: dict[str, Any] = {}
    if weight == 0 and (lease.weight or lease.returned_at is None):
        returned = {"returned_at": clock.epoch_seconds()}
    confirmed = leases.change(
        lease,
        append={"moments": noted},
        weight=weight,
        target=weight,
        versions=versions,
        lent=lent,
        **returned,
    )
    return leases.shortened(confirmed)


def open_at_rest(lease: Lease, versions: dict[str, int]) -> None:
    """Write down that the routes were read at rest, and go to the rollout.

    Raises `StageOver` where a second delivery has done so and gone on.
    """
    is_opening = Attr("stage").eq(OPENING.number)
    change = Change(
        lease_key(lease.split),
        leases.is_ours(lease.holder, lease.fence) & is_opening,
        set={"weight": 0, "target": 0, "versions": versions, "stage": ROLLOUT.number},
    )
    try:
        table.change(change)
    except ConditionFailed as failed:
        _require_ours(lease, failed)
        raise StageOver("the release was opened by an earlier delivery already") from failed


def _require_ours(lease: Lease, failed: ConditionFailed) -> Lease:
    """The lease as it is. Raises `LeaseLost` where that is why the condition failed."""
    now = lease_of(lease.split, failed.item)
    if (now.holder, now.fence) != (lease.holder, lease.fence):
        raise leases.lost(now, lease.fence) from failed
    return now


def decide_return(lease: Lease, *, unless_reverting: bool) -> Lease:
    """For help from outside: from here on all weight goes to the primary.

    With `unless_reverting`, raises `RevertRequested` while a revert is pending, which wants the old
    version. Raises `LeaseLost`.
    """
    condition = leases.is_ours(lease.holder, lease.fence)
    if unless_reverting:
        condition &= is_not_reverting()
    change = Change(lease_key(lease.split), condition, set={"stage": RETURNING.number})
    try:
        return lease_of(lease.split, table.change(change))
    except ConditionFailed as failed:
        now = _require_ours(lease, failed)
        raise RevertRequested(str(now.signal)) from failed


def take_back(lease: Lease, stage: Stage) -> Lease:
    """From this stage on all weight goes to the primary, which is between two versions and still
    has to get its old one. The lease as it was before.

    Raises `LeaseLost`, and `StageOver` where the release has gone on otherwise.
    """
    is_there = Attr("stage").eq(stage.number)
    is_done = Attr("stage").eq(RETURNING.number) & Attr("taken_back").eq(True)
    change = Change(
        lease_key(lease.split),
        leases.is_ours(lease.holder, lease.fence) & (is_there | is_done),
        set={"stage": RETURNING.number, "taken_back": True},
        first={"returning_at": clock.epoch_seconds()},
    )
    try:
        return lease_of(lease.split, table.change_and_see(change))
    except ConditionFailed as failed:
        now = _require_ours(lease, failed)
        raise StageOver(f"the release is in {now.stage} by now, and not in {stage}") from failed


def note_canary(lease: Lease, arn: str) -> Lease:
    """Before the version is deployed to the canary, so that it is not taken for somebody else's."""
    return leases.change(lease, append=_noted("canary", short_name(arn)), canary_revision=arn)


def note_content(lease: Lease, content: Content, deployment: str) -> Lease:
    """What the canary was found to run, and the id of that deployment. The first finding stays: it
    is what bakes. Raises `LeaseLost`."""
    change = Change(
        lease_key(lease.split),
        leases.is_ours(lease.holder, lease.fence),
        first={"content": content, "canary_deployment": deployment},
        append=_noted("steady"),
    )
    try:
        return lease_of(lease.split, table.change(change))
    except ConditionFailed as failed:
        raise leases.lost(lease_of(lease.split, failed.item), lease.fence) from failed


def note_deployment(lease: Lease, side: SideName, deployment: str) -> Lease:
    """The id of somebody else's deployment that runs what this side ran before."""
    if side == "canary":
        return leases.change(lease, canary_deployment=deployment)
    return leases.change(lease, primary_deployment=deployment)


def note_copy(lease: Lease, arn: str) -> Lease:
    """What was registered to go back to."""
    return leases.change(lease, copy=arn)


def note_scales_at(lease: Lease, at: int | None) -> Lease:
    """When the next scheduled action of autoscaling would run, in epoch seconds."""
    if at is None:
        return leases.change(lease, remove=("scales_at",))
    return leases.change(lease, scales_at=at)


def note_losses(lease: Lease, losses: str) -> Lease:
    """What has been deleted because it could not be written back, in sentences."""
    return leases.change(lease, losses=losses)


def note_failed_promotion(lease: Lease, why: str) -> Lease:
    """Found by help from outside."""
    return leases.change(lease, append=_noted("failed_promotion", why))


def note_restored(lease: Lease, revision: str) -> Lease:
    """The old version was asked for since the primary was touched last."""
    return leases.change(lease, append=_noted("old", short_name(revision)), restored=True)


def note_shortage(lease: Lease, since: int | None) -> Lease:
    """Since when the canary has had fewer tasks than its weight needs, None where it has enough."""
    if since is None:
        return leases.change(lease, remove=("short_since",))
    return leases.change(lease, short_since=since)


def lend(lease: Lease) -> Lease:
    """Before the canary gets all weight because the primary serves nothing.

    Raises `LeaseLost`, and `StageOver` where the release has gone on since the lease was seen.
    """
    is_there = Attr("stage").eq(lease.stage.number)
    change = Change(
        lease_key(lease.split),
        leases.is_ours(lease.holder, lease.fence) & is_there,
        set={"target": 100, "lent": True, "held_at": clock.epoch_seconds()},
    )
    try:
        return lease_of(lease.split, table.change(change))
    except ConditionFailed as failed:
        _require_ours(lease, failed)
        raise StageOver("the release has gone on since it was looked at") from failed


def note_held(lease: Lease, at: int) -> Lease:
    """When all weight is brought to the canary, which the router follows in its time."""
    return leases.change(lease, held_at=at, target=100)


def set_rested(lease: Lease, at: int) -> Lease:
    """For help from outside: the split was brought to rest at this time, in epoch seconds."""
    return leases.change(lease, rested_at=at)
