"""Five lines of Markdown, in which nobody else has a say over the markup."""

import re
from collections.abc import Callable

import pytest

from stepcanary.report.facts import Facts
from stepcanary.report.markdown import code, markdown
from tests.unit.example_reports import EXAMPLES, a_bad, a_gated, a_held, a_hostile


@pytest.mark.parametrize("made", EXAMPLES.values(), ids=EXAMPLES)
def test_there_are_five_lines(made: Callable[[], Facts]) -> None:
    lines = markdown(made()).splitlines()
    assert len(lines) == 5
    assert all(line.startswith("- ") for line in lines[1:])


def test_what_it_says_of_a_bad_release() -> None:
    facts = a_bad()
    first, why, counted, cost, last = markdown(facts).splitlines()
    assert first == "**`checkout`: Reverted** `shop:v1` → `shop:v2`, 5 min 45 s, by `jane`"
    assert why == "- Why: `errors: the canary is worse`"
    assert "`errors` canary 18.2 % (55 of 303), primary 0.158 % (9 of 5,700)" in counted
    assert "55 bad answers of 303 by the canary" in cost
    assert "the same fault all at once: 1,090" in cost
    assert "5 % → 0 %" in last
    assert facts.sha256[:16] in last


def test_who_has_reverted_is_said() -> None:
    assert "- Why: `revert by john: a customer has called`" in markdown(a_held())


def test_it_says_what_is_waited_for() -> None:
    assert "rollout: it waits at a gate until 2026-" in markdown(a_gated())


def test_whatever_others_have_said_is_in_code() -> None:
    text = markdown(a_hostile())
    outside = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", text)
    assert "<" not in outside
    assert "alert" not in outside
    assert "`" not in outside


@pytest.mark.parametrize("said", ["a`b", "``", "`", "a\n# b", " a ", "", "@here <!channel>"])
def test_a_code_span_holds_its_text(said: str) -> None:
    span = code(said)
    assert "\n" not in span
    found = re.fullmatch(r"(`+)(.+?)\1", span)
    assert found is not None
    assert found[1] not in re.findall(r"`+", found[2])
    assert "".join(said.split()) in "".join(found[2].split())


def test_a_long_cause_is_cut() -> None:
    assert len(code("x" * 9_000)) < 500
