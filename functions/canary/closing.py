"""Closing: the outcome into the ledger, and the split free for the next release."""

from canary.aws import lease as leases
from canary.aws import ledger
from canary.errors import LeaseLost
from canary.model import Model
from canary.release import Release

KEEPS_THE_LEASE = {"PromotionFailed", "RevertFailed"}
"""The split is not at rest: nobody else may write it, and an alarm says so."""


class Closed(Model):
    """`stranded` is 1 when weight may still be on the canary."""

    cause: str
    stranded: int


def close_release(
    release: Release, fence: int, outcome: str, cause: str, *, parked: bool
) -> Closed:
    """Also for an execution that lost its lease: then help from outside says how it ended."""
    try:
        lease = leases.check(release, fence)
    except LeaseLost as lost:
        return Closed(cause=f"{cause} ({lost})", stranded=0)
    ledger.record(release, outcome, cause)
    if outcome not in KEEPS_THE_LEASE:
        leases.free(lease)
        return Closed(cause=cause, stranded=0)
    if parked:
        leases.park(lease)
    return Closed(cause=cause, stranded=1)
