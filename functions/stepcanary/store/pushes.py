"""Pushes: the newest one that each service was released for, so that no older one follows it."""

from boto3.dynamodb.conditions import Attr

from stepcanary.domain.pushes import Push
from stepcanary.store import table
from stepcanary.store.table import Change, ConditionFailed, ItemKey


def _key(service: str) -> ItemKey:
    return ItemKey(f"push#{service}", "newest")


def newest(service: str) -> Push | None:
    item = table.get(_key(service))
    # One that an older version of this stack has kept has no `since`.
    return Push(item["pushed_at"], item["digest"], item.get("since", 0)) if item else None


def take(service: str, push: Push, newest: Push | None) -> bool:
    """Be the newest push of the service, also a second time; False where the one that was the
    newest is that no more."""
    as_seen = Attr("rank").eq(newest.rank) if newest else table.is_absent("rank")
    values = {
        "rank": push.rank,
        "pushed_at": push.at,
        "digest": push.digest,
        "since": push.since,
    }
    try:
        table.change(Change(_key(service), as_seen, set=values))
    except ConditionFailed:
        return False
    return True
