"""Changes: what one task definition has that another has not, without any value that may be secret.

Only what is known to be harmless is said with its value. Of all else, as of environment variables,
commands and options of logs, only the name is.
"""

from collections.abc import Iterator
from typing import Any

from stepcanary.domain.model import Document

OPEN = frozenset(
    {
        "image",
        "cpu",
        "memory",
        "memoryReservation",
        "essential",
        "networkMode",
        "cpuArchitecture",
        "operatingSystemFamily",
        "taskRoleArn",
        "executionRoleArn",
        "sizeInGiB",
        "containerPort",
        "hostPort",
        "protocol",
        "readonlyRootFilesystem",
        "user",
        "stopTimeout",
        "startTimeout",
        "interval",
        "timeout",
        "retries",
        "startPeriod",
    }
)
"""Members whose values are said, in the task definition, its containers and what is named below."""
NAMES = ("name", "containerPort", "sourceVolume", "containerName", "key")
"""By what an entry of a list is known, the first that it has."""
MOST_CHANGES, LONGEST = 60, 300


def changes(before: Document, after: Document) -> list[str]:
    """In sentences, in the order of their names."""
    old, new = dict(_members(before)), dict(_members(after))
    found = [
        _sentence(path, old.get(path), new.get(path))
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    ]
    if len(found) > MOST_CHANGES:
        found = [*found[:MOST_CHANGES], f"and {len(found) - MOST_CHANGES} more"]
    return found


def _members(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value that is no object and no list of objects, under the names that lead to it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _members(inner, (*path, str(name)))
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        for number, each in enumerate(value):
            name = next((str(each[key]) for key in NAMES if key in each), str(number))
            rest = {key: inner for key, inner in each.items() if key != "name"}
            yield from _members(rest, (*path, name))
    elif value not in (None, [], {}, ""):
        yield path, value


def _is_open(path: tuple[str, ...]) -> bool:
    """Whether its value may be said: a label or an option of a log may have any name."""
    match path:
        case (name,) | ("containerDefinitions", _, name):
            return name in OPEN
        case ("runtimePlatform" | "ephemeralStorage", name):
            return name in OPEN
        case ("containerDefinitions", _, "healthCheck", name):
            return name in OPEN
        case ("containerDefinitions", _, "portMappings", _, name):
            return name in OPEN
    return False


def _sentence(path: tuple[str, ...], before: Any, after: Any) -> str:
    shown = [name for name in path if name not in ("containerDefinitions", "value", "valueFrom")]
    name = " ".join(shown)
    if not _is_open(path):
        what = "added" if before is None else "removed" if after is None else "changed"
        return f"{name}: {what}"[:LONGEST]
    if before is None:
        return f"{name}: {after}"[:LONGEST]
    if after is None:
        return f"{name}: no longer {before}"[:LONGEST]
    return f"{name}: {before} to {after}"[:LONGEST]
