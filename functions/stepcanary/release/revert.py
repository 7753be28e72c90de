"""Revert: all weight back to the primary, and the canary scaled in once that is sure."""

from stepcanary import clock
from stepcanary.contracts.answers import Attempt
from stepcanary.domain.lease import Lease
from stepcanary.domain.patience import before_next_revert
from stepcanary.domain.release import Release
from stepcanary.domain.stage import RETURNING
from stepcanary.errors import ReleaseError
from stepcanary.release import routes, telling, world
from stepcanary.release.routes import Forced, force_all
from stepcanary.store import stages
from stepcanary.traffic.router import TrafficRouter
from stepcanary.traffic.shift import Moved, foreign_write, jump_of


def revert(release: Release, fence: int) -> Attempt:
    """All weight to the primary, before anything else and whatever its state.

    The primary has not been touched, or was seen steady before this was decided. Only where a look
    has found that it serves nothing, and lent the traffic to the canary, is it asked once more.
    """
    lease = stages.enter(release, fence, RETURNING, act="returning")
    if lease.lent and (helpless := world.helpless(release, world.see(release), lent=True)):
        return Attempt(next="confirm", note=helpless)
    return attempt(release, lease)


def attempt(release: Release, lease: Lease) -> Attempt:
    """Try to return all weight; where AWS or somebody else is in the way, say when to try again."""
    returned, note = give_back(release, lease)
    if returned.failures:
        return _again(release, lease, returned.failures, note)
    return Attempt(next="confirm", note=note)


def return_at_once(release: Release, lease: Lease, doubted_at: int) -> None:
    """The first attempt, by who hears of the alarm, before the execution does. `lease` is as it was
    when the way back began; what stands in the way of a route is for the execution to see."""
    give_back(release, lease, keeps_note=True, doubted_at=doubted_at)


def _again(release: Release, lease: Lease, failures: list[ReleaseError], note: str) -> Attempt:
    now = clock.epoch_seconds()
    tried = now - (lease.returning_at or now)
    cause = "; ".join(f"{type(failure).__name__}: {failure}" for failure in failures)
    if tried >= release.revert_seconds:
        cause = f"{cause}. It was tried for {tried} s"
        return Attempt(next="give_up", cause=cause, note=note)
    return Attempt(next="again", wait_seconds=before_next_revert(tried), cause=cause, note=note)


def give_back(
    release: Release, lease: Lease, *, keeps_note: bool = False, doubted_at: int | None = None
) -> tuple[Forced, str]:
    """All weight to the primary, whatever the routes say now; with who else wrote them, if any:
    for whoever makes the end known, or kept for it.

    One route that cannot be returned keeps no other from it.
    """
    returned = force_all(release, 0, unsure=lease.stage < RETURNING and lease.target > 0)
    found = (
        _note(release, router, lease, split, returned.moved[split])
        for split, router in routes.routers(release)
        if split in returned.moved
    )
    note = "; ".join(filter(None, found))
    losses = filter(None, (returned.losses(release), note if keeps_note else ""))
    # Before the confirmation: what is read afterwards is at rest, and tells nobody.
    routes.note_losses(lease, "; ".join(losses))
    if not returned.failures:
        routes.confirm(lease, 0, returned.now, foreign=note)
        telling.returned(release, lease, doubted_at)
    return returned, note


def _note(
    release: Release, router: TrafficRouter, lease: Lease, split: str, moved: Moved
) -> str | None:
    """Who else wrote the route, where somebody did; `lease` is as it was before this attempt."""
    # Who heard of the alarm may be at it at the same time.
    ours = 2 if lease.stage == RETURNING else 1
    if jump_of(moved.now, moved.found.version) > ours:
        return f"somebody else wrote {router.name} while it was being returned"
    if moved.found.split.at_rest and lease.stage == RETURNING:
        # An earlier attempt of ours, whose answer was lost.
        return None
    return foreign_write(router, moved.found, routes.known(release, lease, split))


def lend(release: Release, lease: Lease) -> None:
    """All weight to the canary for as long as the primary serves nothing, whatever was judged.

    Written down first, under the lease as it was seen: whoever comes too late lends nothing. Raises
    `LeaseLost` and `StageOver`.
    """
    lease = stages.lend(lease)
    lent = force_all(release, 100)
    lease = routes.note_losses(lease, lent.losses(release))
    lent.require_all()
    routes.confirm(lease, 100, lent.now, lent=True)
    telling.has_weight(release, 100)
