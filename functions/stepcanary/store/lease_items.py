"""Lease items: a lease as the table keeps it."""

from pydantic import ValidationError

from stepcanary.domain.lease import Lease
from stepcanary.domain.signals import TOKENS_PER_WAIT, Signal
from stepcanary.domain.stage import Stage
from stepcanary.store.table import Item, ItemKey

AS_KEPT = (
    "holder",
    "execution",
    "fence",
    "since",
    "weight",
    "target",
    "left_at",
    "freed_at",
    "versions",
    "token",
    "decided",
    "decided_kind",
    "decided_key",
    "returning_at",
    "rested_at",
    "returned_at",
    "parked",
    "touched",
    "recovering",
    "canary_revision",
    "primary_revision",
    "copy",
    "content",
    "canary_deployment",
    "primary_deployment",
    "short_since",
    "held_at",
    "lent",
    "restored",
    "losses",
    "scales_at",
    "lead",
    "goes_back",
    "taken_back",
    "moments",
)
LEFT_BY_A_HOLDER = (
    "signal",
    "token",
    "wait_number",
    "wait_stage",
    "wait_target",
    "ends_on",
    "keys",
    "decided",
    "decided_kind",
    "decided_key",
    "parked",
    "touched",
    "recovering",
    "returning_at",
    "rested_at",
    "returned_at",
    "canary_revision",
    "primary_revision",
    "copy",
    "content",
    "canary_deployment",
    "primary_deployment",
    "short_since",
    "held_at",
    "lent",
    "restored",
    "goes_back",
    "taken_back",
    "losses",
    "scales_at",
    "moments",
)
"""Attributes that say nothing to the next holder."""


def lease_key(split: str) -> ItemKey:
    return ItemKey(f"split#{split}", "lease")


def _signal_of(item: Item) -> Signal | None:
    """None also for a kind of signal that only a newer version of this stack knows: its own
    functions carry it out, and no other release may wait for an older one to understand it."""
    if "signal" not in item:
        return None
    try:
        return Signal.model_validate(item["signal"], extra="ignore")
    except ValidationError:
        return None


def lease_of(split: str, item: Item | None) -> Lease:
    """The lease of a split; a free one where the table has none."""
    if not item:
        return Lease(split)
    return Lease(
        split=split,
        stage=Stage.of(item.get("stage", 0)),
        signal=_signal_of(item),
        wait=item.get("wait_number", 0) // TOKENS_PER_WAIT,
        ends_on=frozenset(item["ends_on"]) if "ends_on" in item else None,
        keys=frozenset(item.get("keys", ())),
        **{name: item[name] for name in AS_KEPT if name in item},
    )
