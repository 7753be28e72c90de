"""Queue: the one release that waits for a split, the newest; and those that wait to begin at all.

Both are found by their service, and whoever finds them may withdraw them.
"""

from boto3.dynamodb.conditions import Attr

from stepcanary import clock
from stepcanary.domain.lease import Place
from stepcanary.store import table
from stepcanary.store.table import (
    Change,
    ConditionFailed,
    Delete,
    Item,
    ItemKey,
    Put,
    Write,
    execution_name,
)

KEPT_SECONDS = 86_400
"""An execution that dies before it begins leaves its place behind for so long."""


def queue_key(split: str) -> ItemKey:
    return ItemKey(f"split#{split}", "queue")


def waiting_key(service: str, split: str) -> ItemKey:
    return ItemKey(f"service#{service}", f"waiting#{split}")


def _start_key(service: str, execution: str) -> ItemKey:
    return ItemKey(f"service#{service}", f"starting#{execution_name(execution)}")


def _place_of(item: Item) -> Place:
    return Place(
        execution=item["execution"],
        since=item["since"],
        split=item.get("split", ""),
        service=item.get("service", ""),
        started_at=item.get("started_at", 0),
        withdrawn=item.get("withdrawn", ""),
    )


def enqueue(split: str, service: str, execution: str, started_at: int) -> bool:
    """Wait for the split instead of whoever was started earlier; False where nobody was.

    `started_at` is in epoch milliseconds. Who has the place already keeps it, and has waited since
    it was taken.
    """
    found = queued(split)
    if found is not None and found.execution == execution:
        return True
    place = {
        "execution": execution,
        "started_at": started_at,
        "since": clock.epoch_seconds(),
        "split": split,
        "service": service,
    }
    is_newest = Attr("execution").eq(execution) | Attr("started_at").lt(started_at)
    is_free = table.is_absent("execution") | Attr("withdrawn").exists()
    try:
        table.transact(
            [
                Put(queue_key(split), place, is_free | is_newest),
                Put(waiting_key(service, split), place),
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


def given_up(place: Place) -> list[Write]:
    """What taking the lease does to the place that its release waited in. It fails where somebody
    has withdrawn the release meanwhile."""
    is_mine = Attr("execution").eq(place.execution)
    return [
        Delete(queue_key(place.split), is_mine & table.is_absent("withdrawn")),
        Delete(waiting_key(place.service, place.split)),
    ]


def queued(split: str) -> Place | None:
    """Who waits for the split."""
    item = table.get(queue_key(split))
    return _place_of({"split": split, **item}) if item else None


def start_later(service: str, execution: str, at: int) -> None:
    """Wait until this time, in epoch seconds, because many were started at once."""
    now = clock.epoch_seconds()
    place = {
        "execution": execution,
        "service": service,
        "since": now,
        "expires_at": at + KEPT_SECONDS,
    }
    table.put(Put(_start_key(service, execution), place))


def start_now(service: str, execution: str) -> Place | None:
    """Wait no more. The place where it was withdrawn meanwhile, else None."""
    not_withdrawn = table.is_absent("withdrawn")
    try:
        table.transact([Delete(_start_key(service, execution), not_withdrawn)])
    except ConditionFailed as failed:
        return _place_of(failed.item)
    return None


def waiting(service: str) -> list[Place]:
    """The releases of the service that wait for a split, or to begin."""
    found = [
        (item, queued(item["split"])) for item in table.every(f"service#{service}", "waiting#")
    ]
    # Another service may have the same split, and its release may be the newer one.
    own = [p for item, p in found if p and p.execution == item["execution"]]
    starting = [_place_of(item) for item in table.every(f"service#{service}", "starting#")]
    queueing = {place.execution for place in own}
    # A second delivery of the plan may leave a place that nobody waits in.
    own += [place for place in starting if place.execution not in queueing]
    return [place for place in own if not place.withdrawn]


def asked(service: str) -> list[str]:
    """The executions that have waited for the service; some may have gone on since, or ended."""
    waited = table.every(f"service#{service}", "waiting#")
    return [item["execution"] for item in waited + table.every(f"service#{service}", "starting#")]


def withdraw(service: str, place: Place, why: str) -> bool:
    """Mark a release that waits, so that it ends at its next look; False where it waits no more.

    Another may have its place at a split by then, so it is marked by its own name as well.
    """
    own = _start_key(service, place.execution)
    is_there = Attr("execution").eq(place.execution)
    marks: list[Write] = [
        Change(queue_key(place.split) if place.split else own, is_there, set={"withdrawn": why})
    ]
    if place.split:
        note = {
            "execution": place.execution,
            "service": service,
            "since": place.since,
            "withdrawn": why,
            "expires_at": clock.epoch_seconds() + KEPT_SECONDS,
        }
        marks.append(Put(own, note))
    try:
        table.transact(marks)
    except ConditionFailed:
        return False
    return True


def withdrawn(service: str, execution: str) -> Place | None:
    """The place of a release that was withdrawn, whoever has it now."""
    item = table.get(_start_key(service, execution))
    return _place_of(item) if item and item.get("withdrawn") else None
