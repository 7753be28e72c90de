"""Starting: releases that are started at once begin one after the other."""

from stepcanary.release.plan import request_of
from stepcanary.store import starts


def wait_seconds(document: object) -> int:
    """How long this release has to wait. A rollback does not: somebody is in need.

    Raises `RequestRejected` for what is no request.
    """
    if request_of(document).action == "rollback":
        return 0
    return starts.take_turn()
