"""Every text that refuses a release, or warns of something, has an example that is told it."""

from functools import cache
from unittest.mock import patch

from stepcanary.access import reading
from stepcanary.contracts.questions import CheckQuestion
from stepcanary.control.checking import check
from stepcanary.errors import RequestRejected
from tests.refusals import examples
from tests.refusals.examples import EXAMPLES
from tests.statemachine.runner import World, world
from tools.list_refusals import ROOT, Text, page, texts


@cache
def answers() -> dict[str, str]:
    """What each example is told, in a world of its own."""
    told = {}
    with patch.object(examples, "told", _told_by_both):
        for name, example in EXAMPLES.items():
            with world() as here:
                told[name] = example(here)
    return told


VERSIONS = {"images", "task_definitions", "action"}
told_by_check: dict[str, str] = {}
"""What a plan says, and what a check of the same request says in the same world."""
by_plan = examples.told


def _told_by_both(here: World, document: object) -> str:
    told = by_plan(here, document)
    if not isinstance(document, dict) or not VERSIONS & document.keys():
        # Without a version a check is of the service; a build's file is for a pipeline.
        return told
    calls = len(here.cloud.calls)
    told_by_check[told] = _checked(document)
    made = {name.partition(".")[2] for name, _ in here.cloud.calls[calls:]}
    reads = ("Describe", "Get", "List", "Discover", "Assume", "Test")
    assert all(name.startswith(reads) for name in made)
    return told


def _checked(document: object) -> str:
    try:
        with reading():
            found = check(CheckQuestion(question="check", request=document))
    except RequestRejected as rejected:
        return str(rejected)
    return "\n".join([*found.findings, *found.warnings])


def test_a_check_finds_what_a_plan_would_say_and_only_reads() -> None:
    answers()
    assert len(told_by_check) > 60
    name, bounds = sorted(plan for plan, check in told_by_check.items() if plan not in check)[::-1]
    # Only a call that may write can tell.
    assert bounds.startswith("autoscaling: the bounds between which Application Auto Scaling")
    # A check is no release of that name.
    assert "another stack that releases under the same execution name" in name


def test_the_page_is_current() -> None:
    assert (ROOT / "docs/refusals.md").read_text() == page(), "run `make refusals`"


def test_each_text_is_told_in_an_example_and_each_example_is_told_one() -> None:
    told = answers()
    patterns = {text: text.pattern for text in texts()}
    untold = [
        f"{text.module}: {text.markdown}"
        for text, pattern in patterns.items()
        if not any(pattern.search(answer) for answer in told.values())
    ]
    assert untold == [], "write an example for each in tests/refusals/examples.py"
    other = {
        name: answer
        for name, answer in told.items()
        if not any(pattern.search(answer) for pattern in patterns.values())
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
