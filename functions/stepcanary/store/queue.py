"""Queue: the one release that waits for a split, the newest."""

from boto3.dynamodb.conditions import Attr

from stepcanary import clock
from stepcanary.domain.lease import Place
from stepcanary.store import table
from stepcanary.store.table import ConditionFailed, ItemKey, Put


def queue_key(split: str) -> ItemKey:
    return ItemKey(f"split#{split}", "queue")


def waiting_key(service: str) -> ItemKey:
    return ItemKey(f"service#{service}", "waiting")


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
                Put(waiting_key(service), {**place, "split": split}),
            ]
        )
    except ConditionFailed:
        return False
    return True


def queued(split: str) -> Place | None:
    """Who waits for the split."""
    item = table.get(queue_key(split))
    return Place(item["execution"], item["since"]) if item else None


def waiting(service: str) -> Place | None:
    """Which release of the service waits for its split."""
    item = table.get(waiting_key(service))
    if item is None:
        return None
    place = queued(item["split"])
    # Another service may have the same split, and its release may be the newer one.
    return place if place and place.execution == item["execution"] else None
