"""Due: what is still to be done from outside for a release that is over, and when."""

from dataclasses import dataclass

from stepcanary.store import table
from stepcanary.store.table import Delete, ItemKey, Put

DUE = "due"
MOST_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Task:
    """`at` is in epoch seconds, `what` a kind of work, and `key` what it is about."""

    at: int
    what: str
    key: str
    execution: str


def _key(task: Task) -> ItemKey:
    return ItemKey(DUE, f"{task.at:012d}#{task.what}#{task.key}")


def add(task: Task) -> None:
    item = {"at": task.at, "what": task.what, "key": task.key, "execution": task.execution}
    table.put(Put(_key(task), item))


def until(now: int) -> list[Task]:
    """What is due by now, in epoch seconds: the oldest first, a bounded number."""
    items = table.page(DUE, until=f"{now + 1:012d}", most=MOST_AT_ONCE).items
    return [Task(item["at"], item["what"], item["key"], item["execution"]) for item in items]


def done(task: Task) -> None:
    table.delete(Delete(_key(task)))
