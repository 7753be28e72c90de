"""The pool: an arena per core, which the cases are shared out to."""

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.util import Finalize

import tests.conftest  # noqa: F401 - sets the environment before a client is built
from tests.faults import matrix
from tests.faults.arena import Arena, opened
from tests.faults.mutations import MUTATIONS
from tests.faults.run import Case, Result

CASES_PER_TASK = 40
_arena: list[Arena] = []
_open = ExitStack()


def _start(mutation: str | None) -> None:
    logging.disable(logging.CRITICAL)
    Finalize(None, _open.close, exitpriority=10)
    _arena.append(_open.enter_context(opened()))
    if mutation:
        _open.enter_context(MUTATIONS[mutation](_arena[0]))


def _run(cases: list[Case]) -> list[Result]:
    return [_arena[0].run(case) for case in cases]


def _generate(work: tuple[matrix.Traces, str, int]) -> list[Result]:
    traces, router, number = work
    results: list[Result] = []
    matrix.sequences(traces, router, number, lambda case: results.append(_arena[0].run(case)))
    return results


def run_all(
    routers: list[str], mutation: str | None, most: dict[str, int], seeds: tuple[int, ...]
) -> Iterator[Result]:
    """`most` bounds the single faults of each router; each seed adds its sequences."""
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, get_context("spawn"), _start, (mutation,)) as pool:
        with opened() as arena:
            traces = {router: matrix.trace(arena, router) for router in routers}
        cases = matrix.kept()
        for router in routers:
            cases += matrix.spread(matrix.single_faults(traces[router], router), most[router])
        tasks = [cases[i : i + CASES_PER_TASK] for i in range(0, len(cases), CASES_PER_TASK)]
        for results in pool.map(_run, tasks):
            yield from results
        work = [(traces[router], router, number) for router in routers for number in seeds]
        for results in pool.map(_generate, work):
            yield from results
