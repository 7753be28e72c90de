"""World: the two ECS services of a release as they are now, and whether each can carry traffic."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from stepcanary import clock
from stepcanary.aws import ecs
from stepcanary.domain.capacity import Capacity, Standing, can_take_over
from stepcanary.domain.capacity import takes_back as takes_all
from stepcanary.domain.deployment import Service
from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.domain.revisions import foreign_revision, rolling_of
from stepcanary.domain.rollback import canary_tasks
from stepcanary.domain.split import SideName
from stepcanary.errors import (
    CanaryShort,
    DeploymentOverdue,
    ForeignDeployment,
    NotEnoughCapacity,
)
from stepcanary.release.pace import Pace
from stepcanary.release.running import note_same, redeployment
from stepcanary.store import stages
from stepcanary.traffic.factory import router_for

SERVICES_READS_PER_SECOND = 5.0


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
    """The services of many releases of one account in few reads, by execution."""
    wanted = list(releases)
    by_cluster: dict[str, list[str]] = {}
    for release in wanted:
        names = by_cluster.setdefault(release.cluster, [])
        names += [release.primary.service, release.canary.service]
    pace = Pace(SERVICES_READS_PER_SECOND)
    found: dict[str, dict[str, Service]] = {}
    for cluster, names in by_cluster.items():
        distinct = list(dict.fromkeys(names))
        found[cluster] = {}
        for first in range(0, len(distinct), ecs.SERVICES_PER_CALL):
            pace.wait()
            some = distinct[first : first + ecs.SERVICES_PER_CALL]
            found[cluster] |= ecs.describe_services(cluster, some)

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


def require_own(release: Release, lease: Lease, sides: Sides, *, tasks: bool = True) -> str | None:
    """What somebody else deploys to the primary and ECS has not done yet; None where nobody does.
    `tasks` is as in `foreign`.

    As long as that lasts an act that gives weight waits. Raises `ForeignDeployment` for a version
    of somebody else's on the canary, and on the primary once it is steady, or where the primary is
    being replaced by us as well.
    """
    if found := foreign(release, lease, "canary", sides.canary, tasks=tasks):
        raise ForeignDeployment(found)
    found = foreign(release, lease, "primary", sides.primary, tasks=tasks)
    if found and (lease.touched or keeps_up(release, sides.primary) is None):
        raise ForeignDeployment(found)
    return found


def foreign(
    release: Release, lease: Lease, side: SideName, service: Service, *, tasks: bool = True
) -> str | None:
    """What somebody else has deployed to this side, in a sentence: another revision, or other bytes
    under the same tags. A deployment that is found to run the same is noted.

    Its `tasks` are asked for bytes, which costs two calls for as long as such a one is not noted.
    """
    if found := foreign_revision(release, lease, side, service):
        return found
    again = redeployment(release, lease, side, service) if tasks else None
    if again is None:
        return None
    note_same(lease, again)
    return again.foreign


def as_large_as_primary(release: Release, sides: Sides) -> Release:
    """The primary may have scaled out since the release was planned: it carries more traffic than
    then, and so will the canary. One of a fixed size stays so, but in a rollback, which gives it
    all traffic at once."""
    if release.fled is None and release.capacity == "fixed":
        return release
    primary = sides.primary
    tasks = canary_tasks(release.canary_tasks, primary.desired, primary.running)
    return release.model_copy(update={"canary_tasks": tasks})


def takes_back(release: Release, lease: Lease, primary: Service) -> bool:
    """Whether the traffic of a canary in doubt goes to the primary as it is, before it is steady on
    its old version."""
    if foreign_revision(release, lease, "primary", primary):
        return False
    rolling = rolling_of(release, lease, primary)
    return takes_all(rolling, measure(release, "primary", primary, 100, targets=True))


def may_carry_all(release: Release, primary: Service) -> bool:
    """Whether ECS is done with the primary, and it carries all traffic."""
    done = primary.settled and primary.is_full
    settled = done and primary.running >= release.primary_tasks
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
    # Tasks that crash in a loop run at some looks; only healthy ones end a shortage.
    asks = targets or lease.short_since is not None
    canary = measure(release, "canary", sides.canary, lease.weight, targets=asks)
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

    Raises `CanaryShort` where traffic has to leave it for a primary that carries more, or where the
    primary is being replaced by the version that is lost.
    """
    state = look_at_canary(release, lease, sides, targets=targets)
    if state.leaves or (state.standing == "lost" and lease.stage.phase == "promotion"):
        raise CanaryShort(f"the canary cannot carry {lease.weight} %: {state.short}")
    return state.short


def helpless(release: Release, sides: Sides, *, lent: bool = False) -> str | None:
    """That the primary serves nothing while the canary could, in a sentence.

    Traffic that was `lent` stays until the primary carries all of it, or more than the canary.
    """
    primary = measure(release, "primary", sides.primary, 100, targets=lent)
    if primary.serving and not lent:
        return None
    canary = measure(release, "canary", sides.canary, 100)
    if not canary.serving or (lent and can_take_over(primary, canary)):
        return None
    what = "serves nothing" if not primary.serving else f"serves with {primary.serving} tasks"
    return f"{primary.service} {what}, so the canary carries the traffic until it does"


def keeps_up(release: Release, primary: Service) -> str | None:
    """What the primary, which has the traffic, lacks of the tasks that it should have by now; None
    when nothing. An autoscaler may have taken some of those that it was planned with."""
    if not primary.settled:
        return f"ECS is still deploying to {primary.name}"
    needed = max(1, min(primary.desired, release.primary_tasks))
    own = release.model_copy(update={"primary_tasks": needed})
    return measure(own, "primary", primary, 100, targets=True).shortage(100)


def hold(release: Release, since: int, why: str) -> None:
    """For an act that has to wait: tried again until its deadline. `since` is in epoch seconds.

    Raises `NotEnoughCapacity`, or `DeploymentOverdue` when it has waited long enough.
    """
    deadline = release.deployment.deadline_seconds
    if clock.epoch_seconds() - since >= deadline:
        raise DeploymentOverdue(f"{why}, and that has not changed for {deadline} s")
    raise NotEnoughCapacity(why)
