"""`make bench-exposure-check`: what the simulation says of this project, beside real releases.

The sandbox releases a bad version under load, again and again, and its client counts the requests
that fail. The simulation gets the sandbox's delays in place of those of AWS: a minute lasts a
second, and is shown at once.
"""

import argparse
import statistics
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.exposure.engine import MakeSource, Range, Stage, System, simulated
from bench.exposure.faults import Fault
from bench.exposure.judged import ERRORS, FLUSH, LAG, LOGS, Lines, Minutes
from bench.exposure.sources import Alarm, CloudWatch
from bench.report import write
from sandbox import article
from sandbox.cloud import SECONDS_PER_PERIOD, Sandbox
from sandbox.console import exit_with, quiet
from sandbox.demo.checks import Report
from sandbox.demo.run import run, wait_until_ready
from sandbox.demo.scenarios import Scenario, by_logs

MOST_DIFFERENCE = 0.2
RATE, WEIGHT, BAKE_SECONDS = 240, 50, 60
TICKS = 20
"""In a second: the simulation's seconds are as short here."""
SETTLE_SECONDS = 1
TASKS = 2
"""Of the canary, which is as large as the primary where its log is read."""
STARTED: Range = (0.9, 1.6)
"""From when the canary's tasks start, and with them the intervals of their log drivers, to its
first answer, in seconds. On AWS it is assumed to take so long that any moment is as likely."""
SIMULATED = 2_000
HERE = CloudWatch(
    minute=round(SECONDS_PER_PERIOD * TICKS), shown=(0.0, 0.0), evaluated=(0.0, 0.1 * TICKS)
)
FINAL: Range = (SECONDS_PER_PERIOD * TICKS, SECONDS_PER_PERIOD * TICKS)
"""How old a period is that the judge reads, as on AWS in periods."""
SCHEDULED = (0.0, 0.5 * TICKS)
"""A watch begins each second, and looks once more a quarter of a second later."""


def in_ticks(seconds: Range) -> Range:
    return seconds[0] * TICKS, seconds[1] * TICKS


@dataclass(frozen=True, slots=True)
class Checked:
    """A source in the sandbox, by a change of the profile, and as it is simulated; and how long it
    takes from what it says to the last request, in seconds."""

    name: str
    profile: dict[str, Any]
    source: MakeSource
    back: Range


CHECKED = (
    Checked("alarm", {}, Alarm(least=2, needed=2, of=5, limit=0.0, by=HERE), (0.1, 0.4)),
    Checked(
        "judge",
        {
            "alarms": [article.SLOW],
            "judge": {"mesh_prefix": "", "metrics": [{"kind": "errors", "clusters": 1}]},
        },
        Minutes(
            (WEIGHT, 100),
            rules=(ERRORS,),
            looks=SCHEDULED,
            by=CloudWatch(minute=HERE.minute, shown=FINAL),
        ),
        (0.4, 0.9),
    ),
    Checked(
        "log",
        {"alarms": [article.SLOW], "capacity": "full", "judge": by_logs()},
        Lines(
            2,
            rules=(LOGS,),
            flush=FLUSH * TICKS,
            lag=in_ticks(LAG),
            tasks=TASKS,
            put=in_ticks((FLUSH - STARTED[1], FLUSH - STARTED[0])),
        ),
        (0.1, 0.4),
    ),
)


def expected(checked: Checked) -> float:
    """The mean of the failed requests, as simulated with the sandbox's delays."""
    stages = (
        Stage(WEIGHT, SETTLE_SECONDS * TICKS, 0),
        Stage(WEIGHT, BAKE_SECONDS * TICKS, 0, asked=True, settled=True),
        Stage(100, BAKE_SECONDS * TICKS, 1, asked=True, settled=True),
    )
    back = in_ticks(checked.back)
    system = System(checked.name, stages, checked.source, back, needs_primary=True)
    fault = Fault("outage", "constant", rate=RATE / TICKS)
    return float(simulated(system, fault, SIMULATED, np.random.default_rng(1)).failed.mean())


def counted(sandbox: Sandbox, checked: Checked, runs: int, first: int) -> list[int]:
    """How many requests failed in each of so many releases."""
    found = []
    for number in range(first, first + runs):
        wait_until_ready(sandbox)
        report: Report = run(
            sandbox,
            Scenario(
                f"{checked.name} {number}",
                f"v{number}-fail100",
                "Reverted",
                lambda _report: [],
                steps=[{"weight": WEIGHT, "bake_seconds": BAKE_SECONDS}],
                profile=checked.profile,
                rate=RATE,
            ),
        )
        if report["outcome"] != "Reverted":
            raise RuntimeError(f"a bad release was not reverted: {report['cause']}")
        found.append(report["errors_from_canary"])
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="exposure-check", description=__doc__)
    parser.add_argument("--runs", type=int, default=6, help="releases by each source")
    runs = parser.parse_args().runs
    quiet()
    report: dict[str, Any] = {"rate": RATE, "weight": WEIGHT, "sources": {}}
    wrong = []
    with Sandbox() as sandbox:
        for place, checked in enumerate(CHECKED):
            failed = counted(sandbox, checked, runs, 100 + place * runs)
            mean, simulation = statistics.mean(failed), expected(checked)
            ratio = simulation / mean
            report["sources"][checked.name] = {
                "failed": failed,
                "mean": round(mean, 1),
                "simulated": round(simulation, 1),
                "ratio": round(ratio, 3),
            }
            print(f"{checked.name}: {mean:.0f} requests failed, simulated {simulation:.0f}")
            if abs(ratio - 1) > MOST_DIFFERENCE:
                wrong.append(f"{checked.name}: the simulation says {ratio:.2f} of what it is")
    print(f"report: {write('exposure-check', report)}")
    for problem in wrong:
        print(f"WRONG {problem}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    exit_with(main)
