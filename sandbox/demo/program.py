"""Program: the demo, which releases, watches live and reports as JSON."""

import argparse
import json
from itertools import groupby
from pathlib import Path

from emulator.dashboard import Series
from sandbox.cloud import Sandbox
from sandbox.console import LOG, quiet
from sandbox.demo import dashboard
from sandbox.demo.asking import write
from sandbox.demo.checks import Report
from sandbox.demo.judge import judged
from sandbox.demo.scenarios import CAPACITY, CHAIN, DEMO, JUDGED, SCENARIOS, Scenario
from sandbox.demo.summary import summary, verdict
from sandbox.fronts.names import FRONTS

EVERY = [*SCENARIOS, *JUDGED, *CHAIN, *CAPACITY]


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
        return [*SCENARIOS, *JUDGED, *chain, *CAPACITY]
    return DEMO


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="demo",
        description="Real releases with real requests, watched live and reported as JSON.",
    )
    parser.add_argument("--all", action="store_true", help="run every scenario")
    names = [scenario.name for scenario in EVERY]
    parser.add_argument(
        "--only",
        choices=names,
        nargs="+",
        metavar="SCENARIO",
        help="run these, with spaces between",
    )
    parser.add_argument("--router", choices=sorted(FRONTS), default="appmesh")
    given = parser.parse_args()
    folder = Path(
        "build/chosen" if given.only else "build/scenarios" if given.all else "build/demo"
    )
    quiet()
    folder.mkdir(parents=True, exist_ok=True)
    reports: list[Report] = []
    chosen = _chosen(given)
    count = f"{len(chosen)} release{'s' if len(chosen) > 1 else ''}"
    print(f"{count} behind a real Envoy, each for about half a minute under 240 requests a second.")
    print(f"Starting the AWS API, the gateway and the tasks; their log is {LOG}.", flush=True)
    found: set[Series] = set()
    lacking: list[str] = []
    for (front, sizing), group in groupby(chosen, lambda each: (each.front, each.sizing)):
        with Sandbox((front or FRONTS[given.router])(), sizing=sizing) as sandbox:
            print(f"AWS API {sandbox.endpoint}  gateway {sandbox.url}", flush=True)
            for scenario in group:
                with scenario.around():
                    report, problems = judged(sandbox, scenario)
                reports.append(report)
                write(sandbox, report["execution"], folder / f"{scenario.name}.html")
                problems += _longer(scenario, reports)
                report |= {"expected": scenario.expected, "held": not problems}
                print(*(f"  {line}" for line in verdict(report, problems)), sep="\n", flush=True)
            found |= dashboard.published(sandbox)
            lacking = dashboard.missing(sandbox, found)
    held = all(report["held"] for report in reports)
    if given.all:
        held &= not dashboard.unexplained(lacking)
        print(*("", *dashboard.told(lacking)), sep="\n")
    text = json.dumps({"router": given.router, "scenarios": reports}, indent=2) + "\n"
    path = folder / f"report-{given.router}.json"
    for each in (path, folder / "report.json"):
        each.write_text(text)
    print(f"\n{summary(given.router, reports)}\n\nreport: {path}")
    return 0 if held else 1
