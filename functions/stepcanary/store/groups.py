"""Groups: who holds a place where only so many releases may run at once. One item per group."""

from boto3.dynamodb.conditions import Attr

from stepcanary.store import table
from stepcanary.store.table import Change, ConditionFailed, ItemKey


def _key(group: str) -> ItemKey:
    return ItemKey(f"group#{group}", "places")


def holders(group: str) -> frozenset[str]:
    """The executions that hold a place."""
    item = table.get(_key(group)) or {}
    return frozenset(item.get("executions", ()))


def join(group: str, execution: str, places: int) -> bool:
    """Whether the execution holds a place now, or did already."""
    has_room = table.is_absent("executions") | Attr("executions").size().lt(places)
    is_in = Attr("executions").contains(execution)
    try:
        table.change(Change(_key(group), has_room | is_in, add={"executions": execution}))
    except ConditionFailed:
        return False
    return True


def leave(group: str, execution: str) -> None:
    table.change(Change(_key(group), take={"executions": execution}))
