"""Queue: the one release that waits for a split, the newest."""

from boto3.dynamodb.conditions import Attr

from stepcanary import clock
from stepcanary.domain.lease import Place
from stepcanary.store import table
from stepcanary.store.table import ConditionFailed, Delete, ItemKey, Put


def queue_key(split: str) -> ItemKey:
    return ItemKey(f"split#{split}", "queue")


def waiting_key(service: str, split: str) -> ItemKey:
    return ItemKey(f"service#{service}", f"waiting#{split}")


def enqueue(split: str, service: str, execution: str, started_at: int) -> bool:
    """Wait for the split instead of whoever was started earlier; False where nobody was.

    `started_at` is in epoch milliseconds.
    """
    place = {"execution": execution, "started_at": started_at, "since": clock.epoch_seconds()}
    is_newest = Attr("execution").eq(execution) | Attr("started_at").lt(started_at)
    try:
        table.transact(
            [
                Put(queue_key(split), place, table.is_absent("execution") | is_newest),
                Put(waiting_key(service, split), {**place, "split": split}),
            ]
        )
    except ConditionFailed:
        return False
    return True


def leave(split: str, service: str, execution: str) -> None:
    """Who waits no more gives its place back, where it still has it."""
    is_mine = Attr("execution").eq(execution)
    for key in (queue_key(split), waiting_key(service, split)):
        table.delete(Delete(key, is_mine))


def queued(split: str) -> Place | None:
    """Who waits for the split."""
    item = table.get(queue_key(split))
    return Place(item["execution"], item["since"]) if item else None


def waiting(service: str) -> Place | None:
    """Which release of the service waits for its split."""
    for item in table.every(f"service#{service}", "waiting#"):
        place = queued(item["split"])
        # Another service may have the same split, and its release may be the newer one.
        if place and place.execution == item["execution"]:
            return place
    return None
