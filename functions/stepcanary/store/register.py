"""Register: what a release puts up and has to take down, with what was there before.

Written before the act, so that what a dead execution has put up is found. What outlives its
release has an owner, so that the next release of the service goes on with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from boto3.dynamodb.conditions import Attr

from stepcanary.store import table
from stepcanary.store.table import ConditionFailed, Delete, Item, ItemKey, Put, execution_name

PREFIX = "up#"


@dataclass(frozen=True, slots=True)
class Entry:
    """`kind` and `key` say what is put up; `before` is what was there, `made` what came of it."""

    kind: str
    key: str
    before: Mapping[str, str] = field(default_factory=dict)
    made: str = ""


def _key(execution: str, entry: Entry) -> ItemKey:
    return ItemKey(f"release#{execution_name(execution)}", f"{PREFIX}{entry.kind}#{entry.key}")


def write(execution: str, entry: Entry) -> None:
    item = {
        "kind": entry.kind,
        "key": entry.key,
        "before": dict(entry.before),
        "made": entry.made,
    }
    table.put(Put(_key(execution, entry), item))


def note_made(execution: str, entry: Entry, made: str) -> None:
    write(execution, replace(entry, made=made))


def entries(execution: str, kind: str = "") -> list[Entry]:
    """What is still up, of all kinds or of one."""
    prefix = f"{PREFIX}{kind}#" if kind else PREFIX
    return [_entry(item) for item in table.every(f"release#{execution_name(execution)}", prefix)]


def find(execution: str, kind: str, key: str) -> Entry | None:
    item = table.get(_key(execution, Entry(kind, key)))
    return _entry(item) if item else None


def _entry(item: Item) -> Entry:
    return Entry(item["kind"], item["key"], item["before"], item["made"])


def change(execution: str, entry: Entry, changed: Entry) -> bool:
    """Write it anew, if it is still there and as it was read; whether it was."""
    same = Attr("made").eq(entry.made) & Attr("before").eq(dict(entry.before))
    item = {
        "kind": changed.kind,
        "key": changed.key,
        "before": dict(changed.before),
        "made": changed.made,
    }
    try:
        table.put(Put(_key(execution, entry), item, same))
    except ConditionFailed:
        return False
    return True


def remove(execution: str, entry: Entry, service: str) -> None:
    """It is down, and nobody's any more, unless a later release of the service has it."""
    ours = Attr("execution").eq(execution)
    table.delete(Delete(_owner_key(service, entry.kind, entry.key), ours))
    table.delete(Delete(_key(execution, entry)))


def _owner_key(service: str, kind: str, key: str) -> ItemKey:
    return ItemKey(f"service#{service}", f"{PREFIX}{kind}#{key}")


def own(service: str, execution: str, entry: Entry) -> Entry:
    """The entry, as this release's own from here on: what an earlier one has left of it is what
    was there before, and is its own no more."""
    key = _owner_key(service, entry.kind, entry.key)
    item = table.get(key)
    left = find(item["execution"], entry.kind, entry.key) if item else None
    taken = entry if left is None else replace(left, made=left.made)
    write(execution, taken)
    table.put(Put(key, {"execution": execution}))
    if item and left is not None and item["execution"] != execution:
        table.delete(Delete(_key(item["execution"], left)))
    return taken


def left_over(service: str, kind: str, key: str) -> Entry | None:
    """What an earlier release has left of it, if it is still up."""
    item = table.get(_owner_key(service, kind, key))
    return find(item["execution"], kind, key) if item else None
