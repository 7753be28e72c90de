"""Allowed: what a finding is excused for, each with a reason, and none longer than it is needed."""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

FILE = Path(__file__).parent / "allowed.toml"


@dataclass(frozen=True, slots=True)
class Check:
    """A check that may fail at the resources with these names; `*` stands for any characters."""

    id: str
    resources: tuple[str, ...]
    reason: str

    def covers(self, check: str, resource: str) -> bool:
        return check == self.id and any(fnmatchcase(resource, each) for each in self.resources)


@dataclass(frozen=True, slots=True)
class Allowed:
    """Advisories and secrets are ids and values, with the reason for each."""

    advisories: dict[str, str]
    secrets: dict[str, str]
    checks: tuple[Check, ...]


def read(path: Path = FILE) -> Allowed:
    document = tomllib.loads(path.read_text())
    return Allowed(
        document["advisories"],
        document["secrets"],
        tuple(
            Check(each["id"], tuple(each["resources"]), each["reason"])
            for each in document["checks"]
        ),
    )


def unused(what: str, entries: list[str]) -> list[str]:
    """Complaints about entries that excuse nothing; a stale excuse hides the next finding."""
    return [
        f"{what} {entry} excuses nothing any more: remove it from {FILE.name}" for entry in entries
    ]
