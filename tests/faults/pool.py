"""The pool: an arena per core, which the cases are shared out to."""

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.util import Finalize

import tests.conftest  # noqa: F401 - sets the environment before a client is built
from tests.faults import matrix
from tests.faults.arena import Arena, opened
from tests.faults.mutations import MUTATIONS
from tests.faults.run import Case, Result

CASES_PER_TASK = 20
_arena: list[Arena] = []
_open = ExitStack()


@dataclass(frozen=True)
class Plan:
    """The cases to run, each once. `places` are the names of all single faults, by router."""

    cases: list[Case]
    places: dict[str, set[str]]

    def is_place(self, case: Case) -> bool:
        return case.name in self.places.get(case.router, ())


@dataclass(frozen=True)
class Done:
    """A task's results, and the CPU seconds that they took in the worker."""

    results: list[Result]
    cpu_seconds: float


def planned(
    routers: list[str],
    most: dict[str, int],
    seeds: tuple[int, ...],
    kinds: Collection[str] = (),
) -> Plan:
    """`most` bounds the single faults of each router; each seed adds its sequences. Where `kinds`
    are named, these strike alone."""
    cases = [] if kinds else matrix.kept()
    places = {}
    sequences = []
    logging.disable(logging.CRITICAL)
    with opened() as arena:
        for router in routers:
            traces = matrix.trace(arena, router)
            singles = matrix.single_faults(traces, router, kinds)
            places[router] = {case.name for case in singles}
            cases += matrix.spread(singles, most[router])
            for number in () if kinds else seeds:
                sequences += matrix.sequences(traces, router, number)
    logging.disable(logging.NOTSET)
    return Plan(list({case.name: case for case in cases + sequences}.values()), places)


def _start(mutation: str | None) -> None:
    # The parent hears of Ctrl-C, and lets what is under way end. A parent that was killed does not.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.disable(logging.CRITICAL)
    Finalize(None, _open.close, exitpriority=10)
    _arena.append(_open.enter_context(opened()))
    if mutation:
        _open.enter_context(MUTATIONS[mutation](_arena[0]))
    # Modules and models stay for ever: the collector need not look at them again and again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent
    parent.join()
    os._exit(1)


def _run(cases: list[Case]) -> Done:
    began = time.process_time()
    results = [_arena[0].run(case) for case in cases]
    # The trace is long, and nobody here looks at it.
    bare = [Result(r.case, r.violations, r.outcome, {}) for r in results]
    return Done(bare, time.process_time() - began)


def run_all(cases: list[Case], mutation: str | None, stopped: Callable[[], bool]) -> Iterator[Done]:
    """Each task when it is done. Once `stopped`, no more are begun, and those under way end."""
    tasks = iter([cases[i : i + CASES_PER_TASK] for i in range(0, len(cases), CASES_PER_TASK)])
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, get_context("spawn"), _start, (mutation,)) as pool:
        running: set[Future[Done]] = set()
        while True:
            while len(running) < workers and not stopped() and (task := next(tasks, None)):
                running.add(pool.submit(_run, task))
            if not running:
                return
            ended, running = wait(running, timeout=1, return_when=FIRST_COMPLETED)
            for future in ended:
                yield future.result()
