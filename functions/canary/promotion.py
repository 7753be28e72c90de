"""Promotion: the primary gets the version that the canary serves, or its old one back.

All the while the canary carries the traffic: it is the healthy copy.
"""

from canary.aws import lease as leases
from canary.aws.lease import Lease
from canary.capacity import missing_capacity, service_of
from canary.deploying import Started, deploy_new, deploy_old
from canary.errors import NotEnoughCapacity
from canary.model import Model
from canary.release import Release
from canary.returning import Returned, give_back, require_primary
from canary.split import Split
from canary.stage import RETURNING, promoting, restoring
from canary.traffic import insist
from canary.traffic.routers import router_for

REVERTING = {"RevertRequested", "CanaryAlarmed"}
"""Failures of a promotion after which nobody is asked: the canary itself is in doubt."""


class Restored(Model):
    """What became of a failed promotion.

    `promoted` when it had in fact succeeded: the primary serves. Otherwise `deployment` brings the
    old version back, and `reverting` says whether a revert is wanted already.
    """

    promoted: bool
    reverting: bool
    next_attempt: int
    deployment: Started | None


def promote_primary(release: Release, fence: int, attempt: int) -> Started:
    """The same version to the primary. Raises `RevertRequested` before anything is touched."""
    leases.enter(release, fence, promoting(attempt), obey=True)
    return deploy_new(release, "primary")


def return_traffic(release: Release, fence: int, attempt: int, *, restored: bool) -> Returned:
    """All weight to the primary, once it can carry it: the new version, or its `restored` old one.

    From here on nothing but the primary will get weight, so a revert that comes later is refused.
    Raises `RevertRequested` for one that came before, unless the old version is there already.
    """
    leases.check(release, fence)
    require_primary(release)
    stage = restoring(attempt) if restored else promoting(attempt)
    lease = leases.enter(release, fence, RETURNING, obey=not restored, only_from=stage)
    return give_back(release, lease)


def restore_primary(release: Release, fence: int, attempt: int, error: str) -> Restored:
    """After a failed promotion: all traffic on the canary, and the old version to the primary."""
    lease = leases.enter(release, fence, restoring(attempt))
    primary = service_of(release, "primary")
    split = router_for(release.traffic[0]).read().split
    carried = missing_capacity(release, "primary", primary) is None and primary.steady
    promoted = split.at_rest and carried and _is_new(release, primary.task_definition)
    if not promoted:
        _hold_canary(release, lease, split)
    return Restored(
        promoted=promoted,
        reverting=lease.reverting or error in REVERTING,
        next_attempt=attempt + 1,
        deployment=None if promoted else deploy_old(release),
    )


def _is_new(release: Release, task_definition: str) -> bool:
    return task_definition != release.primary.task_definition


def _hold_canary(release: Release, lease: Lease, split: Split) -> None:
    """A foreign write may have sent traffic to a primary that is being replaced."""
    if split.canary == split.total:
        return
    short = missing_capacity(release, "canary", service_of(release, "canary"))
    if short is not None:
        raise NotEnoughCapacity(f"the canary cannot take the traffic: {short}")
    moved = insist(router_for(release.traffic[0]), 100)
    leases.confirm(lease, 100, moved.now.version)
