"""Tolls: what each metric has counted of the canary while it had weight, once that is published."""

from stepcanary import clock
from stepcanary.store import table
from stepcanary.store.ledger import KEPT_SECONDS
from stepcanary.store.table import ItemKey, Put, execution_name

Toll = tuple[int, int]
"""Requests, and how many of these had bad answers."""


def _key(execution: str) -> ItemKey:
    return ItemKey(f"release#{execution_name(execution)}", "toll")


def read(execution: str) -> dict[str, Toll]:
    """By metric; nothing of a release whose toll was not counted yet."""
    item = table.get(_key(execution)) or {}
    return {metric: (toll[0], toll[1]) for metric, toll in item.get("toll", {}).items()}


def keep(execution: str, tolls: dict[str, Toll]) -> None:
    counted = {metric: list(toll) for metric, toll in tolls.items()}
    expires_at = clock.epoch_seconds() + KEPT_SECONDS
    table.put(Put(_key(execution), {"toll": counted, "expires_at": expires_at}))
