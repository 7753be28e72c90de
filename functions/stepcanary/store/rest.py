"""Rest: every split that was ever released on, looked at a few at a time while nobody releases.

A look at all of them each minute would take a load balancer's whole rate of reads away from the
releases that run.
"""

from dataclasses import dataclass

from pydantic import ConfigDict, TypeAdapter, ValidationError

from stepcanary.domain.account import Account
from stepcanary.domain.profile import AnyTraffic, Traffic
from stepcanary.domain.release import Release
from stepcanary.observability import logger
from stepcanary.store import table
from stepcanary.store.table import Delete, Item, ItemKey, Put, Write

REST = "rest"
DRIFT = "rest#drift"
CURSOR = ItemKey("rest#cursor", "cursor")
SPLITS_PER_LOOK = 20
MOST_MOVED = 200
# Only a sweep reads these.
_LATER = ConfigDict(defer_build=True)
_traffic: TypeAdapter[AnyTraffic] = TypeAdapter(Traffic, config=_LATER)
_account: TypeAdapter[Account | None] = TypeAdapter(Account | None, config=_LATER)


@dataclass(frozen=True, slots=True)
class Resting:
    """A split and the route that it is about, with the account where that is not the stack's;
    `moved` where it was moved at the last look."""

    split: str
    traffic: Traffic
    account: Account | None
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Looks:
    """`moved_before` are the splits that had been moved when it was their turn, and are not looked
    at this time."""

    looks: list[Resting]
    moved_before: list[str]
    cursor: dict[str, str]


def watch(release: Release) -> list[Write]:
    """What a release writes down so that its splits are looked at when it is over."""
    return [
        Put(ItemKey(REST, traffic.key(release.execution)), _item(traffic, release.account))
        for traffic in release.traffic
    ]


def _item(traffic: Traffic, account: Account | None) -> Item:
    of_another = {"account": account.model_dump_json()} if account else {}
    return {"traffic": traffic.model_dump_json(), **of_another}


def next_looks() -> Looks:
    """Whose turn it is: of the splits that were found moved, and of all."""
    cursor = table.get(CURSOR) or {}
    moved = _after(table.page(DRIFT, most=MOST_MOVED).items, cursor.get("moved", ""))
    part = table.page(REST, after=cursor.get("all", ""), most=SPLITS_PER_LOOK)
    looks = _resting(moved[:SPLITS_PER_LOOK], moved=True)
    known = {item["sk"] for item in moved}
    looks += _resting([item for item in part.items if item["sk"] not in known], moved=False)
    last = moved[:SPLITS_PER_LOOK][-1]["sk"] if moved else ""
    return Looks(
        looks=looks,
        moved_before=[item["sk"] for item in moved[SPLITS_PER_LOOK:]],
        cursor={"all": part.after or "", "moved": last},
    )


def _after(items: list[Item], sk: str) -> list[Item]:
    """In turn: those after this sort key first, then the others."""
    later = [item for item in items if item["sk"] > sk]
    return later + [item for item in items if item["sk"] <= sk]


def have_looked(looks: Looks) -> None:
    """The next look goes on from there."""
    table.put(Put(CURSOR, looks.cursor))


def _resting(items: list[Item], *, moved: bool) -> list[Resting]:
    """Of whichever version of this stack: keys that are not known say nothing of the route, and
    one that cannot be read at all keeps no other from its look."""
    found = []
    for item in items:
        try:
            traffic = _traffic.validate_json(item["traffic"], extra="ignore")
            account = _account.validate_json(item.get("account", "null"), extra="ignore")
        except ValidationError as error:
            logger.warning("a split at rest is not read", extra={"cause": str(error)})
            continue
        found.append(Resting(item["sk"], traffic, account, moved))
    return found


def moved() -> list[str]:
    """The splits that were found moved while nothing runs, as many as are looked at in turn."""
    return [item["sk"] for item in table.page(DRIFT, most=MOST_MOVED).items]


def set_moved(resting: Resting) -> None:
    """Somebody has moved it: look at it each time until it is at rest."""
    if resting.moved:
        return
    item = _item(resting.traffic, resting.account)
    table.put(Put(ItemKey(DRIFT, resting.split), item))


def set_rested(resting: Resting) -> None:
    if not resting.moved:
        return
    table.delete(Delete(ItemKey(DRIFT, resting.split)))


def forget(resting: Resting) -> None:
    """The route is gone: there is nothing to look at until somebody releases on it again."""
    table.delete(Delete(ItemKey(DRIFT, resting.split)))
    table.delete(Delete(ItemKey(REST, resting.split)))
