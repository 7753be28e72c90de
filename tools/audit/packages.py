"""Packages: known advisories about everything that is pinned, shipped or not.

The exit code is 1 for an advisory, and 2 where nobody could be asked about a package: silence is no
answer.
"""

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.audit import allowed
from tools.audit.allowed import Allowed

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("pypi", "osv")
"""Whom pip-audit asks; the second about what the first does not answer."""
SECONDS = 10
"""How long a service may take to answer about one package."""

Answers = dict[str, list[dict[str, Any]]]
"""Advisories by package; a package that the service says nothing about is not among them."""
Ask = Callable[[str, set[str]], Answers]


@dataclass(slots=True)
class Findings:
    """What was `asked` and what not, as `name==version`; `used` are ids that were excused."""

    asked: set[str] = field(default_factory=set)
    unasked: set[str] = field(default_factory=set)
    advisories: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)


def pinned(root: Path = ROOT) -> dict[str, list[str]]:
    """The locks that have each pin, for whatever machine it is."""
    found = defaultdict(list)
    wanted = [*sorted(root.glob("package/*.in")), *sorted(root.glob("requirements-*.in"))]
    for lock in (each.with_suffix(".txt") for each in wanted):
        for line in lock.read_text().splitlines():
            found[line.partition(";")[0].strip()].append(str(lock.relative_to(root)))
    return found


def batches(pins: Iterable[str]) -> list[set[str]]:
    """Pins in sets that have each package once: nobody is asked about two versions at a time."""
    result: list[dict[str, str]] = []
    for pin in sorted(pins):
        name = pin.partition("==")[0]
        free = next((batch for batch in result if name not in batch), None)
        if free is None:
            result.append(free := {})
        free[name] = pin
    return [set(batch.values()) for batch in result]


def pip_audit(service: str, pins: set[str]) -> Answers:
    with TemporaryDirectory() as folder:
        lock = Path(folder) / "requirements.txt"
        lock.write_text("\n".join(sorted(pins)))
        command = [
            str(Path(sys.executable).parent / "pip-audit"),
            *("--vulnerability-service", service, "--requirement", str(lock)),
            # Nothing is resolved or installed: a lock has everything.
            *("--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"),
            *("--timeout", str(SECONDS)),
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    return answers(done.stdout)


def answers(report: str) -> Answers:
    """What pip-audit has printed; nothing if it has failed."""
    try:
        packages = json.loads(report)["dependencies"]
    except ValueError:
        return {}
    return {f"{p['name']}=={p['version']}": p["vulns"] for p in packages if "vulns" in p}


def look(pins: dict[str, list[str]], permitted: Allowed, ask: Ask) -> Findings:
    findings = Findings(unasked=set(pins))
    for service in SERVICES:
        for batch in batches(findings.unasked):
            for pin, advisories in sorted(ask(service, batch).items()):
                findings.unasked.discard(pin)
                findings.asked.add(pin)
                for advisory in advisories:
                    _note(f"{pin} in {', '.join(pins[pin])}", advisory, permitted, findings)
    return findings


def _note(what: str, advisory: dict[str, Any], permitted: Allowed, findings: Findings) -> None:
    ids = {advisory["id"], *advisory.get("aliases", [])}
    if excused := ids & set(permitted.advisories):
        findings.used |= excused
        return
    fixed = ", ".join(advisory.get("fix_versions", [])) or "no version yet"
    findings.advisories.append(f"{what}: {advisory['id']}, fixed in {fixed}")


def complaints(findings: Findings, permitted: Allowed) -> list[str]:
    stale = sorted(set(permitted.advisories) - findings.used) if not findings.unasked else []
    return findings.advisories + allowed.unused("advisory", stale)


def main(ask: Ask = pip_audit) -> int:
    permitted = allowed.read()
    findings = look(pinned(), permitted, ask)
    found = complaints(findings, permitted)
    for line in found:
        print(line)
    print(f"{len(findings.asked)} packages asked about, {len(findings.advisories)} advisories")
    if findings.unasked:
        print(
            f"NOT ASKED: {len(findings.unasked)} packages. Neither {' nor '.join(SERVICES)}"
            " answered about them, so nothing is known of their advisories. Run"
            " `make audit-packages` where one of the two can be reached. They are:"
            f" {', '.join(sorted(findings.unasked))}"
        )
    return 1 if found else 2 if findings.unasked else 0


if __name__ == "__main__":
    sys.exit(main())
