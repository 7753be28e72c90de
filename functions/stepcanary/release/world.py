"""World: the two ECS services of a release as they are now, and whether each can carry traffic."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from stepcanary import clock
from stepcanary.aws import ecs
from stepcanary.domain.capacity import Capacity, Standing, can_take_over
from stepcanary.domain.deployment import Service
from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.domain.revisions import foreign_revision
from stepcanary.domain.split import SideName
from stepcanary.errors import (
    CanaryShort,
    DeploymentOverdue,
    ForeignDeployment,
    NotEnoughCapacity,
)
from stepcanary.store import stages
from stepcanary.traffic.factory import router_for


@dataclass(frozen=True, slots=True)
class Sides:
    """Both ECS services, as one read showed them."""

    primary: Service
    canary: Service

    def of(self, side: SideName) -> Service:
        return self.primary if side == "primary" else self.canary


def see(release: Release) -> Sides:
    """Both services in one read; one that is gone runs nothing."""
    return see_all([release])[release.execution]


def see_all(releases: Iterable[Release]) -> dict[str, Sides]:
    """The services of many releases in few reads, by execution."""
    wanted = list(releases)
    by_cluster: dict[str, list[str]] = {}
    for release in wanted:
        names = by_cluster.setdefault(release.cluster, [])
        names += [release.primary.service, release.canary.service]
    found = {
        cluster: ecs.describe_services(cluster, list(dict.fromkeys(names)))
        for cluster, names in by_cluster.items()
    }

    def one(release: Release, side: SideName) -> Service:
        name = release.side(side).service
        return found[release.cluster].get(name) or Service.gone(name)

    return {r.execution: Sides(one(r, "primary"), one(r, "canary")) for r in wanted}


def measure(
    release: Release, side: SideName, service: Service, weight: int, *, targets: bool = False
) -> Capacity:
    """What a side can carry. The router's `targets` are asked for before a shift, and wherever
    tasks are too few for the weight: each router costs a call."""
    capacity = Capacity(service.name, release.tasks(side), service.running)
    if service.running == 0 or (not targets and capacity.shortage(weight) is None):
        return capacity
    counts = [router_for(traffic).healthy_targets(side) for traffic in release.traffic]
    known = [count for count in counts if count is not None]
    return replace(capacity, healthy=min(known, default=None))


def require_own(release: Release, lease: Lease, sides: Sides) -> str | None:
    """What somebody else deploys to the primary and ECS has not done yet; None where nobody does.

    Raises `ForeignDeployment` for a version of somebody else's on the canary, and on the primary
    once it can carry the traffic, or where the primary is being replaced by us as well.
    """
    if found := foreign_revision(release, lease, "canary", sides.canary):
        raise ForeignDeployment(found)
    found = foreign_revision(release, lease, "primary", sides.primary)
    if found and (lease.touched or may_carry_all(release, sides.primary)):
        raise ForeignDeployment(found)
    return found


def may_carry_all(release: Release, primary: Service) -> bool:
    """Whether ECS is done with the primary, and it carries all traffic."""
    settled = primary.settled and primary.running >= release.primary_tasks
    return settled and measure(release, "primary", primary, 100, targets=True).shortage(100) is None


@dataclass(frozen=True, slots=True)
class CanaryState:
    """How the canary stands with the weight that it has. `short` says what it lacks, `primary`
    what the primary lacks for all traffic where that was asked; `leaves` that the traffic has to
    go there."""

    standing: Standing
    short: str | None = None
    primary: str | None = None
    leaves: bool = False


def look_at_canary(
    release: Release, lease: Lease, sides: Sides, *, targets: bool = False
) -> CanaryState:
    """Notes in the lease since when the canary is short."""
    if lease.weight == 0:
        return CanaryState("enough")
    now = clock.epoch_seconds()
    canary = measure(release, "canary", sides.canary, lease.weight, targets=targets)
    short = canary.shortage(lease.weight)
    if short is None:
        if lease.short_since is not None:
            stages.note_shortage(lease, None)
        return CanaryState("enough")
    since = lease.short_since
    if since is None:
        stages.note_shortage(lease, now)
    standing = canary.stands(lease.weight, since, now, release.capacity_grace_seconds)
    if standing != "lost":
        return CanaryState(standing, short)
    primary = measure(release, "primary", sides.primary, 100, targets=True)
    return CanaryState(standing, short, primary.shortage(100), can_take_over(primary, canary))


def require_canary(
    release: Release, lease: Lease, sides: Sides, *, targets: bool = False
) -> str | None:
    """What the canary lacks for the weight that it has, in a sentence; None when nothing.

    Raises `CanaryShort` where traffic has to leave it for a primary that carries more.
    """
    state = look_at_canary(release, lease, sides, targets=targets)
    if state.leaves:
        raise CanaryShort(f"the canary cannot carry {lease.weight} %: {state.short}")
    return state.short


def helpless(release: Release, sides: Sides) -> str | None:
    """That the primary serves nothing while the canary could, in a sentence."""
    if measure(release, "primary", sides.primary, 100).serving:
        return None
    if not measure(release, "canary", sides.canary, 100).serving:
        return None
    name = sides.primary.name
    return f"{name} serves nothing, so the canary carries the traffic until it does"


def hold(release: Release, since: int, why: str) -> None:
    """For an act that has to wait: tried again until its deadline. `since` is in epoch seconds.

    Raises `NotEnoughCapacity`, or `DeploymentOverdue` when it has waited long enough.
    """
    deadline = release.deployment.deadline_seconds
    if clock.epoch_seconds() - since >= deadline:
        raise DeploymentOverdue(f"{why}, and that has not changed for {deadline} s")
    raise NotEnoughCapacity(why)
