"""Deploy: a version to one side, and whether it is complete. Each act is safe to run twice."""

from stepcanary import clock
from stepcanary.aws import ecs
from stepcanary.aws.ecs import TaskDefinition
from stepcanary.contracts.answers import SteadyAnswer
from stepcanary.domain.content import (
    by_digest,
    containers_of,
    pinned,
    promoted,
    unpinned,
    with_images,
)
from stepcanary.domain.deployment import (
    Service,
    Started,
    is_complete,
    is_overdue,
    looked_at,
    wait_before_next,
)
from stepcanary.domain.lease import Lease
from stepcanary.domain.members import refusal
from stepcanary.domain.model import Document
from stepcanary.domain.patience import MOST_CHECKS
from stepcanary.domain.release import Release
from stepcanary.domain.revisions import foreign_revision, is_old, short_name
from stepcanary.domain.split import SideName
from stepcanary.domain.stage import RETURNING
from stepcanary.errors import (
    DeploymentFailed,
    DeploymentOverdue,
    ForeignDeployment,
    RequestRejected,
)
from stepcanary.release import copies, floors, guards, running, way_back, world
from stepcanary.store import leases, ledger, stages


def canary_revision(release: Release, service: Service) -> str:
    """ARN of the task definition with the new version, derived from the canary's own.

    Raises `DeploymentFailed` where there is none to derive it from any more, or where a ready one
    was deregistered since the plan.
    """
    if release.task_definitions is not None:
        ready = _ready(release, "canary")
        return _exactly(release, ready, pinned(ready.document, release.pins))
    current = copies.untagged(_definition_of(release, "canary", service))
    for known in ledger.known_contents(release.service):
        # A rollback has left it with digests.
        current = unpinned(current, known)
    wanted = pinned(with_images(current, release.images or {}), release.pins)
    return ecs.find_or_register(wanted, release.may_be_lost)


def primary_revision(release: Release, lease: Lease, service: Service) -> str:
    """The same of the primary, by the digests that the canary ran.

    Of a ready one whose images have tags, too, one with digests is derived.
    """
    if release.task_definitions is None:
        current = copies.untagged(_definition_of(release, "primary", service))
        wanted = with_images(current, release.images or {})
        return ecs.find_or_register(_baked(release, lease, wanted), release.may_be_lost)
    ready = _ready(release, "primary")
    return _exactly(release, ready, _baked(release, lease, ready.document))


def _baked(release: Release, lease: Lease, wanted: Document) -> Document:
    """A rollback brings all containers back; a release leaves what is another on purpose."""
    if release.pins:
        return pinned(wanted, lease.content)
    return promoted(wanted, lease.content, release.primary.content)


def _exactly(release: Release, ready: TaskDefinition, exact: Document) -> str:
    """The ready one where it names these very images, else one that does."""
    if exact == ready.document:
        return ready.arn
    return ecs.find_or_register(exact, release.may_be_lost)


def _ready(release: Release, side: SideName) -> TaskDefinition:
    name: str = getattr(release.task_definitions, side)
    try:
        return ecs.require_task_definition(name, f"task_definitions.{side}")
    except RequestRejected as gone:
        raise DeploymentFailed(str(gone)) from gone


def _definition_of(release: Release, side: SideName, service: Service) -> Document:
    found = ecs.find_task_definition(service.task_definition)
    if found is not None:
        if refused := refusal(
            f"task definition {short_name(found.arn)}", found.unknown, release.may_be_lost
        ):
            raise DeploymentFailed(refused)
        return found.document
    kept = ledger.way_back(release.execution) if side == "primary" else None
    if kept is None:
        raise DeploymentFailed(
            f"task definition {short_name(service.task_definition)}, which the {side}"
            f" {service.name} runs, was deleted; deploy a registered one to it and start again"
        )
    return kept


def start(
    release: Release,
    side: SideName,
    service: Service,
    arn: str,
    *,
    tasks: int | None = None,
    anew: bool = False,
) -> Started:
    """A deployment of this revision, with so many `tasks` where they are to be others; `anew` where
    a deployment of it that is there already will not do.

    Raises `ForeignDeployment` where somebody else has deployed since the service was read: ECS
    takes no condition, so that can only be said afterwards.
    """
    deployment_id, replaced = ecs.deploy(
        release.cluster, service, arn, tasks=tasks, asks=True, anew=anew
    )
    if replaced and replaced != arn:
        raise ForeignDeployment(
            f"somebody else deployed {short_name(replaced)} to the {side} {service.name} at the"
            " same moment, and this release has replaced it; deploy it again"
        )
    return _started(release, deployment_id, arn)


def deploy_old(release: Release, lease: Lease, primary: Service) -> Started:
    """Put the old version back on the primary, where it is not there.

    What somebody else has deployed there stays, and is what to wait for.
    """
    if foreign_revision(release, lease, "primary", primary):
        return adopted(release, primary)
    arn = primary.task_definition
    current = primary.current
    failed = current is not None and current.get("rolloutState") == "FAILED"
    # Until it was asked for once, a read that shows the old version may be older than the new one.
    asks = lease.touched and not lease.restored
    if asks or failed or not is_old(release, lease, arn):
        lease, arn = way_back.old_revision(release, lease)
    deployment_id, _ = ecs.deploy(release.cluster, primary, arn, asks=asks)
    lease = floors.try_to_keep_count(release, lease, primary)
    if asks:
        stages.note_restored(lease, arn)
    return _started(release, deployment_id, arn)


def adopted(release: Release, service: Service) -> Started:
    """A deployment that somebody else has started, as one to wait for."""
    current = service.current
    started = _started(release, current["id"] if current else "", service.task_definition)
    return started.model_copy(update={"seen": True})


def runs_version(release: Release, primary: Service) -> bool:
    """Whether the primary runs the version that was released."""
    shipped = ledger.shipped(release.execution)
    if shipped.revision and primary.task_definition == shipped.revision:
        return True
    current = ecs.describe_task_definition(primary.task_definition)
    images = containers_of(current.document)
    if release.task_definitions is not None:
        # It may be our own copy of it.
        content = {n: by_digest(i) for n, i in shipped.content.items() if n in images}
        is_named = short_name(current.arn) == short_name(release.task_definitions.primary)
        return is_named or (bool(content) and content.items() <= images.items())
    released = {name: {image} for name, image in (release.images or {}).items()}
    for name, image in shipped.content.items():
        released.get(name, set()).add(by_digest(image))
    return all(images.get(name) in meant for name, meant in released.items())


def runs_new(release: Release, lease: Lease, primary: Service) -> bool:
    """Whether the primary runs what this release has deployed there."""
    if lease.primary_revision:
        return primary.task_definition == lease.primary_revision
    # Of a release that began on a version of this stack which did not note it.
    return lease.touched and runs_version(release, primary)


def _started(release: Release, deployment_id: str, arn: str) -> Started:
    now = clock.epoch_seconds()
    return Started(
        deployment_id=deployment_id,
        task_definition=arn,
        started_at=now,
        deadline_at=now + release.deployment.deadline_seconds,
    )


def check(
    release: Release, fence: int, side: SideName, started: Started, *, restoring: bool
) -> SteadyAnswer:
    """Whether the deployment runs in full and the router would send it requests.

    Raises `DeploymentFailed`, `DeploymentOverdue` and `CanaryShort`. While the old version is
    `restoring`, also `SplitDrifted`; otherwise `RevertRequested`, `ForeignDeployment` and, at the
    last check, `CanaryAlarmed`: until then alarms and routes are the sweep's to look at, which
    reads those of many releases at once.
    """
    lease = leases.check(release, fence)
    sides = world.see(release)
    service = sides.of(side)
    if restoring:
        other = service.task_definition != started.task_definition
        foreign = foreign_revision(release, lease, side, service)
        # The old version may be what somebody brought back by hand, but only once a read has shown
        # ours: before, the read may be older than the promotion.
        old = started.seen and is_old(release, lease, service.task_definition)
        if other and (foreign or old):
            # However many of them follow each other, they are looked at so often in all.
            started = adopted(release, service).model_copy(update={"checks": started.checks})
    else:
        stages.require_no_revert(lease)
        world.require_own(release, lease, sides)
        world.require_canary(release, lease, sides)
    if side == "primary":
        lease = floors.try_to_keep_count(release, lease, service)
    started = looked_at(service, started)
    steady = _has_arrived(release, side, service, started)
    if steady and side == "canary" and (unknown := running.note_canary(release, lease, service)):
        if is_overdue(clock.now(), started.deadline_at):
            raise DeploymentOverdue(f"ECS service {service.name}: {unknown}")
        steady = False
    if restoring and not steady:
        # What a route has that nobody knows sends no traffic to a primary that is being replaced.
        guards.require_unchanged(release, lease, members=False)
        world.require_canary(release, lease, sides)
    if steady and side == "primary" and not restoring:
        # The last look before all weight is given to the new version for good.
        steady = guards.require_last_word(release, lease, started.deadline_at)
        guards.require_unchanged(release, lease)
    return SteadyAnswer(
        steady=steady,
        serves=restoring and not steady and _is_to_serve(release, lease, service),
        deployment=started,
        wait_seconds=wait_before_next(started, release.deployment.check_seconds, release.execution),
    )


def _is_to_serve(release: Release, lease: Lease, primary: Service) -> bool:
    """Whether traffic that a canary in doubt has is better off at the primary as it is by now."""
    if lease.taken_back:
        # What stood in the way of a route may be over.
        return lease.weight > 0 and not lease.lent
    if not lease.reverting or lease.stage == RETURNING:
        return False
    return world.takes_back(release, lease, primary)


def _has_arrived(release: Release, side: SideName, service: Service, started: Started) -> bool:
    weight = release.steps[0].weight if side == "canary" and release.steps else 100
    complete = is_complete(service, started)
    short = world.measure(release, side, service, weight, targets=complete).shortage(weight)
    if complete and short is None:
        return True
    if is_overdue(clock.now(), started.deadline_at) or started.checks > MOST_CHECKS:
        missing = short or f"{service.running} of {service.desired} tasks run"
        raise DeploymentOverdue(
            f"ECS service {service.name} was not steady after"
            f" {release.deployment.deadline_seconds} s: {missing}. Look at its events and stopped"
            " tasks, or raise deployment.deadline_seconds"
        )
    return False
