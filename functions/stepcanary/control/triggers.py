"""Triggers: ECR pushes and pipeline successes that start or promote releases."""

import hashlib

from stepcanary.aws import ecr, stepfunctions
from stepcanary.contracts.answers import Triggered
from stepcanary.contracts.events import ImagePushed, PipelineSucceeded
from stepcanary.domain.request import LONGEST_BY, SignalInput
from stepcanary.errors import AwsRefused, AwsUnavailable, ReleaseError, RequestRejected
from stepcanary.release import signalling
from stepcanary.store import profiles, settings

MOST_GENERATIONS = 20
TAGS_WITHIN_SECONDS = 60
"""A build gives an image all of its tags within this time."""


def of_image(event: ImagePushed) -> Triggered:
    """A push releases or promotes each service whose profile says so of its tag.

    A digest that is pushed under several tags is one release, and so is an event that EventBridge
    delivers twice: the execution has the digest's name.
    """
    push = event.detail
    registry = ecr.registry(event.account, event.region)
    image = f"{registry}/{push.repository_name}@{push.image_digest}"
    by = f"push of {push.repository_name}:{push.image_tag}"[:LONGEST_BY]
    started: list[str] = []
    failed: list[ReleaseError] = []
    for service, profile in profiles.released_by_tag(push.repository_name, push.image_tag):
        assert profile.triggers is not None
        request: dict[str, object] = {
            "service": service,
            "images": {profile.triggers.container: image},
            "by": by,
        }
        try:
            started.append(_start(service, event, request))
        except (AwsRefused, AwsUnavailable) as failure:
            failed.append(failure)
    services = [s for s, _ in profiles.promoted_by_tag(push.repository_name, push.image_tag)]
    promoted = _promote(services, by, event)
    if failed:
        # Lambda delivers the event again; what was started already is not started twice.
        raise failed[0]
    return Triggered(started=started, promoted=promoted)


def _start(service: str, event: ImagePushed, request: dict[str, object]) -> str:
    """ARN of the one execution of this push."""
    # 80 characters at most, and of each service its own.
    mark = hashlib.sha256(service.encode()).hexdigest()[:8]
    digest = event.detail.image_digest.removeprefix("sha256:")[:16]
    name = f"push-{digest}-{service[:20]}-{mark}"
    for _ in range(MOST_GENERATIONS):
        execution = stepfunctions.start(settings.of_stack().state_machine, name, request)
        before = stepfunctions.started_before(execution, event.time, TAGS_WITHIN_SECONDS)
        if before is None:
            return execution
        # Pushed again once that release was over: somebody wants another one, whatever its tags.
        name = f"push-{digest}-{before}-{service[:20]}-{mark}"
    raise RequestRejected(f"the digest {digest} was released {MOST_GENERATIONS} times in 90 days")


def of_pipeline(event: PipelineSucceeded) -> Triggered:
    pipeline = event.detail.pipeline
    services = [service for service, _ in profiles.promoted_by_pipeline(pipeline)]
    return Triggered(promoted=_promote(services, f"pipeline {pipeline}"[:LONGEST_BY], event))


def _promote(services: list[str], by: str, event: ImagePushed | PipelineSucceeded) -> list[str]:
    """The executions that were reached."""
    reached: list[str] = []
    for service in services:
        signal = SignalInput(service=service, signal="promote", by=by)
        reached += signalling.signal_from_event(signal, event.id, event.time)
    return reached
