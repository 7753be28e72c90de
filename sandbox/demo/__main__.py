"""Demo: real releases with real requests, watched live and reported as JSON."""

import argparse
import json
from itertools import groupby
from pathlib import Path

from sandbox.cloud import Sandbox
from sandbox.console import exit_with, quiet
from sandbox.demo.checks import Report
from sandbox.demo.judge import judged
from sandbox.demo.scenarios import CAPACITY, CHAIN, DEMO, SCENARIOS, Scenario
from sandbox.fronts.names import FRONTS

EVERY = [*SCENARIOS, *CHAIN, *CAPACITY]


MOST_LONGER = 1.1
"""Of two releases whose looks come each second."""


def _longer(scenario: Scenario, reports: list[Report]) -> list[str]:
    """That it took longer than the one that it is compared with, in a sentence."""
    lasted = {report["name"]: report["seconds"] for report in reports}
    limit = lasted.get(scenario.no_longer_than)
    if limit is None or lasted[scenario.name] <= MOST_LONGER * limit:
        return []
    return [f"it took {lasted[scenario.name]} s, {scenario.no_longer_than} {limit} s"]


def _chosen(given: argparse.Namespace) -> list[Scenario]:
    if given.only:
        beside = {s.no_longer_than for s in EVERY if s.name in given.only}
        return [s for s in EVERY if s.name in {*given.only, *beside}]
    if given.all:
        chain = CHAIN if given.router == "appmesh" else []
        return [*SCENARIOS, *chain, *CAPACITY]
    return DEMO


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--all", action="store_true", help="run every scenario")
    names = [scenario.name for scenario in EVERY]
    parser.add_argument("--only", choices=names, nargs="+", help="run these scenarios")
    parser.add_argument("--router", choices=sorted(FRONTS), default="appmesh")
    given = parser.parse_args()
    folder = Path(
        "build/chosen" if given.only else "build/scenarios" if given.all else "build/demo"
    )
    quiet()
    folder.mkdir(parents=True, exist_ok=True)
    reports: list[Report] = []
    wrong: list[str] = []
    for (front, sizing), group in groupby(_chosen(given), lambda each: (each.front, each.sizing)):
        with Sandbox((front or FRONTS[given.router])(), sizing=sizing) as sandbox:
            print(f"AWS API {sandbox.endpoint}  gateway {sandbox.url}")
            for scenario in group:
                with scenario.around():
                    report, problems = judged(sandbox, scenario)
                reports.append(report)
                problems += _longer(scenario, reports)
                wrong += [f"{scenario.name}: {problem}" for problem in problems]
    text = json.dumps({"router": given.router, "scenarios": reports}, indent=2) + "\n"
    path = folder / f"report-{given.router}.json"
    for each in (path, folder / "report.json"):
        each.write_text(text)
    print(f"\nreport: {path}")
    for problem in wrong:
        print(f"WRONG {problem}")
    return 1 if wrong else 0


if __name__ == "__main__":
    exit_with(main)
