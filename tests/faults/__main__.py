"""`make faults`: runs the matrix on all cores and writes build/faults.json.

What was run on the same code before, in a session that ended or was interrupted, is not run again.
"""

import argparse
import json
import signal
import sys
import time
from pathlib import Path

from tests.fakes.fronts import CLOUDS
from tests.faults import journal as journals
from tests.faults import matrix
from tests.faults.journal import Entry, Journal, JournalInUse
from tests.faults.kinds import KINDS
from tests.faults.mutations import MUTATIONS
from tests.faults.pool import Plan, planned, run_all
from tests.faults.report import report

PROGRESS_EVERY = 200


class Session:
    """One call of `make faults`. A signal or `seconds` stop it; what is under way still ends."""

    def __init__(self, journal: Journal, seconds: float | None) -> None:
        self.journal = journal
        self.interrupted = False
        self._began = self._written = time.monotonic()
        self._until = self._began + seconds if seconds is not None else float("inf")
        for kind in (signal.SIGINT, signal.SIGTERM):
            signal.signal(kind, self._interrupt)

    def _interrupt(self, *_: object) -> None:
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        print("interrupted: waiting for the cases under way", flush=True)

    def is_over(self) -> bool:
        return self.interrupted or time.monotonic() >= self._until

    def run(self, plan: Plan, mutation: str | None) -> int:
        """How many of the cases are left."""
        self.journal.plan({router: len(places) for router, places in plan.places.items()})
        due = [case for case in plan.cases if case.name not in self.journal.entries]
        print(f"{len(plan.cases)} cases, {len(plan.cases) - len(due)} were run before", flush=True)
        ran = 0
        for done in run_all(due, mutation, self.is_over):
            entries = [Entry.of(r, place=plan.is_place(r.case)) for r in done.results]
            now = time.monotonic()
            self.journal.write(entries, done.cpu_seconds, now - self._written)
            self._written = now
            for entry in entries:
                for invariant, sentence in entry.violations:
                    print(f"{entry.case}: {invariant}: {sentence}", flush=True)
            before, ran = ran, ran + len(entries)
            if ran // PROGRESS_EVERY > before // PROGRESS_EVERY:
                print(f"{ran} of {len(due)} cases, {now - self._began:.0f} s", flush=True)
        return len(due) - ran


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--without", choices=sorted(MUTATIONS), help="switch one guard off")
    parser.add_argument("--router", choices=sorted(CLOUDS), help="one of them instead of all")
    parser.add_argument(
        "--most", type=int, default=1_000_000, help="most single faults of a router"
    )
    parser.add_argument("--whole", choices=sorted(CLOUDS), help="this router's are all struck")
    parser.add_argument(
        "--kind",
        choices=sorted(KINDS),
        action="append",
        default=[],
        help="this kind of fault alone, at every place; may be given again",
    )
    parser.add_argument("--seeds", type=int, default=len(matrix.SEEDS))
    parser.add_argument("--seconds", type=float, help="begin nothing more after so long")
    given = parser.parse_args()
    most = {name: 1_000_000 if name == given.whole else given.most for name in CLOUDS}
    routers = [given.router] if given.router else list(CLOUDS)
    state = journals.fingerprint()
    try:
        with journals.opened(state, given.without, kinds=given.kind) as journal:
            session = Session(journal, given.seconds)
            plan = planned(routers, most, matrix.SEEDS[: given.seeds], given.kind)
            left = session.run(plan, given.without)
            summary = {**report(journal, state), "left": left}
    except JournalInUse as error:
        print(error)
        return 2
    name = "faults-of-kinds" if given.kind else "faults"
    name += f"-without-{given.without}" if given.without else ""
    path = Path("build") / f"{name.replace(' ', '-')}.json"
    path.write_text(json.dumps(summary, indent=2) + "\n")
    print(f"{summary['runs']} runs, {summary['violations']} violations: {path}")
    if left:
        print(f"{left} cases are left; the same command goes on with them")
    if session.interrupted:
        return 130
    if given.without:
        return 0 if summary["violations"] else 1
    return 1 if summary["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
