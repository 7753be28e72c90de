"""Rest: every split that was ever released on, looked at a few at a time while nobody releases.

A look at all of them each minute would take a load balancer's whole rate of reads away from the
releases that run.
"""

from dataclasses import dataclass

from pydantic import TypeAdapter

from stepcanary.domain.profile import AnyTraffic, Traffic
from stepcanary.domain.release import Release
from stepcanary.store import table
from stepcanary.store.table import Delete, Item, ItemKey, Put, Write

REST = "rest"
DRIFT = "rest#drift"
CURSOR = ItemKey("rest#cursor", "cursor")
SPLITS_PER_LOOK = 20
_traffic: TypeAdapter[AnyTraffic] = TypeAdapter(Traffic)


@dataclass(frozen=True, slots=True)
class Resting:
    """A split and the route that it is about; `moved` where somebody had moved it at the last look."""

    split: str
    traffic: Traffic
    moved: bool = False


def watch(release: Release) -> list[Write]:
    """What a release writes down so that its splits are looked at when it is over."""
    return [
        Put(
            ItemKey(REST, traffic.key(release.execution)),
            {"traffic": traffic.model_dump_json()},
        )
        for traffic in release.traffic
    ]


def next_looks() -> list[Resting]:
    """The splits whose turn it is: those that were found moved, and the next few of all."""
    moved = table.page(DRIFT, most=SPLITS_PER_LOOK).items
    seen = table.get(CURSOR) or {}
    part = table.page(REST, after=seen.get("after", ""), most=SPLITS_PER_LOOK)
    table.put(Put(CURSOR, {"after": part.after or ""}))
    found = [Resting(item["sk"], _read(item), moved=True) for item in moved]
    known = {resting.split for resting in found}
    return found + [
        Resting(item["sk"], _read(item)) for item in part.items if item["sk"] not in known
    ]


def _read(item: Item) -> Traffic:
    """Of whichever version of this stack: keys that are not known say nothing of the route."""
    return _traffic.validate_json(item["traffic"], extra="ignore")


def set_moved(resting: Resting) -> None:
    """Somebody has moved it: look at it each time until it is at rest."""
    if resting.moved:
        return
    item = {"traffic": resting.traffic.model_dump_json()}
    table.put(Put(ItemKey(DRIFT, resting.split), item))


def set_rested(resting: Resting) -> None:
    if not resting.moved:
        return
    table.delete(Delete(ItemKey(DRIFT, resting.split)))


def forget(resting: Resting) -> None:
    """The route is gone: there is nothing to look at until somebody releases on it again."""
    table.delete(Delete(ItemKey(DRIFT, resting.split)))
    table.delete(Delete(ItemKey(REST, resting.split)))
