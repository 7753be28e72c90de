"""Rejection: a release that never began is published like one that ended."""

from stepcanary.aws import eventbridge
from stepcanary.domain import events
from stepcanary.errors import RequestRejected
from stepcanary.observability import logger


def publish_rejection(execution: str, request: object, rejected: RequestRejected) -> None:
    """Into the log only, where the request does not say which service it is about."""
    logger.warning("release rejected", extra={"cause": str(rejected)})
    event = events.rejected(execution, request, str(rejected))
    if event is not None:
        eventbridge.publish(event)
