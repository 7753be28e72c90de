"""Promotion: the primary gets the version that the canary serves, or its old one back.

All the while the canary carries the traffic: it is the healthy copy.
"""

from stepcanary.contracts.answers import Attempt, Restored
from stepcanary.domain.deployment import Started
from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.domain.stage import RETURNING, promoting, restoring
from stepcanary.errors import CanaryShort, NotEnoughCapacity, ReleaseError
from stepcanary.release import guards, routes
from stepcanary.release.capacity import missing_capacity, service_of
from stepcanary.release.deploy import deploy_new, deploy_old
from stepcanary.release.revert import attempt, give_back, require_primary
from stepcanary.release.routes import force_all
from stepcanary.store import leases, stages

REVERTING = {"RevertRequested", "CanaryAlarmed", "CanaryShort"}
"""Failures of a promotion that revert without a gate: the canary itself is in doubt."""


def promote_primary(release: Release, fence: int, number: int) -> Started:
    """The same version to the primary, which serves nothing while the canary carries it all.

    Raises `RevertRequested`, `SplitDrifted` and `NotEnoughCapacity` before anything is touched, and
    before the ledger says that it may be.
    """
    lease = stages.enter(release, fence, promoting(number), unless_reverting=True)
    guards.require_unchanged(release, lease)
    if lease.weight < 100:
        raise NotEnoughCapacity(f"the primary is not touched: it has {100 - lease.weight} %")
    short = missing_capacity(release, "canary", service_of(release, "canary"))
    if short is not None:
        raise CanaryShort(f"the primary is not touched: {short}, and the canary serves")
    stages.enter(release, fence, promoting(number), unless_reverting=True, touch=True)
    return deploy_new(release, "primary")


def return_traffic(release: Release, fence: int, number: int, *, restored: bool) -> Attempt:
    """All weight to the primary, once it can carry it: the new version, or its `restored` old one.

    From here on nothing but the primary will get weight, so a revert that comes later is refused.
    Raises `RevertRequested` for one that came before, unless the old version is there already.
    """
    if leases.check(release, fence).stage < RETURNING:
        require_primary(release)
    stage = restoring(number) if restored else promoting(number)
    lease = stages.enter(release, fence, RETURNING, unless_reverting=not restored, only_from=stage)
    return attempt(release, lease)


def restore_primary(
    release: Release, fence: int, number: int, error: str, *, returned: bool = False
) -> Restored:
    """After a failed promotion: all traffic on the canary, and the old version to the primary.

    A promotion that could not begin has left a primary that takes its traffic back at once. One
    that has `returned` the weights before an alarm fired keeps them: the canary runs the version
    that is in doubt as well.
    """
    if returned:
        lease = stages.enter(release, fence, RETURNING)
        deployment = deploy_old(release)
        moved, note = give_back(release, lease)
        moved.require_all()
        return Restored(next="return", next_attempt=number + 1, note=note, deployment=deployment)
    if not leases.check(release, fence).touched:
        return Restored(next="revert", next_attempt=number + 1)
    lease = stages.enter(release, fence, restoring(number))
    note, failures = hold_canary(release, lease)
    deployment = deploy_old(release)
    if failures:
        # Whatever one route's trouble is, the others and the primary are cared for.
        raise failures[0]
    return Restored(
        next="return" if lease.reverting or error in REVERTING else "ask",
        next_attempt=number + 1,
        note=note,
        deployment=deployment,
    )


def hold_canary(release: Release, lease: Lease) -> tuple[str, list[ReleaseError]]:
    """All weight to the canary, if it can carry it; what had moved it, and what stands in the way.

    `NotEnoughCapacity` is an answer, not an exception: the primary has to be cared for all the
    same.
    """
    found, failures = routes.read_each(release)
    note = routes.foreign_writes(release, lease, found) or ""
    if any(reading.split.canary < reading.split.total for reading in found.values()):
        short = missing_capacity(release, "canary", service_of(release, "canary"))
        if short is not None:
            return note, [NotEnoughCapacity(f"the canary cannot take the traffic: {short}")]
        held = force_all(release, 100)
        found, failures = held.now, held.failures
    if not failures:
        routes.confirm(lease, 100, found)
    return note, failures
