"""Confirming: the split read once more after its way back, and the last look at what it leaves."""

from stepcanary.contracts.answers import Rest
from stepcanary.domain.history import MOST_CORRECTIONS
from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.domain.stage import RETURNING
from stepcanary.domain.verdict import fired_of, unseen_of
from stepcanary.errors import PrimaryDown, SplitDrifted
from stepcanary.release import floors, guards, routes, subscriptions, world
from stepcanary.release.revert import give_back, lend
from stepcanary.store import stages

MOST_LOOKS_FOR_SIGHT = 3
"""Of an alarm or a log in the last settling; fewer than the corrections that the route may need as
well."""


def confirm_rest(release: Release, fence: int, corrections: int, *, promoted: bool) -> Rest:
    """Read the split once more, after the router's settle time; put it right where it moved.

    Here the primary is looked at for the first time since a revert: one that serves nothing leaves
    the traffic to a canary that serves, until it does. Where the primary was `promoted` the alarms
    have the last word on it, and this is the last look: after it the release is over. Raises
    `SplitDrifted` when somebody else has moved it too often, and `PrimaryDown` when the primary
    has served nothing for as long.
    """
    lease = stages.enter(release, fence, RETURNING)
    if corrections > MOST_CORRECTIONS:
        raise SplitDrifted(f"the split was moved again {corrections} times")
    found, failures = routes.read_each(release)
    moved = routes.moved_off(release, found)
    sides = world.see(release)
    helpless = world.helpless(release, sides, lent=lease.lent)
    if moved is None and not failures and not helpless:
        lease = floors.try_to_keep_count(release, lease, sides.primary)
        retire = _rested(release, lease, corrections)
        return _last_look(release, lease, corrections) if promoted else retire
    if corrections >= MOST_CORRECTIONS:
        if helpless:
            raise PrimaryDown(helpless)
        raise SplitDrifted(f"the split was moved again {corrections} times: {moved}")
    if helpless:
        lend(release, lease)
        floors.try_to_keep_count(release, lease, sides.primary)
        return Rest(next="again", corrections=corrections + 1, note=helpless)
    returned, note = give_back(release, lease)
    floors.try_to_keep_count(release, lease, sides.primary)
    returned.require_all()
    return Rest(next="again", corrections=corrections + 1, note=note)


def _last_look(release: Release, lease: Lease, corrections: int) -> Rest:
    """Before a promoted release is over. An alarm without data says nothing, for the canary has no
    traffic any more. One that is blind or gone is looked at again a few times, and so is a log that
    was not counted; then the release is over all the same, and its cause names it: every verdict
    was made while it saw.
    """
    found = guards.alarms(release, lease)
    if fired := fired_of(found):
        return Rest(next="restore", corrections=corrections, note=fired)
    if corrections < MOST_LOOKS_FOR_SIGHT:
        unseen = (unseen_of(release.alarms, found), subscriptions.uncounted(release, lease.fence))
        if why := "; ".join(filter(None, unseen)):
            note = f"After the weights had returned, {why}"
            return Rest(next="again", corrections=corrections + 1, note=note)
    return _rested(release, lease, corrections)


def _rested(release: Release, lease: Lease, corrections: int) -> Rest:
    """A canary that was never steady has had no requests that could go on."""
    drain = release.drain_seconds if lease.content else 0
    return Rest(next="retire", corrections=corrections, drain_seconds=drain)
