"""Starts: one release after the other, where many are started at once.

An account has so few registrations and reads a second that two hundred releases which are planned
in the same second would refuse each other.
"""

from boto3.dynamodb.conditions import Attr

from stepcanary import clock
from stepcanary.store import table
from stepcanary.store.table import Change, ConditionFailed, ItemKey

SECONDS_PER_START = 6
_NEXT = ItemKey("starts", "next")


def take_turn() -> int:
    """Seconds until this release may begin: none, unless others began just before."""
    now = clock.epoch_seconds()
    current = now // SECONDS_PER_START
    is_due = table.is_absent("turn") | Attr("turn").lte(current)
    try:
        table.change(Change(_NEXT, is_due, set={"turn": current + 1}))
    except ConditionFailed:
        mine = table.change_and_see(Change(_NEXT, count=("turn",)))["turn"]
        return max(0, int(mine) * SECONDS_PER_START - now)
    return 0
