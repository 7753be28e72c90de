"""Templates: what checkov says about the stack as CloudFormation sees it, the examples and CI."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.audit import allowed
from tools.audit.allowed import Check

ROOT = Path(__file__).resolve().parents[2]

Failure = tuple[str, str, str]
"""Id of the check, the resource, and what the check wants."""


def checkov(template: Path) -> str:
    files = [template, *sorted(ROOT.glob("examples/*/template.yaml"))]
    files += sorted(ROOT.glob(".github/workflows/*.yml"))
    command = [
        str(Path(sys.executable).parent / "checkov"),
        *("--framework", "cloudformation", "github_actions"),
        *("--compact", "--quiet", "--output", "json"),
        # Nobody is asked, and nothing is told.
        "--skip-download",
        *("--file", *(str(file) for file in files)),
    ]
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True).stdout


def failures(report: str) -> list[Failure]:
    """A report that has looked at nothing is an error, not a success."""
    parsed = json.loads(report)
    kinds: list[dict[str, Any]] = parsed if isinstance(parsed, list) else [parsed]
    if not any(kind["summary"]["passed"] for kind in kinds if "summary" in kind):
        raise SystemExit(f"checkov has looked at nothing: {report[:500]}")
    return [
        (failed["check_id"], failed["resource"], failed["check_name"])
        for kind in kinds
        for failed in kind["results"]["failed_checks"]
    ]


def complaints(found: Iterable[Failure], permitted: Iterable[Check]) -> list[str]:
    failed, checks = list(found), list(permitted)
    unexcused = [
        f"{check} {resource}: {wants}"
        for check, resource, wants in failed
        if not any(each.covers(check, resource) for each in checks)
    ]
    stale = [
        f"{each.id} at {', '.join(each.resources)}"
        for each in checks
        if not any(each.covers(check, resource) for check, resource, _ in failed)
    ]
    return unexcused + allowed.unused("check", stale)


def main() -> int:
    found = failures(checkov(Path(sys.argv[1])))
    complained = complaints(found, allowed.read().checks)
    for line in complained:
        print(line)
    print(f"{len(found)} checks failed, {len(complained)} without an excuse")
    return 1 if complained else 0


if __name__ == "__main__":
    sys.exit(main())
