"""The split: lossless edits, a total that stays, steps that can be expressed."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.split import Split, check_expressible
from stepcanary.errors import RequestRejected
from stepcanary.traffic.appmesh import KINDS, weighted_targets, with_weights

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.integers(1, 999), st.integers(0, 100), st.integers(0, 100))
def test_the_total_stays_and_more_percent_is_never_less(total: int, a: int, b: int) -> None:
    rest = Split(primary=total, canary=0)
    low, high = rest.with_weight(min(a, b)), rest.with_weight(max(a, b))
    assert low.total == high.total == total
    assert 0 <= low.canary <= high.canary <= total


@given(st.integers(0, 100))
def test_of_100_every_percent_is_exact(percent: int) -> None:
    assert Split(100, 0).with_weight(percent).canary == percent


@given(st.integers(1, 300), st.lists(st.integers(1, 100), min_size=1, max_size=5, unique=True))
def test_steps_that_pass_rise_and_complete_only_at_the_end(total: int, weights: list[int]) -> None:
    weights = sorted(weights)
    rest = Split(total, 0)
    try:
        check_expressible(rest, weights)
    except RequestRejected:
        assert total < 200
        return
    reached = [rest.with_weight(weight).canary for weight in weights]
    assert reached == sorted(set(reached))
    assert all(c < total for c, w in zip(reached, weights, strict=True) if w < 100)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_an_edit_changes_the_two_weights_and_nothing_else(kind: str, data: Any) -> None:
    others = data.draw(st.lists(st.sampled_from(["x", "y"]), max_size=3))
    nodes = data.draw(st.permutations(["a", "b", *others]))
    targets = [{"virtualNode": n, "weight": data.draw(st.integers(0, 100))} for n in nodes]
    more = data.draw(st.dictionaries(st.sampled_from(["match", "timeout", "retryPolicy"]), JSON))
    spec = {"priority": 3, kind: {**more, "action": {"weightedTargets": targets}}}
    before = copy.deepcopy(spec)
    edited = with_weights(spec, {"a": 7, "b": 93})
    assert spec == before
    for old, new in zip(weighted_targets(before), weighted_targets(edited), strict=True):
        assert {**old, "weight": 0} == {**new, "weight": 0}
        expected = {"a": 7, "b": 93}.get(old["virtualNode"], old["weight"])
        assert new["weight"] == expected
        old["weight"] = new["weight"]
    assert edited == before


@pytest.mark.parametrize(
    ("split", "rests"),
    [(Split(100, 0), True), (Split(1, 0), True), (Split(99, 1), False), (Split(0, 0), False)],
    ids=["all on the primary", "of a total of one", "a little on the canary", "no weight at all"],
)
def test_a_split_rests_when_the_primary_has_all_there_is(split: Split, rests: bool) -> None:
    assert split.at_rest is rests


@pytest.mark.parametrize(
    ("split", "percent", "canary"),
    [(Split(10, 0), 4, 0), (Split(10, 0), 5, 1), (Split(3, 0), 50, 2), (Split(999, 0), 99, 989)],
    ids=["below a half", "a half goes up", "a half of an odd total", "to the nearest"],
)
def test_a_weight_is_rounded_to_the_nearest(split: Split, percent: int, canary: int) -> None:
    assert split.with_weight(percent) == Split(split.total - canary, canary)


@pytest.mark.parametrize(
    ("total", "weights", "expressible"),
    [
        (1, [100], True),
        (2, [50, 100], True),
        (10, [4, 100], False),
        (10, [50, 54, 100], False),
        (10, [96, 100], False),
    ],
    ids=[
        "all or nothing",
        "a half of two",
        "a step that would give nothing",
        "two steps that would be one",
        "a step that would give everything early",
    ],
)
def test_steps_need_a_total_that_can_express_them(
    total: int, weights: list[int], expressible: bool
) -> None:
    if expressible:
        check_expressible(Split(total, 0), weights)
        return
    with pytest.raises(RequestRejected, match=f"total {total}, too few"):
        check_expressible(Split(total, 0), weights)
