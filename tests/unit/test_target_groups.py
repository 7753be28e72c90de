"""Target groups: a release's pair changes, everything else stays, and the rest comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.split import Split
from stepcanary.errors import RequestRejected
from stepcanary.traffic.target_groups import MOST_WEIGHT, Pair, Weights, collect

WEIGHT = st.integers(0, MOST_WEIGHT)
OTHERS = st.dictionaries(st.sampled_from(["x", "y", "z"]), WEIGHT)
PERCENTS = st.lists(st.integers(1, 100), min_size=1, max_size=5)


def at_rest(others: Weights, primary: int, *, listed: bool) -> Weights:
    return {**others, "a": primary} | ({"b": 0} if listed else {})


@given(OTHERS, st.integers(1, MOST_WEIGHT), st.booleans(), PERCENTS)
def test_a_release_comes_back_to_where_it_began(
    others: Weights, primary: int, listed: bool, percents: list[int]
) -> None:
    rest = at_rest(others, primary, listed=listed)
    found = Pair("a", "b", None).found_rest_weight(rest)
    pair = Pair("a", "b", found)
    assert (found is None) == listed
    weights, split = rest, pair.split_of(rest, "it")
    assert split.at_rest
    for percent in percents:
        split = split.with_weight(percent)
        weights = pair.with_split(weights, split)
        assert pair.split_of(weights, "it") == split
        assert {k: v for k, v in weights.items() if k not in "ab"} == others
    back = pair.with_split(weights, split.with_weight(0))
    assert back == rest


@given(OTHERS, WEIGHT, WEIGHT, st.sampled_from([None, 1, 100]), st.sampled_from([0, 100]))
def test_whatever_somebody_wrote_can_be_brought_to_one_side(
    others: Weights, a: int, b: int, rest_weight: int | None, percent: int
) -> None:
    pair = Pair("a", "b", rest_weight)
    found = pair.split_of({**others, "a": a, "b": b}, "it")
    weights = pair.with_split({**others, "a": a, "b": b}, found.with_weight(percent))
    split = pair.split_of(weights, "it")
    assert all(0 <= weight <= MOST_WEIGHT for weight in weights.values())
    assert split.with_weight(percent) == split
    assert {k: v for k, v in weights.items() if k not in "ab"} == others
    assert (split.total > 0) == (found.total > 0)


def test_a_lone_group_has_all_of_100() -> None:
    pair = Pair("a", "b", None)
    assert pair.split_of({"a": 1}, "it") == Split(100, 0)
    assert pair.split_of({"a": 1, "x": 1}, "it") == Split(1, 0)


def test_a_group_that_is_listed_twice_is_refused() -> None:
    assert collect([("a", 1), ("b", 1)], "it") == {"a": 1, "b": 1}
    with pytest.raises(RequestRejected, match="it lists a target group twice"):
        collect([("a", 1), ("b", 1), ("a", 1)], "it")


def test_a_rule_without_the_primary_is_refused_whatever_else_it_lists() -> None:
    for weights in ({}, {"b": 1}, {"b": 1, "x": 1}):
        with pytest.raises(RequestRejected, match="it does not forward to a"):
            Pair("a", "b", None).split_of(weights, "it")


@pytest.mark.parametrize(
    ("weights", "fits"),
    [
        ({"a": 1, "x": 1}, True),
        ({"a": 1, "x": 1, "y": 1}, False),
        ({"a": 1, "x": 1, "b": 0}, True),
    ],
    ids=["one more is allowed", "one more is too many", "it is one of them already"],
)
def test_the_canary_needs_room_beside_the_others(weights: Weights, fits: bool) -> None:
    pair = Pair("a", "b", None)
    if fits:
        pair.check_room(weights, 3, "it")
        return
    with pytest.raises(RequestRejected, match="no room for b"):
        pair.check_room(weights, 3, "it")
