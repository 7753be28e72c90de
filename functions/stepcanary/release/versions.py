"""Versions: the task definitions that a release would deploy, checked before anything changes."""

from collections.abc import Collection
from dataclasses import dataclass

from stepcanary.aws import ecs
from stepcanary.aws.ecs import TaskDefinition
from stepcanary.domain.content import Content, is_fixed, loose_containers, unbaked, with_images
from stepcanary.domain.deployment import Service
from stepcanary.domain.members import Paths, refusal, warnings_of
from stepcanary.domain.model import Document
from stepcanary.domain.permitted import check_families, check_images, check_roles
from stepcanary.domain.request import Request
from stepcanary.domain.revisions import short_name
from stepcanary.domain.settings import StackSettings
from stepcanary.domain.split import SideName
from stepcanary.errors import RequestRejected


@dataclass(frozen=True, slots=True)
class Versions:
    """What the primary runs. `is_new` is false where the release would bring these very images;
    `losses` says what is lost where a task definition is registered anew. `ready` are the primary's
    and the canary's task definition where the request names them."""

    running: Document
    is_new: bool
    losses: list[str]
    ready: tuple[Document, Document] | None = None

    def require_one(self, content: Content) -> None:
        """Raises `RequestRejected` where the primary would get what no canary runs; `content` is
        what it runs now."""
        if self.ready and (alone := unbaked(*self.ready, content)):
            raise RequestRejected(
                f"task_definitions: {alone}, so no canary would run what the primary gets; name the"
                " same image in both"
            )


@dataclass(frozen=True, slots=True)
class Limits:
    """What the stack allows, and the profile's `repositories`."""

    stack: StackSettings
    repositories: Collection[str]

    def check(self, field: str, before: Document, after: Document, *, images: bool = True) -> None:
        """Raises `RequestRejected` for a task definition that may not be released. Images that were
        released before may be gone back to."""
        check_roles(self.stack, field, after)
        if images:
            check_images(self.stack, self.repositories, before, after)


def check(
    request: Request | None,
    primary: Service,
    canary: Service,
    may_be_lost: Collection[str],
    limits: Limits,
) -> Versions:
    """Without a request it is about what the sides run now.

    Raises `RequestRejected` for a version that cannot be deployed to one of the sides, that may
    not be, and for an old one that could not be gone back to."""
    running = _running("primary", primary)
    goes_back = request is not None and request.action == "rollback"
    task_definitions = request.task_definitions if request is not None else None
    images = (request.images if request is not None else None) or {}
    losses = []
    both = None
    if task_definitions is None:
        losses += losses_of(_name("primary", running), running.unknown, may_be_lost)
        of_canary = _running("canary", canary)
        losses += losses_of(_name("canary", of_canary), of_canary.unknown, may_be_lost)
        wanted = with_images(running.document, images)
        _check_consistent("primary", wanted)
        canary_wanted = with_images(of_canary.document, images)
        _check_consistent("canary", canary_wanted)
        limits.check("primary", running.document, wanted, images=not goes_back)
        limits.check("canary", of_canary.document, canary_wanted, images=not goes_back)
    else:
        if not running.is_active or not is_fixed(running.document):
            # The way back registers it again.
            losses += losses_of(_name("primary", running), running.unknown, may_be_lost)
        ready = _ready(task_definitions.primary, "primary")
        of_canary = _ready(task_definitions.canary, "canary")
        if not goes_back:
            both = (ready.document, of_canary.document)
        for side, found in (("primary", ready), ("canary", of_canary)):
            if not is_fixed(found.document) or goes_back:
                # It is registered again, by digests.
                losses += losses_of(f"{side}: {short_name(found.arn)}", found.unknown, may_be_lost)
            check_families(found.document["family"], side, _families(primary, canary))
            limits.check(
                f"task_definitions.{side}", running.document, found.document, images=not goes_back
            )
        wanted = ready.document
    is_new = wanted != running.document or not is_fixed(wanted)
    return Versions(running.document, is_new, losses, both)


def _families(*services: Service) -> list[str]:
    return [short_name(service.task_definition).partition(":")[0] for service in services]


def losses_of(name: str, unknown: Paths, may_be_lost: Collection[str]) -> list[str]:
    """What is lost of the document of this name when it is written back, in sentences.

    Raises `RequestRejected` for what must not be lost.
    """
    if refused := refusal(name, unknown, may_be_lost):
        raise RequestRejected(refused)
    return warnings_of(name, unknown, may_be_lost)


def _name(side: SideName, found: TaskDefinition) -> str:
    return f"{side}: task definition {short_name(found.arn)}"


def _running(side: SideName, service: Service) -> TaskDefinition:
    found = ecs.find_task_definition(service.task_definition)
    if found is None:
        raise RequestRejected(
            f"{side}: task definition {service.task_definition}, which {service.name} runs, was"
            " deleted, so there is no way back to it; deploy a registered one first"
        )
    _check_consistent(side, found.document)
    return found


def _ready(name: str, side: SideName) -> TaskDefinition:
    found = ecs.require_task_definition(name, f"task_definitions.{side}")
    _check_consistent(f"task_definitions.{side}", found.document)
    return found


def _check_consistent(field: str, document: Document) -> None:
    if loose := loose_containers(document):
        raise RequestRejected(
            f"{field}: container {loose[0]} of {document['family']} has versionConsistency disabled"
            " and an image with a tag, so its tasks may run different images within one release;"
            " enable it, or name the image by its digest"
        )
