"""Closing: the outcome into the ledger, and the split free for the next release."""

from dataclasses import dataclass, replace

from stepcanary.contracts.answers import Closed
from stepcanary.domain.lease import Lease
from stepcanary.domain.outcome import Ending, ReleaseOutcome, explain
from stepcanary.domain.release import Release
from stepcanary.domain.revisions import foreign_sentence
from stepcanary.domain.stage import RETURNING
from stepcanary.errors import AwsRefused, AwsUnavailable, LeaseLost
from stepcanary.release import fixtures, kept, retiring, routes, running, toll_counting, world
from stepcanary.release.world import Sides
from stepcanary.store import leases, ledger

KEEPS_THE_LEASE = {"PromotionFailed", "RevertFailed"}
"""The split is not at rest: nobody else may write it, and an alarm says so."""


def close_release(
    release: Release, fence: int, outcome: ReleaseOutcome, ending: Ending, *, parked: bool
) -> Closed:
    """Also for an execution that lost its lease: then the ledger says how its release ended.

    A split that is not at rest is not closed, whatever the execution says, and a primary that runs
    what somebody else has deployed is not called released.
    """
    try:
        lease = leases.check(release, fence)
    except LeaseLost as lost:
        return _closed_by_others(release, str(lost))
    found, failures = routes.read_each(release)
    if outcome not in KEEPS_THE_LEASE:
        if failures:
            # Unread is not at rest, and the state machine tries again.
            raise failures[0]
        if routes.moved_off(release, found):
            outcome = "RevertFailed"
    if outcome == "PromotionFailed" and lease.stage == RETURNING:
        # An alarm after the weights had returned, and the primary did not get its old version back.
        outcome = "RevertFailed"
    foreign = _foreign(release, lease, outcome)
    if outcome == "Released" and foreign.primary:
        outcome = "Reverted"
    own = [f"Too late: {lease.signal}"] if _is_too_late(lease, outcome) else []
    if release.fled is not None and outcome != "Released":
        own.append(f"It was a rollback from {release.fled.version} to {release.version}")
    if kept.is_kept(release):
        own.append(
            f"The canary keeps its tasks for {release.keep_failed_seconds} s, without weight"
        )
    ending = ending.model_copy(
        update={"notes": [*ending.notes, *own, *foreign.notes, lease.losses]}
    )
    if lease.signal is not None:
        # An alarm's revert spares its own write until the traffic is back.
        ledger.note_signal(lease.holder, lease.signal)
    where = routes.where(release, found)
    cause = explain(outcome, ending, release.described, where, lent=lease.lent)
    ledger.close(release, outcome, cause, running.shipped(release, lease), lease.moments)
    if outcome not in KEEPS_THE_LEASE:
        clear_up(release, lease)
        return Closed(outcome=outcome, cause=cause, stranded=0)
    if parked:
        leases.park(lease)
    return Closed(outcome=outcome, cause=cause, stranded=1)


def _is_too_late(lease: Lease, outcome: ReleaseOutcome) -> bool:
    """Whether a signal was accepted in the moment in which an act failed, so that nothing of it
    came: whoever sent it was told otherwise."""
    return lease.signal is not None and not lease.reverting and outcome != "Released"


def clear_up(release: Release, lease: Lease) -> bool:
    """Take down what was put up and free the split; False where it was not ours any more.

    What is left of both is written down first, for help from outside.
    """
    retiring.follow(release, fixtures.take_down(release))
    toll_counting.follow(release, lease.moments)
    return leases.free(lease, release)


@dataclass(frozen=True, slots=True)
class Foreign:
    """What somebody else has deployed to each side, in sentences."""

    primary: str | None = None
    canary: str | None = None

    @property
    def notes(self) -> list[str]:
        return [found[0].upper() + found[1:] for found in (self.primary, self.canary) if found]


def foreign_on(release: Release, lease: Lease, sides: Sides) -> Foreign:
    return Foreign(
        world.foreign(release, lease, "primary", sides.primary),
        world.foreign(release, lease, "canary", sides.canary),
    )


def _foreign(release: Release, lease: Lease, outcome: ReleaseOutcome) -> Foreign:
    try:
        sides = world.see(release)
    except (AwsRefused, AwsUnavailable):
        if outcome == "Released":
            raise
        return Foreign()
    found = foreign_on(release, lease, sides)
    running = sides.primary.task_definition
    if outcome == "Released" and running and lease.primary_revision not in ("", running):
        return replace(found, primary=foreign_sentence("primary", sides.primary))
    return found


def _closed_by_others(release: Release, lost: str) -> Closed:
    found = ledger.find(release)
    if found is None or found.outcome == ledger.RUNNING:
        cause = f"This execution no longer holds its release: {lost}. See docs/runbook.md"
        return Closed(outcome="RevertFailed", cause=cause, stranded=1)
    return Closed(outcome=found.outcome, cause=found.cause, stranded=0)
