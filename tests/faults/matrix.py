"""The matrix: every fault at every place of every release, and generated sequences of several."""

import json
from collections.abc import Collection
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fakes.fronts import CLOUDS
from tests.faults.arena import Arena
from tests.faults.bases import BASES
from tests.faults.kinds import KINDS, LAGS, LASTING, Fault
from tests.faults.run import Case, Trace

KEPT = Path(__file__).with_name("kept.json")
"""Sequences that broke something once; they are run again every time."""

SEEDS = tuple(range(10))
SEQUENCES_PER_SEED = 25
OVERLAP = 3
"""So many places before a release begins to differ from the good one are struck as well."""

GOLDEN = 0.618
"""Its multiples fall evenly between 0 and 1, however many are taken."""

READS = ("Describe", "Discover", "Get", "List", "Query")
"""Operations without an effect."""

FOR_WRITES = {"answer lost", "killed after a call", "server error", "conflict"}
"""On a read these are other faults over again: a lost answer and a server error are what throttling
is, and who dies after a read has done what was done before it."""

Traces = dict[str, Trace]


def trace(arena: Arena, router: str) -> Traces:
    """By base, what happens in it without faults."""
    names = [name for name, base in BASES.items() if router in base.routers]
    return {name: arena.run(Case(name, (), router)).trace for name in names}


def single_faults(traces: Traces, router: str, kinds: Collection[str] = ()) -> list[Case]:
    """Every fault at every place of the good release, and of the others from where they differ.
    Where `kinds` are named, these alone, and at every place of every release that has them."""
    return [
        Case(base, (Fault(kind, at),), router)
        for base in traces
        for kind, target in KINDS.items()
        if not kinds or kind in kinds
        for at in range(
            0 if kinds else _first(traces, base, target),
            len(traces[base][target]),
            1 if kinds else max(_stride(kind), BASES[base].every),
        )
        if BASES[base].has(kind)
        if _is_distinct(kind, traces[base][target][at])
    ]


def _stride(kind: str) -> int:
    """What lasts from where it strikes is not another thing at every place."""
    if kind in LAGS:
        return 5
    return 3 if kind in LASTING else 1


def _is_distinct(kind: str, place: str) -> bool:
    if kind == "conflict" and " dynamodb." not in place:
        return False
    return kind not in FOR_WRITES or not _reads(place)


def _reads(call: str) -> bool:
    return call.rpartition(".")[2].startswith(READS)


def _first(traces: Traces, base: str, target: str) -> int:
    good, other = traces["good"][target], traces[base][target]
    if base == "good":
        return 0
    pairs = enumerate(zip(good, other, strict=False))
    differs = next((at for at, (a, b) in pairs if a != b), min(len(good), len(other)))
    return max(0, differs - OVERLAP)


STRUCK = {"alb": 2}
"""In so many releases on this router each kind strikes for the sample; in one on the others."""


def share(router: str, base: str) -> list[str]:
    """The kinds that strike this release on this router in the sample."""
    return [kind for number, kind in enumerate(KINDS) if base in _struck(router, kind, number)]


def _struck(router: str, kind: str, number: int) -> list[str]:
    """The releases in which the kind strikes, evenly dealt among those where it can."""
    able = [
        name
        for name, base in BASES.items()
        if router in base.routers and (base.has_events or KINDS[kind] != "event") and base.has(kind)
    ]
    if not able:
        return []
    times = STRUCK.get(router, 1)
    first = number + list(CLOUDS).index(router)
    return [able[(first + turn * len(able) // times) % len(able)] for turn in range(times)]


def sample(traces: Traces, router: str, base: str) -> list[Case]:
    """One fault of each kind of the share, from all over the release, and always the same.

    `traces` has the good release and this one.
    """
    cases = []
    singles = [case for case in single_faults(traces, router) if case.base == base]
    for number, kind in enumerate(share(router, base), start=len(base)):
        of_kind = [case for case in singles if case.faults[0].kind == kind]
        if of_kind:
            cases.append(of_kind[int(number * GOLDEN % 1 * len(of_kind))])
    return cases


def kept() -> list[Case]:
    return [
        Case(case["base"], tuple(Fault(kind, at) for kind, at in case["faults"]), case["router"])
        for case in json.loads(KEPT.read_text())
    ]


def sequences(traces: Traces, router: str, number: int) -> list[Case]:
    """Two to four faults in one release, as this seed generates them."""
    cases = []
    faults = st.tuples(st.sampled_from(sorted(KINDS)), st.floats(0, 1, exclude_max=True))

    @seed(number)
    @settings(
        max_examples=SEQUENCES_PER_SEED,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(sorted(traces)), st.lists(faults, min_size=2, max_size=4))
    def generate(base: str, drawn: list[tuple[str, float]]) -> None:
        placed = {Fault(kind, int(share * len(traces[base][KINDS[kind]]))) for kind, share in drawn}
        cases.append(Case(base, tuple(sorted(placed)), router))

    generate()
    return cases


def spread(cases: list[Case], most: int) -> list[Case]:
    """At most so many of them, from everywhere in the matrix, and always the same."""
    step = max(1, -(-len(cases) // most))
    return cases[::step]
