"""Pushes: the newest one that each service was released for, so that no older one follows it."""

from boto3.dynamodb.conditions import Attr

from stepcanary.domain.pushes import Push
from stepcanary.store import table
from stepcanary.store.table import Change, ConditionFailed, ItemKey


def _key(service: str) -> ItemKey:
    return ItemKey(f"push#{service}", "newest")


def newest(service: str) -> Push | None:
    item = table.get(_key(service))
    return Push(item["pushed_at"], item["digest"]) if item else None


def take(service: str, push: Push) -> bool:
    """Be the newest push of the service, also a second time; False where a newer one was before."""
    is_newest = table.is_absent("rank") | Attr("rank").lte(push.rank)
    values = {"rank": push.rank, "pushed_at": push.at, "digest": push.digest}
    try:
        table.change(Change(_key(service), is_newest, set=values))
    except ConditionFailed:
        return False
    return True
