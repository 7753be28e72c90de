"""Members: what AWS's answers have and the packaged SDK has no shape for, so that no write has it.

A member is named by its path in AWS's answer, such as `Rules[].Actions[].ForwardConfig.New`.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

from stepcanary.domain.model import Document

PARAMETER = "MembersThatMayBeLost"
"""Of the stack."""

STAND_IN = "SDK_UNKNOWN_MEMBER"
"""What botocore puts in the place of a union's member that it does not know."""

Paths = tuple[str, ...]
"""Of unknown members, each once, in order."""

Values = tuple[tuple[str, str], ...]
"""Of unknown members: each one's path and what it has, as text, in order."""


def named(parameter: str) -> list[str]:
    """The paths in the stack's parameter, which are separated by commas."""
    return sorted({path.strip() for path in parameter.split(",")} - {""})


def without_numbers(paths: Iterable[str]) -> Paths:
    """Paths as a person names them: each stands for all items of its lists."""
    return tuple(sorted({_without_numbers(path) for path in paths}))


def _without_numbers(path: str) -> str:
    return re.sub(r"\[\d+\]", "[]", path)


def values_of(found: Iterable[tuple[str, str]]) -> Values:
    """Of members whose paths may have numbers. AWS does not promise the order of its lists."""
    return tuple(sorted((_without_numbers(path), value) for path, value in found))


def altered(before: Values, after: Values) -> Paths:
    """Which members are gone from a route that was written, or have come back otherwise."""
    return tuple(
        path
        for path in dict.fromkeys(path for path, _ in before)
        if [v for p, v in before if p == path] != [v for p, v in after if p == path]
    )


def within(path: str, part: str) -> bool:
    """Whether a member is in a part of the answer; `Rules[1].Actions` is one."""
    return path == part or path.startswith((f"{part}.", f"{part}["))


def refusal(name: str, unknown: Paths, may_be_lost: Collection[str]) -> str | None:
    """Why what has this name must not be written back; None where nothing speaks against it."""
    guarded = [path for path in unknown if path not in may_be_lost]
    if not guarded:
        return None
    return (
        f"{name} has {', '.join(guarded)}, which this stack does not know and a write would delete;"
        " update the stack, or, where it may be lost, name it in the stack's parameter"
        f" {PARAMETER}"
    )


def warnings_of(name: str, unknown: Paths, may_be_lost: Collection[str]) -> list[str]:
    """A sentence for each member that may be lost, and is when this is written back."""
    return [
        f"{name} loses {path} when it is written back: this stack does not know it, and"
        f" {PARAMETER} names it"
        for path in unknown
        if path in may_be_lost
    ]


def loss(name: str, unknown: Paths, may_be_lost: Collection[str]) -> str | None:
    """What was written without these members, because it had to be; None where none is missed."""
    missed = [path for path in unknown if path not in may_be_lost]
    if not missed:
        return None
    return (
        f"{name} has lost {', '.join(missed)}, which this stack does not know and could not write"
        " back; put it back by hand, and update the stack"
    )


def sendable(document: Document) -> Document:
    """The document without botocore's stand-ins, which no request takes."""
    kept: Document = _kept(document)
    return kept


def _kept(value: Any) -> Any:
    if isinstance(value, list):
        return [_kept(item) for item in value if not _is_stand_in(item)]
    if isinstance(value, dict):
        return {key: _kept(item) for key, item in value.items() if not _is_stand_in(item)}
    return value


def _is_stand_in(value: Any) -> bool:
    return isinstance(value, dict) and STAND_IN in value
