"""Tolls: what each metric has counted of the canary while it had weight, once that is published."""

from stepcanary import clock
from stepcanary.domain.toll import Toll
from stepcanary.store import table
from stepcanary.store.ledger import KEPT_SECONDS
from stepcanary.store.table import Item, ItemKey, Put, execution_name


def _key(execution: str) -> ItemKey:
    return ItemKey(f"release#{execution_name(execution)}", "toll")


def read(execution: str) -> dict[str, Toll]:
    """By metric; nothing of a release whose toll was not counted for good yet."""
    item = table.get(_key(execution)) or {}
    return _tolls(item) if item.get("final") else {}


def last(execution: str) -> dict[str, Toll]:
    """What was counted last, for good or not."""
    return _tolls(table.get(_key(execution)) or {})


def keep(execution: str, tolls: dict[str, Toll], *, is_final: bool) -> None:
    counted = {metric: list(toll) for metric, toll in tolls.items()}
    expires_at = clock.epoch_seconds() + KEPT_SECONDS
    item = {"toll": counted, "final": is_final, "expires_at": expires_at}
    table.put(Put(_key(execution), item))


def _tolls(item: Item) -> dict[str, Toll]:
    return {metric: (toll[0], toll[1]) for metric, toll in item.get("toll", {}).items()}
