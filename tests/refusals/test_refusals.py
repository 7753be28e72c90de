"""Every text that refuses a release, or warns of something, has an example that is told it."""

from tests.refusals.examples import EXAMPLES
from tests.statemachine.runner import world
from tools.list_refusals import ROOT, Text, page, texts


def answers() -> dict[str, str]:
    """What each example is told, in a world of its own."""
    told = {}
    for name, example in EXAMPLES.items():
        with world() as here:
            told[name] = example(here)
    return told


def test_the_page_is_current() -> None:
    assert (ROOT / "docs/refusals.md").read_text() == page(), "run `make refusals`"


def test_each_text_is_told_in_an_example_and_each_example_is_told_one() -> None:
    told = answers()
    untold = [
        f"{text.module}: {text.markdown}"
        for text in texts()
        if not any(text.pattern.search(answer) for answer in told.values())
    ]
    assert untold == [], "write an example for each in tests/refusals/examples.py"
    other = {
        name: answer
        for name, answer in told.items()
        if not any(text.pattern.search(answer) for text in texts())
    }
    assert other == {}


def test_refusals_and_warnings_are_both_found() -> None:
    kinds = [text.kind for text in texts()]
    assert kinds.count("refusal") > 70
    assert kinds.count("warning") >= 4


def test_what_is_filled_in_is_in_italics_and_matches_anything() -> None:
    text = Text("refusal", "x.py", ((True, "no *"), (False, "name"), (True, "; a|b")))
    assert text.markdown == r"no \**name*; a\|b"
    assert text.pattern.search("it said: no *checkout; a|b.")
    assert not text.pattern.search("no checkout; a|b")
