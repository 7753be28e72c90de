"""Closing: the outcome into the ledger, and the split free for the next release."""

from stepcanary.contracts.answers import Closed
from stepcanary.domain.outcome import Ending, ReleaseOutcome, explain
from stepcanary.domain.release import Release
from stepcanary.domain.stage import RETURNING
from stepcanary.errors import LeaseLost
from stepcanary.release.routes import at_rest
from stepcanary.store import leases, ledger

KEEPS_THE_LEASE = {"PromotionFailed", "RevertFailed"}
"""The split is not at rest: nobody else may write it, and an alarm says so."""


def close_release(
    release: Release, fence: int, outcome: ReleaseOutcome, ending: Ending, *, parked: bool
) -> Closed:
    """Also for an execution that lost its lease: then the ledger says how its release ended.

    A split that is not at rest is not closed, whatever the execution says.
    """
    try:
        lease = leases.check(release, fence)
    except LeaseLost as lost:
        return _closed_by_others(release, str(lost))
    if outcome not in KEEPS_THE_LEASE and not at_rest(release):
        outcome = "RevertFailed"
    if outcome == "PromotionFailed" and lease.stage == RETURNING:
        # An alarm after the weights had returned, and the primary did not get its old version back.
        outcome = "RevertFailed"
    if lease.signal is not None:
        # An alarm's revert spares its own write until the traffic is back.
        ledger.note_signal(lease.holder, lease.signal)
    cause = explain(outcome, ending, release.version)
    ledger.close(release, outcome, cause)
    if outcome not in KEEPS_THE_LEASE:
        leases.free(lease, release)
        return Closed(outcome=outcome, cause=cause, stranded=0)
    if parked:
        leases.park(lease)
    return Closed(outcome=outcome, cause=cause, stranded=1)


def _closed_by_others(release: Release, lost: str) -> Closed:
    found = ledger.find(release)
    if found is None or found.outcome == ledger.RUNNING:
        cause = f"This execution no longer holds its release: {lost}. See docs/runbook.md"
        return Closed(outcome="RevertFailed", cause=cause, stranded=1)
    return Closed(outcome=found.outcome, cause=found.cause, stranded=0)
