"""Manual shift: set one weight on all routes of a service, under the lease and read back, without a
release."""

from collections.abc import Collection

from stepcanary.aws import ecs, sts
from stepcanary.domain.members import warnings_of
from stepcanary.domain.profile import Profile, Traffic
from stepcanary.domain.release import Release
from stepcanary.domain.request import ActionRequest
from stepcanary.domain.split import SideName, check_expressible
from stepcanary.domain.stage import ROLLOUT
from stepcanary.errors import DocumentUnreadable, LeaseHeld, NotEnoughCapacity
from stepcanary.release import routes, telling, world
from stepcanary.release.holder import has_ended, is_alive
from stepcanary.release.plan import build_release, check_route, read_split
from stepcanary.release.routes import force_all
from stepcanary.store import leases, ledger, stages


def shift_manually(
    execution: str, request: ActionRequest, profile: Profile, may_be_lost: Collection[str]
) -> str:
    """Take the splits, bring them to the weight of the request, read back, give them back.

    Returns a sentence: the weights, and what they were. Any weights are replaced, because this is
    also how a person returns them. Raises
    `RequestRejected`, `LeaseHeld` and `NotEnoughCapacity` before anything is written.
    """
    weight = request.weight or 0
    release = _planned(execution, request, profile, weight, may_be_lost)
    done = ledger.find(release)
    if done is not None:
        # A second delivery: others may have written since.
        lease = leases.read(release.split)
        if lease.holder == execution:
            leases.free(lease, release)
        return done.cause
    if has_ended(execution):
        raise LeaseHeld("shift: this execution has ended; start another one")
    for split in release.splits:
        _require_free(release, split)
    lease = leases.take(release)
    if lease.stage < ROLLOUT:
        try:
            _require_capacity(release, weight)
        except NotEnoughCapacity:
            leases.free(lease, release)
            raise
    stages.enter(release, lease.fence, ROLLOUT, target=weight)
    moved = force_all(release, weight)
    lease = leases.check(release, lease.fence)
    lease = routes.note_losses(lease, moved.losses(release))
    if moved.failures:
        # The lease is given back by help from outside, when the execution has ended.
        raise moved.failures[0]
    lease = routes.confirm(lease, weight, moved.now)
    found = ", ".join(str(each.found.split) for each in moved.moved.values())
    now = ", ".join(str(reading.split) for reading in moved.now.values())
    summary = "; ".join(
        [
            f"weights {now}, were {found}",
            *release.warnings,
            *filter(None, [lease.losses]),
            f"by {request.by or 'somebody'}",
        ]
    )
    ledger.record(release, "Shifted", summary)
    telling.shifted_by_hand(release, weight, summary)
    leases.free(lease, release)
    return summary


def _planned(
    execution: str,
    request: ActionRequest,
    profile: Profile,
    weight: int,
    may_be_lost: Collection[str],
) -> Release:
    if access := profile.access(execution):
        sts.require_role(access)
    primary = ecs.require_service(profile.cluster, profile.primary, "primary")
    canary = ecs.require_service(profile.cluster, profile.canary, "canary")
    planned = []
    warnings = []
    for traffic in profile.traffic:
        router, reading = read_split(traffic)
        if weight == 0:
            warnings += warnings_of(router.name, reading.unknown, may_be_lost)
        else:
            warnings += check_route(router, reading, may_be_lost)
            check_expressible(reading.split.with_weight(0), [weight])
        found = {
            "rest_weight": reading.rest_weight or _rest_weight_before(execution, traffic),
            "drain_seconds": reading.pinned_seconds,
        }
        planned.append(traffic.model_copy(update=found))
    return build_release(
        execution,
        request,
        profile,
        (primary, canary),
        planned,
        by=request.by,
        may_be_lost=may_be_lost,
        warnings=warnings,
    )


def _rest_weight_before(execution: str, traffic: Traffic) -> int | None:
    """What an earlier manual shift found in a rule that did not list the canary, so that the one
    which returns the weight leaves it unlisted again."""
    lease = leases.read(traffic.key(execution))
    if not lease.execution:
        return None
    try:
        last = leases.release_of(lease)
    except DocumentUnreadable:
        return None
    if not last.manual:
        return None
    same = [t.rest_weight for t in last.traffic if t.key(last.execution) == lease.split]
    return same[0] if same else None


def _require_free(release: Release, split: str) -> None:
    lease = leases.read(split)
    if lease.holder in ("", release.execution):
        return
    if lease.parked:
        raise LeaseHeld(
            f"traffic: the promotion of {lease.holder} failed and it has the split; revert it"
        )
    if is_alive(lease):
        raise LeaseHeld(
            f"traffic: execution {lease.holder} is releasing on this split; revert or promote it"
        )
    raise LeaseHeld(
        f"traffic: execution {lease.holder} ended and its split is being put right; see"
        " docs/runbook.md, or try again in a minute"
    )


def _require_capacity(release: Release, weight: int) -> None:
    getting: list[SideName] = ["canary"] if weight == 100 else ["primary"]
    if 0 < weight < 100:
        getting = ["canary", "primary"]
    sides = world.see(release)
    for side in getting:
        share = weight if side == "canary" else 100 - weight
        short = world.measure(release, side, sides.of(side), share, targets=True).shortage(share)
        if short is not None:
            raise NotEnoughCapacity(
                f"weight: the {side} would get traffic, but {short}; raise its desired count first"
            )
