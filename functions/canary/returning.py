"""Returning: all weight back to the primary, and the canary scaled in once that is sure."""

from canary import clock
from canary.aws import ecs
from canary.aws import lease as leases
from canary.aws.lease import Lease
from canary.capacity import missing_capacity, service_of
from canary.errors import (
    AwsRefused,
    AwsUnavailable,
    NotEnoughCapacity,
    RequestRejected,
    SplitDrifted,
)
from canary.model import Model
from canary.release import Release
from canary.stage import RETURNING
from canary.traffic import Moved, TrafficRouter, foreign_write, insist, jump_of
from canary.traffic.routers import router_for
from canary.watch import known

LONGEST_PAUSE_SECONDS = 60
MOST_CORRECTIONS = 10
"""Whoever writes the route again this often will not stop; then a person has to."""


class Attempt(Model):
    """One attempt at a revert. `next` is `confirm` when the split is at rest, `again` after
    `wait_seconds`, or `give_up`; `cause` says what stood in the way."""

    next: str
    wait_seconds: int = 0
    note: str = ""
    cause: str = ""


def revert(release: Release, fence: int) -> Attempt:
    """All weight to the primary, before anything else and whatever its state.

    The primary has not been touched, or was seen steady before this was decided.
    """
    return attempt(release, leases.enter(release, fence, RETURNING))


def attempt(release: Release, lease: Lease) -> Attempt:
    """Try to return all weight; where AWS or somebody else is in the way, say when to try again."""
    try:
        note = give_back(release, lease)
    except (AwsRefused, AwsUnavailable, RequestRejected, SplitDrifted) as error:
        return _again(release, lease, error)
    return Attempt(next="confirm", note=note)


def _again(release: Release, lease: Lease, error: Exception) -> Attempt:
    now = clock.epoch_seconds()
    tried = now - (lease.returning_at or now)
    cause = f"{type(error).__name__}: {error}"
    if tried >= release.revert_seconds:
        return Attempt(next="give_up", cause=f"{cause}. It was tried for {tried} s")
    return Attempt(
        next="again", wait_seconds=min(max(2, tried // 2), LONGEST_PAUSE_SECONDS), cause=cause
    )


def require_primary(release: Release) -> None:
    """Raises `NotEnoughCapacity` unless the primary can carry all traffic."""
    short = missing_capacity(release, "primary", service_of(release, "primary"))
    if short is not None:
        raise NotEnoughCapacity(f"the primary gets no weight yet: {short}")


def give_back(release: Release, lease: Lease) -> str:
    """All weight to the primary, whatever the route says now; who else wrote it, or nothing."""
    router = router_for(release.traffic[0])
    moved = insist(router, 0)
    leases.confirm(lease, 0, moved.now.version)
    return _note(router, lease, moved)


def _note(router: TrafficRouter, lease: Lease, moved: Moved) -> str:
    """Who else wrote the route, where somebody did; `lease` is as it was before this attempt."""
    if jump_of(moved.now, moved.found.version) > 1:
        return f"somebody else wrote {router.name} while it was being returned"
    if moved.found.split.at_rest and lease.stage == RETURNING:
        # An earlier attempt of ours, whose answer was lost.
        return ""
    return foreign_write(router, moved.found, known(lease)) or ""


def hold_canary(release: Release, lease: Lease) -> str:
    """All weight to the canary, which can carry it; what had moved it, or an empty string.

    Raises `NotEnoughCapacity` where the canary cannot.
    """
    router = router_for(release.traffic[0])
    found = now = router.read()
    if found.split.canary < found.split.total:
        short = missing_capacity(release, "canary", service_of(release, "canary"))
        if short is not None:
            raise NotEnoughCapacity(f"the canary cannot take the traffic: {short}")
        now = insist(router, 100).now
    leases.confirm(lease, 100, now.version)
    return foreign_write(router, found, known(lease)) or ""


class Rest(Model):
    """`next` is `retire` when the split was found at rest, else `again` after settling.

    `corrections` counts how often it was not; `note` says who else wrote.
    """

    next: str
    corrections: int
    note: str = ""


def confirm_rest(release: Release, fence: int, corrections: int) -> Rest:
    """Read the split once more, after the router's settle time; put it right where it moved.

    Raises `SplitDrifted` when somebody else has moved it too often.
    """
    lease = leases.enter(release, fence, RETURNING)
    split = router_for(release.traffic[0]).read().split
    if split.at_rest:
        return Rest(next="retire", corrections=corrections)
    if corrections >= MOST_CORRECTIONS:
        raise SplitDrifted(f"the split was moved again {corrections} times, now to {split}")
    note = give_back(release, lease)
    return Rest(next="again", corrections=corrections + 1, note=note)


def retire_canary(release: Release, fence: int) -> None:
    """Scale the canary in, but only after the split was read back at rest."""
    leases.enter(release, fence, RETURNING)
    scale_in(release)


def scale_in(release: Release) -> None:
    """Raises `SplitDrifted` when the split is not at rest, before the canary goes or after, and
    `NotEnoughCapacity` when the primary cannot carry what it has."""
    _require_rest(release)
    require_primary(release)
    ecs.scale(release.cluster, service_of(release, "canary"), 0)
    _require_rest(release)


def at_rest(release: Release) -> bool:
    return all(router_for(traffic).read().split.at_rest for traffic in release.traffic)


def _require_rest(release: Release) -> None:
    for traffic in release.traffic:
        router = router_for(traffic)
        split = router.read().split
        if not split.at_rest:
            raise SplitDrifted(f"{router.name} is at {split}, not at rest, so nothing is scaled in")
