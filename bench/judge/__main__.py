"""`make bench-judge`: how often good releases are reverted, and how soon bad ones are.

Each cell is at least 10,000 releases of one kind. One with nothing wrong goes on until the interval
of its false reverts lies on one side of what is allowed, or it has had the most.
"""

import argparse
import math
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from bench.judge.others import OTHERS, first
from bench.judge.traces import PERIODS, Cell, Integers, Trace, cells, traces
from bench.judge.vectorised import check, evidence
from bench.report import write
from sandbox.console import exit_with
from stepcanary.domain.judge import SHARE_OF_LIMIT
from stepcanary.domain.metric_rule import FALSE_REVERTS

BATCH, MOST = 5_000, 60_000
MOST_FALSE = 0.015
QUANTILE = 2.3263
"""What a standard normal exceeds in 1 % of draws."""
CHECKED = 1_000
MOST_DIFFERENCE = 1e-6
JUDGE = "judge"


def decided(trace: Trace) -> dict[str, Integers]:
    worse, _good = evidence(trace, FALSE_REVERTS)
    needed = -math.log(FALSE_REVERTS * (1 - SHARE_OF_LIMIT))
    return {JUDGE: first(worse >= needed), **{name: ask(trace) for name, ask in OTHERS.items()}}


def interval(successes: int, runs: int) -> tuple[float, float]:
    """Wilson's, each side at 99 %."""
    share, z = successes / runs, QUANTILE
    middle = (share + z * z / (2 * runs)) / (1 + z * z / runs)
    half = z * math.sqrt(share * (1 - share) / runs + z * z / (4 * runs * runs))
    half /= 1 + z * z / runs
    return max(0.0, middle - half), min(1.0, middle + half)


def measured(cell: Cell, least: int, seed: int) -> dict[str, Any]:
    chance = np.random.default_rng([seed, *cell.name.encode()])
    found: dict[str, list[Integers]] = {}
    failed: dict[str, list[Integers]] = {}
    runs = 0
    while True:
        trace = traces(cell, min(BATCH, least), chance)
        runs += len(trace.canary)
        served = np.cumsum(trace.canary_bad[:, cell.fault_at :], axis=1)
        for name, at in decided(trace).items():
            found.setdefault(name, []).append(at)
            until = np.clip(at - cell.fault_at, 0, served.shape[1] - 1)
            failed.setdefault(name, []).append(served[np.arange(len(at)), until])
        reverted = sum(int((at < PERIODS).sum()) for at in found[JUDGE])
        low, high = interval(reverted, runs)
        is_decided = not cell.is_null or high <= MOST_FALSE or low > MOST_FALSE
        if runs >= least and (is_decided or runs >= MOST):
            break
    systems = {
        name: system(cell, np.concatenate(found[name]), np.concatenate(failed[name]))
        for name in found
    }
    return {"cell": cell.name, "null": cell.is_null, "runs": runs, "systems": systems}


def system(cell: Cell, at: Integers, failed: Integers) -> dict[str, Any]:
    reverted = at < PERIODS
    low, high = interval(int(reverted.sum()), len(at))
    if cell.is_null:
        share = round(float(reverted.mean()), 5)
        return {"false_reverts": share, "low": round(low, 5), "high": round(high, 5)}
    # One that reverts before there is a fault has not found it.
    seen = reverted & (at >= cell.fault_at)
    minutes = (at - cell.fault_at + 1)[seen]
    return {
        "found": round(float(seen.mean()), 4),
        "before_the_fault": round(float((at < cell.fault_at).mean()), 4),
        "median_minutes": float(np.median(minutes)) if len(minutes) else None,
        "failed_requests": round(float(failed[at >= cell.fault_at].mean()), 1)
        if (at >= cell.fault_at).any()
        else None,
    }


def checked(seed: int) -> float:
    """The largest difference between the vectorised judge and the judge, over all kinds."""
    chance = np.random.default_rng(seed)
    every = list(cells())
    each = math.ceil(CHECKED / len(every))
    return max(
        check(traces(cell, each, chance), FALSE_REVERTS, chance.integers(0, PERIODS, each))
        for cell in every
    )


def problems(report: dict[str, Any]) -> list[str]:
    wrong = []
    for cell in report["cells"]:
        judge = cell["systems"][JUDGE]
        if cell["null"] and judge["high"] > MOST_FALSE:
            wrong.append(f"{cell['cell']}: up to {judge['high']:.2%} false reverts")
    if report["largest_difference_to_the_judge"] > MOST_DIFFERENCE:
        wrong.append("the vectorised judge is another than the judge")
    return wrong


def show(report: dict[str, Any]) -> None:
    for title, key, is_null in (
        ("false reverts, where nothing is wrong", "false_reverts", True),
        ("faults found", "found", False),
    ):
        chosen = [cell["systems"] for cell in report["cells"] if cell["null"] == is_null]
        print(f"{title:<44}{'mean':>8}{'least':>8}{'most':>8}")
        for name in chosen[0] if chosen else ():
            shares = [each[name][key] for each in chosen]
            mean = sum(shares) / len(shares)
            print(f"  {name:<42}{mean:>8.2%}{min(shares):>8.2%}{max(shares):>8.2%}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="judge", description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000, help="releases of a cell, at least")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="cells whose name contains this")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    began = time.monotonic()
    chosen = [cell for cell in cells() if given.only in cell.name]
    with ProcessPoolExecutor(given.workers) as pool:
        difference = pool.submit(checked, given.seed)
        each = pool.map(measured, chosen, [given.runs] * len(chosen), [given.seed] * len(chosen))
        report = {
            "false_reverts": FALSE_REVERTS,
            "cells": list(each),
            "largest_difference_to_the_judge": difference.result(),
        }
    path = write("judge", report)
    show(report)
    print(f"report: {path} after {time.monotonic() - began:.0f} s")
    wrong = problems(report)
    for problem in wrong:
        print(f"WRONG {problem}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    exit_with(main)
