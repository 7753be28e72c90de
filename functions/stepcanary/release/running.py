"""Running: what the tasks of each side run, which is one content per release.

It costs two calls of ECS, and none where a task definition names its images by digest.
"""

from dataclasses import dataclass

from stepcanary.aws import ecs
from stepcanary.domain import moments
from stepcanary.domain.content import (
    Content,
    ContentMixed,
    ContentUnknown,
    Digests,
    brought,
    content_of,
    differences,
    has_tag,
    is_fixed,
    is_same,
    with_tags,
)
from stepcanary.domain.deployment import Service
from stepcanary.domain.lease import Lease
from stepcanary.domain.model import Document
from stepcanary.domain.release import Release
from stepcanary.domain.split import SideName
from stepcanary.errors import AwsUnavailable, DeploymentFailed, RequestRejected
from stepcanary.store import stages
from stepcanary.store.ledger import Shipped


def _digests(cluster: str, service: Service, document: Document) -> list[Digests]:
    """Of the tasks of the service's deployment; a read that lags shows none of them."""
    if is_fixed(document):
        return []
    deployment = service.current["id"] if service.current else ""
    tasks = ecs.running_tasks(cluster, service.name)
    return [task.digests for task in tasks if task.deployment == deployment]


def content_at_rest(
    cluster: str, service: Service, document: Document, *, last_try: bool
) -> Content:
    """What the primary runs before a release, and goes back to if it has to.

    Raises `RequestRejected` where that is not one digest per container, and `AwsUnavailable` where
    ECS may say so later, unless this is the `last_try`.
    """
    try:
        return content_of(document, _digests(cluster, service, document))
    except ContentMixed as mixed:
        raise RequestRejected(
            f"primary: ECS service {service.name}: {mixed}, so nobody knows what a revert would"
            " bring back; force a new deployment of it, and start again when it is steady"
        ) from mixed
    except ContentUnknown as unknown:
        if not last_try:
            raise AwsUnavailable(f"primary: ECS service {service.name}: {unknown}") from unknown
        raise RequestRejected(
            f"primary: ECS service {service.name}: {unknown}, so a revert could bring back"
            " something else; name the image by its digest, or run Fargate 1.4.0 or the ECS agent"
            " 1.70.0, or later"
        ) from unknown


def note_canary(release: Release, lease: Lease, service: Service) -> str | None:
    """Write down what the steady canary runs: what will bake, and what the primary will get.

    Why that is not known, in a sentence, where ECS does not say so yet. Raises `DeploymentFailed`
    where its tasks differ, or are not what a rollback is to bring back.
    """
    if lease.content:
        return None
    definition = ecs.find_task_definition(service.task_definition)
    if definition is None or service.current is None:
        raise DeploymentFailed(f"the task definition of {service.name} was deleted; start again")
    try:
        digests = _digests(release.cluster, service, definition.document)
        content = content_of(definition.document, digests)
    except ContentMixed as mixed:
        raise DeploymentFailed(f"ECS service {service.name}: {mixed}; start again") from mixed
    except ContentUnknown as unknown:
        return (
            f"{unknown}; name the image by its digest, or run Fargate 1.4.0 or the ECS agent"
            " 1.70.0, or later"
        )
    if release.pins and not is_same(content, release.pins):
        raise DeploymentFailed(
            f"ECS service {service.name} does not run what was to come back; name an image instead"
        )
    # A rollback names digests, and what it brings back has had tags.
    stages.note_content(lease, with_tags(content, release.pins), service.current["id"])
    return None


def shipped(release: Release, lease: Lease) -> Shipped:
    """What the release leaves in the ledger for those that come after it."""
    restored_seconds = _restored_seconds(lease)
    if not lease.content:
        return Shipped({}, lease.primary_revision, restored_seconds=restored_seconds)
    before = release.primary.content
    named = lease.content if release.pins or release.images is None else release.images
    content = brought(lease.content, before, named)
    is_new = release.images is None or not is_same(content, before)
    return Shipped(content, lease.primary_revision, is_new, restored_seconds)


def _restored_seconds(lease: Lease) -> int | None:
    """From a doubt until the old version had all traffic; None where it has not."""
    doubted_at = lease.doubted_at
    if doubted_at is None or (lease.touched and not lease.restored):
        return None
    restored = moments.restored_at(moments.read(lease.moments), doubted_at * 1_000)
    return None if restored is None else restored // 1_000 - doubted_at


@dataclass(frozen=True, slots=True)
class Redeployment:
    """A side that somebody else has deployed anew with the revision that it had, whose tags may
    mean something else by now. `tasks` are those that it runs, `expected` is what it ran."""

    side: SideName
    service: Service
    expected: Content
    tasks: list[ecs.Task]

    @property
    def foreign(self) -> str | None:
        """That it runs something else, in a sentence; None where nothing shows that."""
        other = differences(self.expected, [task.digests for task in self.tasks])
        if not other:
            return None
        return (
            f"somebody else deployed the {self.side} {self.service.name} again, and its tags mean"
            f" something else by now: it runs {', '.join(other)}"
        )

    @property
    def deployment(self) -> str:
        """Its id."""
        return self.service.current["id"] if self.service.current else ""

    @property
    def is_known_to_be_same(self) -> bool:
        """Whether ECS is done with it, and says of each tag that it means what it meant."""
        tagged = _tagged(self.expected)
        own = [task for task in self.tasks if task.deployment == self.deployment]
        is_told = all(tagged <= task.digests.keys() for task in own)
        return bool(own) and is_told and self.service.settled and self.foreign is None


def _tagged(content: Content) -> set[str]:
    return {name for name, image in content.items() if has_tag(image)}


def redeployment(
    release: Release, lease: Lease, side: SideName, service: Service
) -> Redeployment | None:
    """Of this side, by its tasks, which are asked for; None where nobody has made one, or where it
    can run nothing else."""
    if side == "canary":
        expected, known, revision = lease.content, lease.canary_deployment, lease.canary_revision
    else:
        # What this release gives the primary is named by digest.
        at_rest = release.primary
        expected, revision = at_rest.content, at_rest.task_definition
        known = lease.primary_deployment or at_rest.deployment
    ids = {deployment["id"] for deployment in service.deployments}
    if service.task_definition != revision or ids <= {known} or not _tagged(expected):
        return None
    tasks = ecs.running_tasks(release.cluster, service.name)
    return Redeployment(side, service, expected, tasks)


def note_same(lease: Lease, found: Redeployment) -> None:
    """So that it is asked once."""
    if found.is_known_to_be_same:
        stages.note_deployment(lease, found.side, found.deployment)
