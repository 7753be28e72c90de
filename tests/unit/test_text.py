"""Text: half a character is found wherever it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.text import is_text, unwritable

HALF = "\ud800"


@pytest.mark.parametrize("value", ["", "shop", "\U0001f986"])
def test_whole_characters_are_text(value: str) -> None:
    assert is_text(value)


@pytest.mark.parametrize("value", [None, 1, ["a"], HALF, "a\udfff"])
def test_half_a_character_is_none_and_neither_is_anything_else(value: object) -> None:
    assert not is_text(value)


@pytest.mark.parametrize(
    ("document", "places"),
    [
        (HALF, [()]),
        ([1, HALF], [(1,)]),
        ({"a": {"b": [HALF, "c"]}}, [("a", "b", 0)]),
        ({HALF: 1}, [(HALF,)]),
        ({"a": HALF, "b": HALF}, [("a",), ("b",)]),
        ({"a": None, "b": [1.5, True]}, []),
    ],
)
def test_each_place_is_named(document: object, places: list[Any]) -> None:
    assert list(unwritable(document)) == places


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner, max_size=3)))
def test_whole_characters_are_fine(document: object) -> None:
    assert list(unwritable(document)) == []


def test_depth_is_no_matter() -> None:
    document: object = HALF
    for _ in range(5_000):
        document = [document]
    assert list(unwritable(document)) == [(0,) * 5_000]
