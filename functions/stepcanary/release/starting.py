"""Starting: releases that are started at once begin one after the other."""

from stepcanary import clock
from stepcanary.release.plan import request_of
from stepcanary.store import leases, queue, starts


def wait_seconds(execution: str, document: object) -> int:
    """How long this release has to wait. A rollback does not: somebody is in need.

    Raises `RequestRejected` for what is no request.
    """
    request = request_of(document)
    if request.action == "rollback":
        return 0
    seconds = starts.take_turn()
    if seconds:
        queue.start_later(request.service, execution, clock.epoch_seconds() + seconds)
    return seconds


def begin(execution: str, service: str) -> None:
    """It is its turn. Raises `RequestRejected` where somebody has withdrawn it meanwhile."""
    place = queue.start_now(service, execution)
    if place is not None:
        leases.require_not_withdrawn(place)
