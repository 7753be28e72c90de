"""`make deploy-check`: deploys the built package into MiniStack and makes releases there."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from deploycheck import getting_started, stack
from deploycheck.deployed import Deployed
from deploycheck.ministack import FOLDER
from deploycheck.reports import wrong_with_page
from deploycheck.scenarios import scenarios
from deploycheck.tolls import Heard, wait_for_next_minute, wrong_with_toll
from sandbox.console import exit_with, quiet
from sandbox.demo.checks import Report
from sandbox.demo.judge import judged
from sandbox.fronts.alb import Alb

REPORT = FOLDER / "report.json"
STOP_SECONDS = 30.0


def main() -> int:
    """With the functions' Python as the first argument, and the names of scenarios, if not all."""
    python, *only = sys.argv[1:]
    # Whoever ends it by a signal leaves nothing running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    quiet()
    began = time.monotonic()
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "sam.log").unlink(missing_ok=True)
    report: dict[str, Any] = {"router": "alb", "scenarios": [], "seconds": {}}
    wrong: list[str] = []
    with _page(python, wanted=not only or getting_started.NAME in only) as page:
        chosen = [each for each in scenarios(stack.PACKAGE, stack.newer(python)) if _is(each, only)]
        if chosen:
            with Deployed(Alb(), stack.PACKAGE, python) as deployed:
                report["seconds"]["deployed"] = _since(began)
                print(f"deployed after {_since(began)} s")
                heard, uncounted = Heard(deployed), list[Report]()
                for scenario in chosen:
                    released, problems = judged(deployed, scenario)
                    problems += wrong_with_page(deployed.client("s3"), released)
                    wrong += [f"{scenario.name}: {problem}" for problem in problems]
                    # After each, so that one that does not end loses no other.
                    _write(report, [released])
                    if "judge" in scenario.profile:
                        uncounted.append(released)
                        wait_for_next_minute()
                report["seconds"]["scenarios"] = _since(began)
                for released in uncounted:
                    print(f"\n{released['name']}: waits for its toll", flush=True)
                    problems = wrong_with_toll(deployed, heard, released)
                    wrong += [f"{released['name']}: {problem}" for problem in problems]
                    report["seconds"][f"toll of {released['name']}"] = _since(began)
                    _write(report, [])
        if page:
            print(f"\n{getting_started.NAME}: waits for the page's end; see {getting_started.LOG}")
            page.wait()
            told = json.loads(getting_started.REPORT.read_text())
            wrong += told["wrong"]
            report["seconds"][getting_started.NAME] = _since(began)
            _write(report, told["scenarios"])
            for each in told["scenarios"]:
                print(f"  {each['name']}: {each['outcome']}")
    print(f"\nreport: {REPORT}, after {_since(began)} s")
    for problem in wrong:
        print(f"WRONG {problem}")
    return 1 if wrong else 0


@contextmanager
def _page(python: str, wanted: bool) -> Iterator["subprocess.Popen[bytes] | None"]:
    """The page in a process of its own, since it mostly waits: the sandbox is one of a process."""
    if not wanted:
        yield None
        return
    getting_started.REPORT.unlink(missing_ok=True)
    page = subprocess.Popen([sys.executable, "-m", "deploycheck.getting_started", python])
    try:
        yield page
    finally:
        page.terminate()
        page.wait(STOP_SECONDS)


def _is(scenario: Any, only: list[str]) -> bool:
    return not only or scenario.name in only


def _since(began: float) -> int:
    return round(time.monotonic() - began)


def _write(report: dict[str, Any], more: list[Report]) -> None:
    report["scenarios"] += more
    REPORT.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    exit_with(main)
