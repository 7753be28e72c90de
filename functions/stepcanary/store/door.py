"""Door: closed while the stack is deleted, so that no release begins between a look and the end.

A release takes its lease and looks at the door; whoever deletes closes the door and looks at the
leases. Reads are consistent, so one of the two sees the other. It is no condition of the lease's
transaction, in which releases of many services would refuse each other.
"""

from secrets import token_hex

from boto3.dynamodb.conditions import Attr

from stepcanary import clock
from stepcanary.errors import RequestRejected
from stepcanary.store import table
from stepcanary.store.table import Delete, ItemKey, Put

CLOSED_SECONDS = 3_600
"""Then it is open again by itself, also where whoever has closed it came to nothing."""
_DOOR = ItemKey("door", "door")


def close() -> str:
    """What it was closed with: only who has closed it last opens it again."""
    mark = token_hex(8)
    table.put(Put(_DOOR, {"until": clock.epoch_seconds() + CLOSED_SECONDS, "mark": mark}))
    return mark


def open_again(mark: str = "") -> None:
    """Whoever has closed it, where no mark is given."""
    table.delete(Delete(_DOOR, Attr("mark").eq(mark) if mark else None))


def require_open() -> None:
    """Raises `RequestRejected`."""
    item = table.get(_DOOR)
    if item is not None and clock.epoch_seconds() < item["until"]:
        raise RequestRejected(
            "this stack is being deleted, so that nobody would bring the traffic back; start again"
            " in another stack, or in an hour if this one is kept"
        )
