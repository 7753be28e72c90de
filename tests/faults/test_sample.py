"""A fixed sample of the matrix, from everywhere in it; `make faults` runs all of it."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import pytest

from tests.fakes.fronts import CLOUDS
from tests.faults import matrix
from tests.faults.arena import Arena, opened
from tests.faults.bases import BASES
from tests.faults.kinds import KINDS, SCALING, Fault
from tests.faults.mutations import MUTATIONS
from tests.faults.run import Case, Result

# A dozen releases each: seconds on an idle machine, and no measure of one that is busy.
pytestmark = pytest.mark.timeout(900)

PAIRS = [(router, base) for base, each in BASES.items() for router in each.routers]


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    logging.disable(logging.CRITICAL)
    try:
        with opened() as arena:
            yield arena
    finally:
        logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def good(arena: Arena) -> Callable[[str], Result]:
    """The good release on a router, which every other is compared with."""
    return cache(lambda router: arena.run(Case("good", (), router)))


def violations(results: list[Result]) -> list[str]:
    """The violations, each with its case."""
    return [f"{r.case}: {v.invariant}: {v.sentence}" for r in results for v in r.violations]


@pytest.mark.parametrize(("router", "base"), PAIRS)
def test_no_fault_breaks_an_invariant(
    arena: Arena, good: Callable[[str], Result], router: str, base: str
) -> None:
    whole = good(router) if base == "good" else arena.run(Case(base, (), router))
    cases = matrix.sample({"good": good(router).trace, base: whole.trace}, router, base)
    assert {fault.kind for case in cases for fault in case.faults} == set(
        matrix.share(router, base)
    )
    assert violations([whole, *map(arena.run, cases)]) == []


@pytest.mark.parametrize("case", matrix.kept(), ids=str)
def test_what_broke_something_once_does_not_any_more(arena: Arena, case: Case) -> None:
    assert violations([arena.run(case)]) == []


@pytest.mark.parametrize("router", CLOUDS)
def test_every_kind_strikes_on_every_router(router: str) -> None:
    able = set(KINDS) if router == "alb" else set(KINDS) - set(SCALING)
    assert set().union(*(matrix.share(router, base) for base in BASES)) == able


@dataclass(frozen=True)
class Telltale:
    """The release in which a missing guard shows, and where a fault is needed for that its kind and
    the `nth` place of that name."""

    base: str
    kind: str = ""
    place: str = ""
    nth: int = 0


TELLTALE = {
    "lease": Telltale("good", "second release", "Rollout"),
    "fence": Telltale("failed primary deployment", "delivered late", "RestorePrimaryFunction"),
    "kept signals": Telltale("good", "revert signalled", "ShiftWeight"),
    "reconciler": Telltale("good", "stopped", "JudgeCanary"),
    "read-back": Telltale("bad canary", "foreign write", "WaitForRouter"),
    "promotion guard": Telltale("failed primary deployment"),
    "look at the canary": Telltale("promotion by signal", "canary lost", "Gate"),
    "own number": Telltale("good", "canary scaled in", "ShiftWeight", nth=-1),
    "foreign look": Telltale("good", "foreign canary", "Bake"),
    "way back": Telltale("failed primary deployment", "revision deregistered", "PromotePrimary"),
    "register": Telltale("good", "revision deregistered", "DeployCanary"),
    "retiring": Telltale("good", "autoscaler minimum", "DeployCanary"),
    "second read": Telltale("good", "route lags 3 s", "ShiftWeight"),
    "patience for reads": Telltale("good", "ecs.DescribeServices lags 12 s", "DeployCanary"),
    "grace": Telltale("good", "canary task replaced", "PromotePrimary"),
    "doubt of executions": Telltale("good", "executions unknown", "Bake"),
    "settling": Telltale("failed primary deployment", "weights reset", "RestorePrimary"),
    "lending": Telltale("good", "primary lost", "Bake"),
    "one content": Telltale("good", "new tag moved", "PromotePrimary"),
    "foreign content": Telltale("promotion by signal", "new tag moved and deployed", "Gate"),
    "exact way back": Telltale("failed primary deployment", "old tag moved", "PromotePrimary"),
    "new deployment": Telltale("fixed tag"),
    "sight": Telltale("good", "alarm fails to evaluate", "Bake"),
    "look for alarms": Telltale("good", "alarm deleted", "Bake"),
    "look at members": Telltale("good", "unknown member", "Bake"),
    "floors": Telltale("scaled and bad"),
    "settings given back": Telltale("scaled"),
    "look at old tasks": Telltale("bad without old tasks"),
    "mended filters": Telltale("logged worse at its return", "signal lost", "PromotePrimary"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_the_matrix_sees_a_guard_that_is_switched_off(arena: Arena, mutation: str) -> None:
    told = TELLTALE[mutation]
    case = Case(told.base)
    if told.kind:
        trace = arena.run(case).trace[KINDS[told.kind]]
        places = [at for at, state in enumerate(trace) if state == told.place]
        case = Case(told.base, (Fault(told.kind, places[told.nth]),))
    assert arena.run(case).violations == ()
    with MUTATIONS[mutation](arena):
        assert arena.run(case).violations
