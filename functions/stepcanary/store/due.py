"""Due: what is still to be done from outside for a release that is over, and when."""

from dataclasses import dataclass, replace

from stepcanary.store import table
from stepcanary.store.table import Delete, Item, ItemKey, Put, execution_name

DUE = "due"
RETIRE = "retire"
"""Look once more whether the canary has stayed scaled in."""
TAKE_DOWN = "take_down"
"""Take down what the release has put up."""
COUNT = "count"
"""Count the toll of the release."""
PARTITIONS = {COUNT: "uncounted"}
"""Of a kind of work that has one of its own, because another function does it."""
MOST_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Task:
    """`at` is in epoch seconds, `what` a kind of work, and `key` what it is about. `tries` counts
    how often it was begun, `worked` says that an earlier try did what it was to do."""

    at: int
    what: str
    key: str
    execution: str
    tries: int = 0
    worked: bool = False


def _key(task: Task) -> ItemKey:
    name = execution_name(task.execution)
    return ItemKey(PARTITIONS.get(task.what, DUE), f"{task.at:012d}#{task.what}#{task.key}#{name}")


def add(task: Task) -> None:
    item = {
        "at": task.at,
        "what": task.what,
        "key": task.key,
        "execution": task.execution,
        "tries": task.tries,
        "worked": task.worked,
    }
    table.put(Put(_key(task), item))


def put_off(task: Task, at: int, *, tries: int, worked: bool = False) -> None:
    """Once more at that time, in epoch seconds."""
    later = replace(task, at=at, tries=tries, worked=worked)
    add(later)
    if _key(later) != _key(task):
        done(task)


def until(now: int, what: str = "") -> list[Task]:
    """What is due by now, in epoch seconds: the oldest first, a bounded number. That of a kind
    which has a partition of its own is asked for by `what`."""
    partition = PARTITIONS.get(what, DUE)
    found = table.page(partition, until=f"{now + 1:012d}", most=MOST_AT_ONCE)
    return [_task(item) for item in found.items]


def every() -> list[Task]:
    """What is due now or later."""
    return [_task(item) for item in table.every(DUE)]


def _task(item: Item) -> Task:
    return Task(
        item["at"],
        item["what"],
        item["key"],
        item["execution"],
        item.get("tries", 0),
        item.get("worked", False),
    )


def done(task: Task) -> None:
    table.delete(Delete(_key(task)))
