"""The report on all that a journal has, in whichever sessions it was run."""

from collections import Counter
from typing import Any

from tests.faults.invariants import INVARIANTS
from tests.faults.journal import Journal
from tests.faults.kinds import KINDS

MOST_EXAMPLES = 100


def report(journal: Journal, state: str) -> dict[str, Any]:
    entries = list(journal.entries.values())
    by_fault = {kind: {"runs": 0, "violations": 0} for kind in KINDS}
    for entry in entries:
        for kind in entry.kinds:
            by_fault[kind]["runs"] += 1
            by_fault[kind]["violations"] += len(entry.violations)
    violations = [(e.case, *violation) for e in entries for violation in e.violations]
    found = Counter(invariant for _, invariant, _ in violations)
    return {
        "hash": state,
        "runs": len(entries),
        "violations": len(violations),
        "by_router": dict(Counter(e.router for e in entries)),
        "struck": {router: _struck(journal, router) for router in journal.places},
        "by_fault": by_fault,
        "by_invariant": {name: found[name] for name in INVARIANTS},
        "by_outcome": dict(Counter(e.outcome for e in entries)),
        "cpu_seconds_per_run": round(journal.cpu_seconds / max(1, len(entries)), 3),
        "seconds": round(journal.seconds),
        "examples": [": ".join(violation) for violation in violations[:MOST_EXAMPLES]],
    }


def _struck(journal: Journal, router: str) -> dict[str, Any]:
    """How many of the router's single faults were run, and whether these are all."""
    run = sum(e.place for e in journal.entries.values() if e.router == router)
    places = journal.places[router]
    return {"how": "whole" if run == places else "sampled", "run": run, "places": places}
