"""Secrets: what looks like one in the files that git has, and is not known to be none."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tools.audit import allowed


@dataclass(frozen=True, slots=True)
class Found:
    """`digest` is of the value, which is never printed."""

    where: str
    kind: str
    digest: str


def detect_secrets() -> str:
    command = [str(Path(sys.executable).parent / "detect-secrets"), "scan"]
    # The excuses are what they excuse.
    command += ["--exclude-files", rf"{allowed.FILE.name}$"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def found_in(report: str) -> list[Found]:
    return [
        Found(f"{path}:{each['line_number']}", each["type"], each["hashed_secret"])
        for path, there in json.loads(report)["results"].items()
        for each in there
    ]


def digest(value: str) -> str:
    """As detect-secrets has it; it protects nothing."""
    return hashlib.sha1(value.encode(), usedforsecurity=False).hexdigest()


def complaints(found: Iterable[Found], permitted: Iterable[str]) -> list[str]:
    seen, values = list(found), {digest(value): value for value in permitted}
    unexcused = [f"{each.where}: {each.kind}" for each in seen if each.digest not in values]
    stale = sorted(set(values) - {each.digest for each in seen})
    return unexcused + allowed.unused("secret", [values[each] for each in stale])


def main() -> int:
    found = found_in(detect_secrets())
    complained = complaints(found, allowed.read().secrets)
    for line in complained:
        print(line)
    print(f"{len(found)} look like secrets, {len(complained)} without an excuse")
    return 1 if complained else 0


if __name__ == "__main__":
    sys.exit(main())
