"""Visible text: characters that a terminal or a browser obeys are shown as what they are."""

from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.visible import HIDDEN, in_lines, line, visible


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("b\u202ec\u200f", r"b\u202ec\u200f"),
        ("\udcff", r"\udcff"),
        ("e\u0301", "e\u0301"),
        ("e" + 4 * "\u0301", "e" + 3 * "\u0301" + r"\u0301"),
        ("two\nlines", "two\nlines"),
        ("größer 大", "größer 大"),
    ],
)
def test_a_character_that_is_obeyed_is_shown(said: str, shown: str) -> None:
    assert visible(said) == shown


@given(st.text())
def test_a_line_is_one_and_can_be_written(said: str) -> None:
    shown = line(said)
    assert len(shown.splitlines()) <= 1
    assert not {category(character) for character in shown} & HIDDEN
    shown.encode()


def test_a_document_has_each_text_on_one_line() -> None:
    found = {"cause\n": ["a\nb", {"n": 1, "left": None}], "ok": True}
    assert in_lines(found) == {"cause": ["a b", {"n": 1, "left": None}], "ok": True}
