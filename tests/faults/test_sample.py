"""A fixed sample of the matrix, from everywhere in it; `make faults` runs all of it."""

import logging
from collections.abc import Iterator

import pytest

from tests.fakes.fronts import CLOUDS
from tests.faults import matrix
from tests.faults.arena import KINDS, Arena, Case, Fault, opened
from tests.faults.mutations import MUTATIONS

SAMPLE = 240
CHUNKS = 8


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    logging.disable(logging.CRITICAL)
    try:
        with opened() as arena:
            yield arena
    finally:
        logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def cases(arena: Arena) -> list[Case]:
    singles = [
        case
        for router in CLOUDS
        for case in matrix.single_faults(matrix.trace(arena, router), router)
    ]
    return [*matrix.kept(), *matrix.spread(singles, SAMPLE)]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_fault_breaks_an_invariant(arena: Arena, cases: list[Case], chunk: int) -> None:
    mine = cases[chunk::CHUNKS]
    assert len(mine) * CHUNKS >= 200
    violations = [
        f"{case}: {violation.invariant}: {violation.told}"
        for case in mine
        for violation in arena.run(case).violations
    ]
    assert violations == []


TELLTALE: dict[str, tuple[str, str, str] | tuple[str]] = {
    "lease": ("good", "second release", "Rollout"),
    "fence": ("good", "delivered late", "DeployCanaryFunction"),
    "kept signals": ("good", "revert signalled", "ShiftWeight"),
    "reconciler": ("good", "stopped", "JudgeCanary"),
    "read-back": ("bad canary", "foreign write", "WaitForRouter"),
    "promotion guard": ("failed primary deployment",),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_the_matrix_sees_a_guard_that_is_switched_off(arena: Arena, mutation: str) -> None:
    base, *struck = TELLTALE[mutation]
    case = Case(base)
    if struck:
        kind, place = struck
        trace = arena.run(case).trace[KINDS[kind]]
        case = Case(base, (Fault(kind, trace.index(place)),))
    assert arena.run(case).violations == ()
    with MUTATIONS[mutation](arena):
        assert arena.run(case).violations
