"""Unknown members are named without numbers, guarded unless the stack's parameter names them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.members import (
    altered,
    loss,
    named,
    refusal,
    sendable,
    values_of,
    warnings_of,
    within,
    without_numbers,
)

NEW = "Rules[].Actions[].New"
OLD = "Rules[].Actions[].Old"


@pytest.mark.parametrize(
    ("parameter", "paths"),
    [("", []), (",", []), (NEW, [NEW]), (f" {OLD} , {NEW},{OLD}", [NEW, OLD])],
)
def test_the_parameter_names_paths(parameter: str, paths: list[str]) -> None:
    assert named(parameter) == paths


def test_items_of_a_list_have_one_path() -> None:
    found = ["Rules[0].Actions[1].Old", "Rules[0].Actions[0].New", "Rules[3].Actions[12].New"]
    assert without_numbers(found) == (NEW, OLD)


@pytest.mark.parametrize(
    ("path", "part", "is_within"),
    [
        ("Rules[1].Actions[0].New", "Rules[1].Actions", True),
        ("Rules[11].Actions[0].New", "Rules[1].Actions", False),
        ("Rules[1].ActionsToo", "Rules[1].Actions", False),
        ("Rules[1].New", "Rules[1].Actions", False),
        ("route.spec.newRoute", "route.spec", True),
        ("route.spec", "route.spec", True),
    ],
)
def test_a_part_has_what_is_below_it(path: str, part: str, is_within: bool) -> None:
    assert within(path, part) is is_within


UNKNOWN = st.lists(st.sampled_from([NEW, OLD, "action.forward.new"]), unique=True).map(tuple)


@given(UNKNOWN, UNKNOWN)
def test_a_member_is_refused_or_it_is_said_that_it_is_lost(
    unknown: tuple[str, ...], may_be_lost: tuple[str, ...]
) -> None:
    refused = refusal("the rule", unknown, may_be_lost) or ""
    missed = loss("the rule", unknown, may_be_lost) or ""
    said = warnings_of("the rule", unknown, may_be_lost)
    for path in unknown:
        allowed = path in may_be_lost
        assert (path in refused) is (path in missed) is not allowed
        assert sum(path in sentence for sentence in said) == allowed
    assert len(said) == len(set(unknown) & set(may_be_lost))


def test_a_refusal_says_what_to_do() -> None:
    assert refusal("listener rule x", (NEW, OLD), [OLD]) == (
        f"listener rule x has {NEW}, which this stack does not know and a write would delete;"
        " update the stack, or, where it may be lost, name it in the stack's parameter"
        " MembersThatMayBeLost"
    )
    assert refusal("listener rule x", (), []) is None


def test_a_stand_in_is_not_sent() -> None:
    stand_in = {"SDK_UNKNOWN_MEMBER": {"name": "wildcard"}}
    document: dict[str, Any] = {
        "httpRoute": {"match": {"headers": [{"name": "x", "match": stand_in}, {"name": "y"}]}},
        "resources": [stand_in, {"type": "GPU"}],
        "other": stand_in,
        "priority": 0,
    }
    assert sendable(document) == {
        "httpRoute": {"match": {"headers": [{"name": "x"}, {"name": "y"}]}},
        "resources": [{"type": "GPU"}],
        "priority": 0,
    }
    assert document["other"] == stand_in


@pytest.mark.parametrize(
    ("after", "lost"),
    [
        ([("Rules[1].New", "1"), ("Rules[0].New", "2")], ()),
        ([("Rules[0].New", "1"), ("Rules[1].New", "1")], ("Rules[].New",)),
        ([("Rules[0].New", "1")], ("Rules[].New",)),
        ([], ("Rules[].New",)),
        ([("Rules[0].New", "1"), ("Rules[1].New", "2"), ("Rules[1].Newer", "1")], ()),
    ],
    ids=["another order", "another value", "one of two", "gone", "more"],
)
def test_a_member_that_comes_back_otherwise_is_lost(
    after: list[tuple[str, str]], lost: tuple[str, ...]
) -> None:
    before = values_of([("Rules[0].New", "1"), ("Rules[1].New", "2")])
    assert altered(before, values_of(after)) == lost
