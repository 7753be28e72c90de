"""Register: what a release puts up and has to take down, with what was there before.

Written before the act, so that what a dead execution has put up is found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stepcanary.store import table
from stepcanary.store.table import Delete, ItemKey, Put, execution_name

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


def entries(execution: str) -> list[Entry]:
    """What is still up."""
    items = table.every(f"release#{execution_name(execution)}", PREFIX)
    return [Entry(item["kind"], item["key"], item["before"], item["made"]) for item in items]


def remove(execution: str, entry: Entry) -> None:
    table.delete(Delete(_key(execution, entry)))
