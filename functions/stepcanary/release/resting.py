"""Resting: the canary without weight, and how many tasks it has while no release runs."""

from contextlib import suppress
from dataclasses import replace

from stepcanary import clock
from stepcanary.aws import ecs
from stepcanary.domain.deployment import Service
from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.domain.stage import RETURNING
from stepcanary.errors import (
    AwsRefused,
    AwsUnavailable,
    CanaryAlarmed,
    FixtureKept,
    NotEnoughCapacity,
    SplitDrifted,
)
from stepcanary.release import comparing, floors, guards, kept, routes, world
from stepcanary.store import register, stages
from stepcanary.store.register import Entry


def at_rest(service: str, canary: Service, abandoned: Release | None) -> int:
    """How many it is to have at rest: what it has, unless an earlier release has left it those."""
    if canary.desired == 0:
        return 0
    if abandoned is not None and not abandoned.manual:
        return abandoned.canary.at_rest
    left = register.left_over(service, kept.KIND, canary.name)
    return canary.desired if left is None else int(left.before["tasks"])


def put_up(release: Release) -> None:
    """Before the canary gets tasks. One that an earlier release has kept is this one's now."""
    name = release.canary.service
    entry = Entry(kept.KIND, name, {"tasks": str(release.canary.at_rest)})
    owned = register.own(release.service, release.execution, entry)
    if owned.made:
        register.change(release.execution, owned, replace(owned, made=""))


def retire_canary(release: Release, fence: int, *, promoted: bool) -> None:
    """Scale the canary in, but only after the split was read back at rest.

    Where the primary was `promoted` raises `CanaryAlarmed` for an alarm that has fired since the
    last look, and for evidence against the canary: what these were told of may be older than the
    return of the weights.
    """
    lease = stages.enter(release, fence, RETURNING, act="rested")
    if promoted:
        doubt = guards.fired(release, lease) or comparing.last_doubt(release, lease)
        if doubt:
            raise CanaryAlarmed(doubt)
    retire(release, lease)


def retire(release: Release, lease: Lease, *, drained_at: int = 0) -> None:
    """Scale the canary in, or keep it: for a person to look at if it was reverted, and until the
    requests that go on are over, in epoch seconds, where nobody has waited for them."""
    now, until = clock.epoch_seconds(), drained_at
    entry = kept.entry_of(release)
    released = lease.touched and not lease.restored
    if release.keep_failed_seconds and not released:
        if entry is None:
            # It ended before it gave the canary any task.
            return
        until = max(until, now + release.keep_failed_seconds)
    if entry is None or until <= now:
        scale_in(release)
        if entry is not None:
            register.remove(release.execution, entry, release.service)
    elif not entry.made:
        register.change(release.execution, entry, replace(entry, made=str(until)))


def scale_in(release: Release) -> None:
    """The canary's tasks are those that it has at rest.

    Raises `SplitDrifted` when the split is not at rest, before the canary goes or after, and
    `NotEnoughCapacity` when the primary cannot carry what it has.
    """
    _require_rest(release)
    sides = world.see(release)
    if short := world.keeps_up(release, sides.primary):
        raise NotEnoughCapacity(f"the canary stays: {short}")
    with suppress(AwsRefused, AwsUnavailable):
        # First, or its minimum would start it again.
        floors.lower(release, sides.canary.name)
    if sides.canary.desired > release.canary.at_rest:
        ecs.scale(release.cluster, sides.canary, release.canary.at_rest)
    _require_rest(release)


def _require_rest(release: Release) -> None:
    if moved := routes.not_at_rest(release):
        raise SplitDrifted(f"{moved}, not at rest, so nothing is scaled in")


LATER_SECONDS = 600


def take_down(release: Release, _entry: Entry) -> None:
    """Raises `FixtureKept` before its time and while somebody has given it weight again, and what
    scaling in raises."""
    kept.require_not_kept(release)
    if moved := routes.not_at_rest(release):
        raise FixtureKept(f"the canary is in use: {moved}", clock.epoch_seconds() + LATER_SECONDS)
    scale_in(release)
