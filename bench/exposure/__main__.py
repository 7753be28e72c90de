"""`make bench-exposure`: how many requests fail until a bad canary has no traffic.

Each cell is so many releases of one system with one fault. A fault that a system misses counts at
its full share until 15 minutes after the release, and means are over all runs.
"""

import argparse
import sys
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from typing import Any

import numpy as np

from bench.exposure import choices, systems
from bench.exposure.engine import AFTERWARDS, Outcome, simulated
from bench.exposure.faults import BASE, FAULTS, GOOD
from bench.exposure.goals import GOALS, ratios
from bench.exposure.judged import FLUSH, LAG, LOOKS
from bench.exposure.sources import ON_AWS
from bench.exposure.systems import SYSTEMS
from bench.report import write
from sandbox.console import exit_with

FALSE = GOOD.name
BY_NAME = {system.name: system for system in (*SYSTEMS, *choices.CHOICES)}
KINDS = {fault.name: fault for fault in (*FAULTS, GOOD, *choices.GOOD_AT)}
ASSUMED = {
    "requests_per_second": FAULTS[0].rate,
    "share_of_bad_answers_of_a_good_version": BASE,
    "cloudwatch_minute_shown_after": ON_AWS.shown,
    "alarm_evaluated_after": ON_AWS.evaluated,
    "judge_looks_after": LOOKS,
    "log_lines_put_after": FLUSH,
    "log_batches_after": LAG,
    "returned_at_once": systems.AT_ONCE,
    "returned_by_the_execution": systems.BY_EXECUTION,
    "others_ask_an_alarm_each": systems.POLLED.asked,
    "others_return": systems.SHIFTED,
    "missed_faults_last_after_the_release": AFTERWARDS,
    "steps": systems.STEPS,
    "least_errors_of_the_alarm": systems.LEAST_ERRORS,
}


def cell(system: str, fault: str, runs: int, seed: int) -> Outcome:
    chance = np.random.default_rng([seed, zlib.crc32(f"{system} {fault}".encode())])
    return simulated(BY_NAME[system], KINDS[fault], runs, chance)


def report_of(cells: dict[tuple[str, str], Outcome]) -> dict[str, Any]:
    traces: dict[str, dict[str, dict[str, float]]] = {}
    false_reverts = {}
    for (system, fault), outcome in cells.items():
        if fault == FALSE:
            false_reverts[system] = round(float(outcome.reverted.mean()), 4)
            continue
        traces.setdefault(fault, {})[system] = {
            "mean": round(float(outcome.failed.mean()), 1),
            "worst": round(float(outcome.failed.max()), 1),
            "missed": round(float(outcome.missed.mean()), 4),
        }
    found = {
        "traces": traces,
        "release_seconds": {system: BY_NAME[system].seconds for system in false_reverts},
        "false_reverts": false_reverts,
    }
    return {**found, "ratio_to_best": ratios(found), "assumptions": ASSUMED}


def chosen(cells: dict[tuple[str, str], Outcome]) -> dict[str, dict[str, float]]:
    """Of each choice the mean of its failed requests by fault, and the share of good releases that
    it reverts."""
    found: dict[str, dict[str, float]] = {}
    for (system, fault), outcome in cells.items():
        is_good = KINDS[fault].kind == GOOD.kind
        measure = outcome.reverted if is_good else outcome.failed
        found.setdefault(system, {})[fault] = round(float(measure.mean()), 4 if is_good else 1)
    return found


def show(report: dict[str, Any]) -> None:
    faults = list(report["traces"])
    print(f"{'failed requests, mean':<52}" + "".join(f"{fault[:1]:>9}" for fault in faults), end="")
    print(f"{'missed e':>9}{'false':>8}{'seconds':>9}")
    for system, seconds in report["release_seconds"].items():
        means = "".join(f"{report['traces'][fault][system]['mean']:>9,.0f}" for fault in faults)
        missed = report["traces"][KINDS["e random moment"].name][system]["missed"]
        false = report["false_reverts"][system]
        print(f"{system:<52}{means}{missed:>9.1%}{false:>8.1%}{seconds:>9,}")
    print(f"\n{'ratio to the best documented default':<52}")
    for system in report["ratio_to_best"]:
        row = report["ratio_to_best"][system]
        print(f"{system:<52}" + "".join(f"{row[fault]['ratio']:>9.3f}" for fault in faults))


def judged(report: dict[str, Any]) -> list[str]:
    """What is not reached, without a reason that is known."""
    wrong = []
    for goal in GOALS:
        reached = goal.of(report)
        is_met = reached <= goal.most
        report.setdefault("goals", {})[goal.name] = {
            "reached": round(reached, 4),
            "most": round(goal.most, 4),
            "met": is_met,
            **({"why_not": goal.why_not} if goal.why_not and not is_met else {}),
        }
        print(f"{'ok   ' if is_met else 'SHORT'} {goal.name}: {reached:.3f} of {goal.most:.3f}")
        if not is_met and goal.why_not:
            print(f"      {goal.why_not}")
        elif not is_met:
            wrong.append(f"{goal.name}: {reached:.3f}, over {goal.most:.3f}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="exposure", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000, help="releases of a cell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    began = time.monotonic()
    pairs = list(product([each.name for each in SYSTEMS], [*(f.name for f in FAULTS), FALSE]))
    more = [(system.name, fault.name) for system, fault in choices.CELLS]
    names, faults = zip(*pairs, *more, strict=True)
    every = len(names)
    with ProcessPoolExecutor(given.workers) as pool:
        outcomes = pool.map(cell, names, faults, [given.runs] * every, [given.seed] * every)
        cells = dict(zip([*pairs, *more], outcomes, strict=True))
    report = report_of({pair: cells[pair] for pair in pairs})
    report["choices"] = chosen({pair: cells[pair] for pair in more})
    report["runs"] = given.runs
    show(report)
    wrong = judged(report)
    path = write("exposure", report)
    print(f"report: {path} after {time.monotonic() - began:.0f} s")
    for problem in wrong:
        print(f"WRONG {problem}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    exit_with(main)
