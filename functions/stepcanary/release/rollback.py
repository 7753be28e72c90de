"""Rollback: back to the version before the last release, or to one that is named, at full speed."""

from contextlib import suppress
from dataclasses import dataclass

from stepcanary.aws import ecs
from stepcanary.domain import rollback
from stepcanary.domain.content import Content, containers_of, digest_of
from stepcanary.domain.deployment import Service
from stepcanary.domain.model import Document
from stepcanary.domain.names import TaskDefinitions
from stepcanary.domain.profile import Profile, Step
from stepcanary.domain.release import Fled, Release
from stepcanary.domain.request import Request
from stepcanary.domain.revisions import short_name
from stepcanary.errors import DocumentUnreadable, RequestRejected
from stepcanary.release.deploy import runs_version
from stepcanary.store import ledger


@dataclass(frozen=True, slots=True)
class Rollback:
    """A request for the version to go back to, the profile without steps, alarms and gates, what is
    gone back from, and in `pins` what the version that comes back ran."""

    request: Request
    profile: Profile
    fled: Fled
    pins: Content


def rolled_back(request: Request, profile: Profile) -> Rollback:
    """The rollback that is requested.

    The alarms judge a canary of the version that is already known; those that fire now are about
    the version that is to go. Raises `RequestRejected` where there is nothing to go back to, or
    where that has to be named.
    """
    last = ledger.last_released(request.service)
    primary = ecs.require_service(profile.cluster, profile.primary, "primary")
    runs_last = last is not None and runs_version(last, primary)
    if request.to:
        version, content = _named(request)
    else:
        last = _require_last(request, last, primary, runs_last=runs_last)
        version, content = _before(request, last)
    runs = last.version if last and runs_last else short_name(primary.task_definition)
    fast = profile.model_copy(
        update={
            "steps": [Step(weight=100, bake_seconds=0)],
            "alarms": [],
            "promotion": profile.promotion.model_copy(update={"approval": False}),
            "canary_tasks": rollback.canary_tasks(
                profile.canary_tasks, primary.desired, primary.running
            ),
        }
    )
    return Rollback(version, fast, Fled(version=runs), content)


def _require_last(
    request: Request, last: Release | None, primary: Service, *, runs_last: bool
) -> Release:
    if last is None:
        raise RequestRejected(
            f"rollback: no release of {request.service} is in the ledger; name an image instead"
        )
    if not runs_last:
        raise RequestRejected(
            f"rollback: {primary.name} does not run what {last.execution} released, so somebody"
            " else has deployed since; name an image instead"
        )
    if why := rollback.why_unnamed(last, ledger.good(request.service)):
        raise RequestRejected(why)
    return last


def _named(request: Request) -> tuple[Request, Content]:
    """For the version that the named execution released."""
    try:
        target = ledger.release_of(request.to)
    except DocumentUnreadable:
        target = None
    record = ledger.find(target) if target is not None else None
    outcome = record.outcome if record is not None else None
    good = ledger.good(request.service)
    if why := rollback.why_not_to(request.to, request.service, target, outcome, good):
        raise RequestRejected(why)
    assert target is not None
    content = ledger.shipped(target.execution).content
    images = target.images and {n: content.get(n, image) for n, image in target.images.items()}
    _require_digests(images or {})
    if target.task_definitions is not None and not content:
        _require_fixed(target.task_definitions)
    version = {"images": images, "task_definitions": target.task_definitions}
    return request.model_copy(update=version), content


def _before(request: Request, last: Release) -> tuple[Request, Content]:
    """For what the primary ran before this release."""
    content = last.primary.content
    if last.images is None:
        before = TaskDefinitions(
            primary=last.primary.task_definition, canary=_canary_of(request.service, last)
        )
        if not content:
            _require_fixed(before)
        return request.model_copy(update={"task_definitions": before}), content
    # A release on an older version of this stack has noted none.
    content = content or containers_of(_old_definition(last))
    images = {name: content[name] for name in last.images}
    _require_digests(images)
    known = {name: image for name, image in content.items() if digest_of(image)}
    return request.model_copy(update={"images": images}), known


def _require_digests(images: dict[str, str]) -> None:
    """Nobody judges a rollback, so it brings back bytes and not what a tag means by now."""
    for name, image in images.items():
        if not digest_of(image):
            raise RequestRejected(
                f"rollback: nobody noted which bytes {image} was in container {name}; release the"
                " image by its digest"
            )


def _require_fixed(ready: TaskDefinitions) -> None:
    """The same of ready task definitions of which nothing was noted."""
    found = ecs.require_task_definition(ready.canary, "task_definitions.canary")
    _require_digests(containers_of(found.document))


def _canary_of(service: str, last: Release) -> str:
    """The canary's task definition of the version that the primary ran before this release: what
    the canary was left with since may be of one that was reverted."""
    for good in ledger.good(service):
        with suppress(DocumentUnreadable):
            earlier = ledger.release_of(good.execution)
            theirs = ledger.shipped(good.execution).revision
            if theirs == last.primary.task_definition and earlier.task_definitions is not None:
                return earlier.task_definitions.canary
    return last.canary.task_definition


def _old_definition(last: Release) -> Document:
    old = ecs.find_task_definition(last.primary.task_definition)
    document = old.document if old is not None else ledger.way_back(last.execution)
    if document is None:
        raise RequestRejected(
            f"rollback: {last.primary.task_definition} was deleted; name an image instead"
        )
    return document
