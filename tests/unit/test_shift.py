"""Shifts: what this release wrote is told apart from what somebody else did."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.split import Split
from stepcanary.traffic.router import Reading, TrafficRouter
from stepcanary.traffic.shift import Known, foreign_write, jump_of

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
