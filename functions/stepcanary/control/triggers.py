"""Triggers: ECR pushes and pipeline successes that start or promote releases."""

import hashlib

from stepcanary import clock
from stepcanary.aws import ecr, stepfunctions
from stepcanary.contracts.answers import Triggered
from stepcanary.contracts.events import ImagePushed, PipelineSucceeded
from stepcanary.domain.names import in_execution_name
from stepcanary.domain.pushes import OLDEST_SECONDS, Push
from stepcanary.domain.request import LONGEST_BY, SignalInput
from stepcanary.errors import AwsRefused, AwsUnavailable, ReleaseError, RequestRejected
from stepcanary.observability import logger
from stepcanary.release import signalling
from stepcanary.store import ledger, profiles, pushes, queue, senders, settings, triggers
from stepcanary.store.senders import Sender

MOST_GENERATIONS = 20
TAGS_WITHIN_SECONDS = 60
"""A build gives an image all of its tags within this time."""


def start_on_image(event: ImagePushed) -> Triggered:
    """A push releases each service whose profile says so of its tag.

    A digest that is pushed under several tags is one release, and so is an event that EventBridge
    delivers twice: the execution has the digest's name. In whatever order pushes arrive, none
    follows a newer one.
    """
    push = _push_of(event)
    registry = ecr.registry(event.account, event.region)
    image = f"{registry}/{event.detail.repository_name}@{push.digest}"
    started: list[str] = []
    failed: list[ReleaseError] = []
    found = profiles.released_by_tag(event.detail.repository_name, event.detail.image_tag)
    for service, trigger in found:
        request: dict[str, object] = {"service": service, "images": {trigger.container: image}}
        try:
            if newest := _as_newest(service, push):
                started.append(_start(service, event, request, newest.since))
        except (AwsRefused, AwsUnavailable, RequestRejected) as failure:
            failed.append(failure)
    if failed:
        # Lambda delivers the event again; what was started already is not started twice.
        raise failed[0]
    return Triggered(started=started)


def _push_of(event: ImagePushed) -> Push:
    return Push(int(event.time.timestamp()), event.detail.image_digest)


def _as_newest(service: str, push: Push) -> Push | None:
    """The push, which is the newest there is to release from now on, also for those that come
    later; None where it is not.

    Raises `RequestRejected` for one that nobody has obeyed and that comes too late, so that
    somebody learns of it.
    """
    newest = pushes.newest(service)
    if why := _why_left(service, push, newest):
        logger.info("a push is left", extra={"of_service": service, "cause": why})
        return None
    push = push.after(newest)
    # Where another one came in the same moment, it is looked at anew.
    return push if pushes.take(service, push, newest) else _as_newest(service, push)


def _why_left(service: str, push: Push, newest: Push | None) -> str | None:
    if newest is not None and push < newest:
        return f"{newest.digest} was pushed after it"
    if push.is_too_old(clock.epoch_seconds()):
        if push == newest:
            return "it was obeyed already"
        raise RequestRejected(
            f"the push of {push.digest} for {service} comes over {OLDEST_SECONDS} s after it was"
            " made, so it starts nothing; release it by hand if it is still wanted"
        )
    later = _started_by_hand(service, push)
    return f"somebody has started {later} after it" if later else None


def _started_by_hand(service: str, push: Push) -> str | None:
    """The execution that somebody has started after the push was made, whether it has begun or
    waits."""
    begun = ledger.last_begun(service)
    if begun is not None and push.at < begun.started_at and not senders.is_of_push(begun.execution):
        return begun.execution
    for execution in queue.asked(service):
        started_at = stepfunctions.running_since(execution)
        is_later = started_at is not None and push.at < started_at // 1_000
        if is_later and not senders.is_of_push(execution):
            return execution
    return None


def _start(service: str, event: ImagePushed, request: dict[str, object], since: int) -> str:
    """ARN of the one execution of this push."""
    # 80 characters at most, and of each service its own.
    mark = hashlib.sha256(service.encode()).hexdigest()[:8]
    of_service = f"{in_execution_name(service)[:20]}-{mark}"
    digest = event.detail.image_digest.removeprefix("sha256:")[:16]
    name = f"push-{digest}-{since}-{of_service}"
    machine = settings.of_stack().state_machine
    for _ in range(MOST_GENERATIONS):
        # Under another tag it may have been asked for before.
        sender = senders.vouch(name, Sender(_by(event), event.detail.image_digest))
        execution = stepfunctions.start(machine, name, {**request, "by": sender.by})
        before = stepfunctions.started_before(execution, event.time, TAGS_WITHIN_SECONDS)
        if before is None:
            return execution
        # Pushed again once that release was over: somebody wants another one, whatever its tags.
        name = f"push-{digest}-{since}-{before}-{of_service}"
    raise RequestRejected(f"the digest {digest} was released {MOST_GENERATIONS} times in 90 days")


def _by(event: ImagePushed) -> str:
    return f"push of {event.detail.repository_name}:{event.detail.image_tag}"[:LONGEST_BY]


def promote_on_image(event: ImagePushed) -> Triggered:
    """A push promotes the running release of each service whose profile says so of its tag."""
    services = profiles.promoted_by_tag(event.detail.repository_name, event.detail.image_tag)
    return Triggered(promoted=_promote(services, _by(event), event))


def promote_on_pipeline(event: PipelineSucceeded) -> Triggered:
    pipeline = event.detail.pipeline
    services = profiles.promoted_by_pipeline(pipeline)
    by = f"pipeline {pipeline}"[:LONGEST_BY]
    return Triggered(promoted=_promote(services, by, event))


def _promote(services: list[str], by: str, event: ImagePushed | PipelineSucceeded) -> list[str]:
    """The executions that were reached: none by an event that comes too late, or is of before a
    release began."""
    age = clock.epoch_seconds() - int(event.time.timestamp())
    if services and age > OLDEST_SECONDS:
        logger.warning("an event comes too late to promote", extra={"by": by, "seconds": age})
        return []
    reached: list[str] = []
    for service in services:
        signal = SignalInput(service=service, signal="promote", by=by)
        reached += signalling.signal_from_event(signal, event.id, event.time)
    return reached


def index_profiles() -> int:
    """Let pushes and pipelines find the profiles that there are now; how many they are."""
    found = profiles.every()
    triggers.index(found)
    return len(found)
