"""`make deploy-check`: deploys the built package into MiniStack and makes releases there."""

import json
import sys
import time
from pathlib import Path

from deploycheck import stack
from deploycheck.deployed import Deployed
from deploycheck.ministack import FOLDER
from deploycheck.scenarios import scenarios
from sandbox.console import exit_with, quiet
from sandbox.demo.checks import Report
from sandbox.demo.judge import judged
from sandbox.fronts.alb import Alb

REPORT = FOLDER / "report.json"


def main() -> int:
    """With the functions' Python as the first argument, and the names of scenarios, if not all."""
    python, *only = sys.argv[1:]
    quiet()
    began = time.monotonic()
    chosen = scenarios(stack.PACKAGE, stack.newer(python))
    chosen = [each for each in chosen if not only or each.name in only]
    reports: list[Report] = []
    wrong: list[str] = []
    (FOLDER / "sam.log").unlink(missing_ok=True)
    with Deployed(Alb(), stack.PACKAGE, python) as deployed:
        print(f"deployed after {time.monotonic() - began:.0f} s")
        for scenario in chosen:
            report, problems = judged(deployed, scenario)
            reports.append(report)
            wrong += [f"{scenario.name}: {problem}" for problem in problems]
            # After each, so that one that does not end loses no other.
            _write(REPORT, reports)
    print(f"\nreport: {REPORT}")
    for problem in wrong:
        print(f"WRONG {problem}")
    return 1 if wrong else 0


def _write(path: Path, reports: list[Report]) -> None:
    path.write_text(json.dumps({"router": "alb", "scenarios": reports}, indent=2) + "\n")


if __name__ == "__main__":
    exit_with(main)
