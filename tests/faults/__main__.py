"""`make faults`: runs the matrix on all cores and writes build/faults.json."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.fakes.fronts import CLOUDS
from tests.faults import matrix
from tests.faults.kinds import KINDS
from tests.faults.mutations import MUTATIONS
from tests.faults.pool import run_all
from tests.faults.run import Result

MOST_EXAMPLES = 100


def report(results: Iterator[Result]) -> dict[str, Any]:
    runs, violated = 0, 0
    by_router: Counter[str] = Counter()
    by_fault = {kind: {"runs": 0, "violations": 0} for kind in KINDS}
    by_invariant: Counter[str] = Counter()
    by_outcome: Counter[str] = Counter()
    examples = []
    began = time.monotonic()
    for result in results:
        runs += 1
        violated += len(result.violations)
        by_outcome[result.outcome] += 1
        by_router[result.case.router] += 1
        for kind in {fault.kind for fault in result.case.faults}:
            by_fault[kind]["runs"] += 1
            by_fault[kind]["violations"] += len(result.violations)
        for violation in result.violations:
            by_invariant[violation.invariant] += 1
            examples.append(f"{result.case}: {violation.invariant}: {violation.sentence}")
            if len(examples) <= MOST_EXAMPLES:
                print(examples[-1], flush=True)
        if runs % 200 == 0:
            seconds = time.monotonic() - began
            print(f"{runs} runs, {violated} violations, {seconds:.0f} s", flush=True)
    return {
        "runs": runs,
        "violations": violated,
        "by_router": dict(by_router),
        "by_fault": by_fault,
        "by_invariant": dict(by_invariant),
        "by_outcome": dict(by_outcome),
        "seconds": round(time.monotonic() - began),
        "examples": examples[:MOST_EXAMPLES],
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--without", choices=sorted(MUTATIONS), help="switch one guard off")
    parser.add_argument("--router", choices=sorted(CLOUDS), help="one of them instead of all")
    parser.add_argument(
        "--most", type=int, default=1_000_000, help="most single faults of a router"
    )
    parser.add_argument("--whole", choices=sorted(CLOUDS), help="this router's are all struck")
    parser.add_argument("--seeds", type=int, default=len(matrix.SEEDS))
    given = parser.parse_args()
    most = {name: 1_000_000 if name == given.whole else given.most for name in CLOUDS}
    routers = [given.router] if given.router else list(CLOUDS)
    summary = report(run_all(routers, given.without, most, matrix.SEEDS[: given.seeds]))
    name = f"faults-without-{given.without}.json" if given.without else "faults.json"
    path = Path("build") / name.replace(" ", "-")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(summary, indent=2) + "\n")
    print(f"{summary['runs']} runs, {summary['violations']} violations: {path}")
    if given.without:
        return 0 if summary["violations"] else 1
    return 1 if summary["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
