"""Way back: the primary's old version, kept so that it can be deployed again whatever becomes of
its revision meanwhile."""

from stepcanary.aws import ecs
from stepcanary.aws.ecs import TaskDefinition
from stepcanary.domain.changes import changes
from stepcanary.domain.content import pinned
from stepcanary.domain.lease import Lease
from stepcanary.domain.members import loss
from stepcanary.domain.model import Document
from stepcanary.domain.release import Release
from stepcanary.domain.revisions import short_name
from stepcanary.errors import DeploymentFailed
from stepcanary.release import copies, routes
from stepcanary.store import ledger, stages


def prepare(release: Release, lease: Lease) -> Lease:
    """Before the first deployment: what is to be gone back to is in the ledger, and ECS would
    deploy it. Raises `DeploymentFailed` where nothing of it is left."""
    if lease.copy:
        return lease
    old = ecs.find_task_definition(release.primary.task_definition)
    if old is None:
        document = ledger.way_back(release.execution)
        if document is None:
            raise _nothing_left(release)
        return _copied(release, lease, document)
    ledger.keep_way_back(release.execution, _exact(release, old), _changes(release, old))
    return lease if old.is_active else _copy_of(release, lease, old)


def _changes(release: Release, old: TaskDefinition) -> list[str]:
    """What the release changes beside images: only ready task definitions change anything else."""
    if release.task_definitions is None:
        return []
    new = ecs.find_task_definition(release.task_definitions.primary)
    return [] if new is None else changes(old.document, new.document)


def old_revision(release: Release, lease: Lease) -> tuple[Lease, str]:
    """ARN of a revision with the old version that ECS deploys, registered again where it has to be:
    also where its tags might mean something else by now.

    Raises `DeploymentFailed` where nothing of it is left.
    """
    wanted = lease.copy or release.primary.task_definition
    found = ecs.find_task_definition(wanted)
    if found is None and lease.copy:
        # Registered by this release: only the read lags.
        return lease, wanted
    if found is not None and found.is_active and _exact(release, found) == found.document:
        return lease, wanted
    if found is not None:
        lease = _copy_of(release, lease, found)
        return lease, lease.copy
    document = ledger.way_back(release.execution)
    if document is None:
        raise _nothing_left(release)
    lease = _copied(release, lease, document)
    return lease, lease.copy


def _exact(release: Release, old: TaskDefinition) -> Document:
    """The old version by the digests that it ran."""
    return pinned(old.document, release.primary.content)


def _copy_of(release: Release, lease: Lease, found: TaskDefinition) -> Lease:
    lease = _copied(release, lease, _exact(release, found))
    # The old version serves without them rather than not at all.
    losses = loss(f"the copy of {short_name(found.arn)}", found.unknown, release.may_be_lost)
    return routes.note_losses(lease, losses)


def _copied(release: Release, lease: Lease, document: Document) -> Lease:
    copied = lease.copy or release.primary.task_definition
    return stages.note_copy(lease, copies.put_up(release, copied, document))


def _nothing_left(release: Release) -> DeploymentFailed:
    name = short_name(release.primary.task_definition)
    return DeploymentFailed(
        f"task definition {name}, which the primary ran before, was deleted, so ECS cannot go back"
        " to it; register the old version again and deploy it"
    )
