"""Every text that refuses a release, or warns of something, has an example that is told it."""

from functools import cache

import pytest

from tests.refusals.examples import EXAMPLES
from tests.statemachine.runner import world
from tools.list_refusals import ROOT, Text, page, texts


@cache
def said(example: str) -> str:
    """What the example is told, in a world of its own."""
    with world() as here:
        return EXAMPLES[example](here)


def test_the_page_is_current() -> None:
    assert (ROOT / "docs/refusals.md").read_text() == page(), "run `make refusals`"


def test_each_text_is_told_in_an_example() -> None:
    answers = [said(example) for example in EXAMPLES]
    untold = [
        f"{text.module}: {text.markdown}"
        for text in texts()
        if not any(text.pattern.search(answer) for answer in answers)
    ]
    assert untold == [], "write an example for each in tests/refusals/examples.py"


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_example_is_told_one_of_the_texts(example: str) -> None:
    answer = said(example)
    assert any(text.pattern.search(answer) for text in texts()), answer


def test_refusals_and_warnings_are_both_found() -> None:
    kinds = [text.kind for text in texts()]
    assert kinds.count("refusal") > 70
    assert kinds.count("warning") >= 4


def test_what_is_filled_in_is_in_italics_and_matches_anything() -> None:
    text = Text("refusal", "x.py", ((True, "no *"), (False, "name"), (True, "; a|b")))
    assert text.markdown == r"no \**name*; a\|b"
    assert text.pattern.search("it said: no *checkout; a|b.")
    assert not text.pattern.search("no checkout; a|b")
