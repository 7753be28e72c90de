"""Rejection: a release that never began is published like one that ended.

Lambda may deliver the plan or the opening a second time, minutes later. What is refused then is not
the release, which runs by now or is over, so that nobody is told of it.
"""

from stepcanary.aws import eventbridge
from stepcanary.domain import events
from stepcanary.errors import RequestRejected
from stepcanary.observability import count, decided, logger
from stepcanary.store import leases, senders


def publish_rejection(execution: str, request: object, rejected: RequestRejected) -> None:
    """Into the log only where the request does not say which service it is about, or where the
    execution has begun its release: then this is a late delivery."""
    if leases.has_begun(execution):
        logger.info("its release has begun, so nobody is told", extra={"cause": str(rejected)})
        return
    count("Rejected")
    event = events.rejected(execution, request, str(rejected))
    decided("rejected", execution, event.service if event else "", cause=str(rejected))
    if event is not None:
        by = senders.named(execution, event.by)
        eventbridge.publish(event.model_copy(update={"by": by}))
