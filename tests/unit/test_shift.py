"""Shifts: what this release wrote is told apart from what somebody else did."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary import clock
from stepcanary.domain.split import Split
from stepcanary.errors import SplitDrifted
from stepcanary.traffic.router import Reading, TrafficRouter
from stepcanary.traffic.shift import (
    PAUSE_SECONDS,
    READS_AGAIN,
    Known,
    force,
    foreign_write,
    jump_of,
    read_again,
    shift,
)

PERCENT = st.integers(0, 100)
VERSION = st.integers(1, 1_000)


@dataclass
class Named:
    """All of a router that these rules look at."""

    name: str = "route checkout of mesh example"


def foreign(canary: int, known: Known, version: int | None = None) -> str | None:
    router: TrafficRouter = Named()  # type: ignore[assignment]
    return foreign_write(router, Reading(Split(100 - canary, canary), {}, version), known)


@pytest.mark.parametrize(
    ("version", "known", "jump"),
    [(7, 7, 0), (9, 7, 2), (7, None, 7), (None, 7, 0), (None, None, 0)],
    ids=["none", "two", "never written by us", "not counted any more", "never counted"],
)
def test_a_jump_is_how_many_writes_a_route_has_had(
    version: int | None, known: int | None, jump: int
) -> None:
    assert jump_of(Reading(Split(100, 0), {}, version), known) == jump


@pytest.mark.parametrize(
    ("canary", "version", "known"),
    [
        (5, None, Known(5, 5, None)),
        (5, 7, Known(5, 5, 7)),
        (5, 7, Known(5, 25, 7)),
        (25, 8, Known(5, 25, 7)),
        (25, None, Known(5, 25, None)),
    ],
    ids=[
        "as it was read back, by a router that counts nothing",
        "as it was read back",
        "an attempt that was never made",
        "an attempt whose answer was lost",
        "the same, by a router that counts nothing",
    ],
)
def test_what_this_release_left_or_attempted_is_its_own(
    canary: int, version: int | None, known: Known
) -> None:
    assert foreign(canary, known, version) is None


@pytest.mark.parametrize(
    ("canary", "version", "known"),
    [
        (6, None, Known(5, 25, None)),
        (6, 7, Known(5, 25, 7)),
        (5, 8, Known(5, 5, 7)),
        (5, 9, Known(5, 25, 7)),
        (25, 7, Known(5, 25, 7)),
        (25, 9, Known(5, 25, 7)),
        (5, 6, Known(5, 5, 7)),
    ],
    ids=[
        "a weight nobody here asked for",
        "the same without a write, which cannot be ours",
        "written with the weights that were there",
        "written away and back",
        "the attempted weight without a write",
        "the attempted weight with a write too many",
        "a route that was made anew",
    ],
)
def test_what_somebody_else_wrote_is_told(canary: int, version: int | None, known: Known) -> None:
    assert foreign(canary, known, version) is not None


@given(PERCENT, PERCENT, PERCENT)
def test_without_versions_only_other_weights_tell(canary: int, weight: int, target: int) -> None:
    own = canary in (weight, target)
    assert (foreign(canary, Known(weight, target, None)) is None) is own


@given(PERCENT, PERCENT, PERCENT, VERSION, st.integers(-1, 3))
def test_with_versions_each_write_has_to_be_this_releases(
    canary: int, weight: int, target: int, version: int, jump: int
) -> None:
    untouched = canary == weight and jump == 0
    attempted = canary == target != weight and jump == 1
    found = foreign(canary, Known(weight, target, version), version + jump)
    assert (found is None) is (untouched or attempted)


@given(st.integers(1, 999), PERCENT)
def test_a_weight_is_compared_as_the_route_can_express_it(total: int, weight: int) -> None:
    reading = Reading(Split(total, 0).with_weight(weight), {})
    router: TrafficRouter = Named()  # type: ignore[assignment]
    assert foreign_write(router, reading, Known(weight, weight, None)) is None


def test_what_is_told_names_the_route_and_both_splits() -> None:
    message = foreign(40, Known(5, 5, 7), 9)
    assert message is not None
    for part in ("route checkout of mesh example", "60:40", "95:5", "2 versions"):
        assert part in message


def test_versions_are_not_mentioned_where_they_tell_nothing() -> None:
    message = foreign(40, Known(5, 5, None))
    assert message is not None
    assert "version" not in message


@dataclass
class Lagging:
    """A route whose reads show a write only after so many; `others` writes before each read."""

    canary: int = 5
    version: int = 7
    behind: int = 0
    written: list[int] = field(default_factory=list)
    reads: int = 0
    others: Callable[["Lagging"], None] = lambda _route: None
    name: str = "route checkout of mesh example"
    _stale: tuple[int, int] = (0, 0)
    _left: int = 0

    def put(self, canary: int) -> None:
        self._stale, self._left = (self.canary, self.version), self.behind
        self.canary, self.version = canary, self.version + 1

    def read(self) -> Reading:
        self.reads += 1
        self.others(self)
        canary, version = self.canary, self.version
        if self._left:
            self._left -= 1
            canary, version = self._stale
        return Reading(Split(100 - canary, canary), {"canary": canary}, version)

    def write(self, _reading: Reading, split: Split) -> dict[str, int]:
        self.put(split.canary)
        self.written.append(split.canary)
        return {"canary": split.canary}


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr(clock, "sleep", pauses.append)
    return pauses


def router_of(route: Lagging) -> TrafficRouter:
    router: TrafficRouter = route  # type: ignore[assignment]
    return router


BEHIND = pytest.mark.parametrize("behind", range(READS_AGAIN + 1))


@BEHIND
def test_a_read_that_lags_behind_the_write_is_repeated(behind: int, slept: list[float]) -> None:
    route = Lagging(behind=behind)
    reading = shift(router_of(route), Known(5, 25, 7), 25)
    assert (reading.split.canary, reading.version, route.written) == (25, 8, [25])
    assert slept == [PAUSE_SECONDS] * behind


@BEHIND
def test_a_read_that_still_shows_the_write_before_the_last_is_repeated(
    behind: int, slept: list[float]
) -> None:
    route = Lagging(canary=0, version=6, behind=behind)
    route.put(5)
    reading, drift = read_again(router_of(route), Known(5, 5, 7), router_of(route).read())
    assert (reading.split.canary, drift) == (5, None)
    assert slept == [PAUSE_SECONDS] * behind


def test_what_stays_is_somebody_elses_and_nothing_is_written(slept: list[float]) -> None:
    route = Lagging(canary=40, version=8)
    with pytest.raises(SplitDrifted, match="somebody else wrote"):
        shift(router_of(route), Known(5, 25, 7), 25)
    assert route.written == []
    assert (route.reads, slept) == (1 + READS_AGAIN, [PAUSE_SECONDS] * READS_AGAIN)


def test_what_does_not_read_back_in_time_has_drifted(slept: list[float]) -> None:
    route = Lagging(behind=READS_AGAIN + 1)
    with pytest.raises(SplitDrifted, match="does not read back as written"):
        shift(router_of(route), Known(5, 25, 7), 25)
    assert slept == [PAUSE_SECONDS] * READS_AGAIN


def test_a_write_over_ours_that_left_our_weights_is_told_by_its_version() -> None:
    def touch(route: Lagging) -> None:
        if route.written:
            route.version += 1

    route = Lagging(others=touch)
    with pytest.raises(SplitDrifted):
        shift(router_of(route), Known(5, 25, 7), 25)


@pytest.mark.parametrize("unsure", [False, True])
def test_what_reads_equal_is_written_only_where_the_last_write_is_unsure(
    unsure: bool, slept: list[float]
) -> None:
    route = Lagging(canary=0)
    moved = force(router_of(route), 0, unsure=unsure)
    assert route.written == ([0] if unsure else [])
    assert (moved.found.split, moved.now.split) == (Split(100, 0), Split(100, 0))
    assert slept == []


def test_unsure_it_overwrites_a_shift_that_a_lagging_read_hides(slept: list[float]) -> None:
    """The canary has 25 % already, and the read says 0."""
    route = Lagging(canary=0, behind=1)
    route.put(25)
    moved = force(router_of(route), 0, unsure=True)
    assert (route.canary, moved.now.split) == (0, Split(100, 0))


def test_sure_of_its_writes_it_brings_any_split_to_the_weight(slept: list[float]) -> None:
    route = Lagging(canary=40, version=12, behind=2)
    moved = force(router_of(route), 0)
    assert (moved.found.split.canary, moved.now.split.canary, route.written) == (40, 0, [0])
    assert slept == [PAUSE_SECONDS] * 2
