"""Senders: the executions of which AWS or Slack vouches who they are by.

An execution's input may say anything. Whoever starts one for Slack or for a push has written here
before who asked for it, and who may only start executions cannot write here.
"""

from dataclasses import dataclass

from stepcanary import clock
from stepcanary.domain.senders import claimed
from stepcanary.store import table
from stepcanary.store.table import ConditionFailed, Item, ItemKey, Put, execution_name

KEPT_SECONDS = 10 * 86_400
"""A release may wait for its turn, and then last six days."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who asked for an execution, and the `digest` where that was a push."""

    by: str
    digest: str = ""


def _key(execution: str) -> ItemKey:
    return ItemKey(f"sender#{execution_name(execution)}", "sender")


def _sender_of(item: Item) -> Sender:
    return Sender(item["by"], item.get("digest", ""))


def vouch(name: str, sender: Sender) -> Sender:
    """Write down who asks for the execution of this name; who asked for it first stays."""
    item = {
        "by": sender.by,
        "digest": sender.digest,
        "expires_at": clock.epoch_seconds() + KEPT_SECONDS,
    }
    try:
        table.put(Put(_key(name), item, table.is_absent("by")))
    except ConditionFailed as failed:
        return _sender_of(failed.item)
    return sender


def of_execution(execution: str, by: str) -> Sender | None:
    """The one that is vouched for, where it is who the execution's input names."""
    if not by:
        return None
    item = table.get(_key(execution))
    sender = _sender_of(item) if item else None
    return sender if sender is not None and sender.by == by else None


def is_of_push(execution: str) -> bool:
    item = table.get(_key(execution))
    return bool(item and item.get("digest"))


def named(execution: str, by: str) -> str:
    """Who the execution is by, as people read it: marked where nobody vouches for it."""
    return by if of_execution(execution, by) else claimed(by)
