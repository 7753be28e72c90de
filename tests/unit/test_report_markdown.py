"""Five lines of Markdown, in which nobody else has a say over the markup."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from stepcanary.report import words
from stepcanary.report.facts import Facts
from stepcanary.report.markdown import code, markdown
from tests.unit.example_reports import EXAMPLES, a_bad, a_gated, a_good, a_held, a_hostile


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


def test_a_release_whose_execution_is_dead_is_not_said_to_run() -> None:
    facts = a_gated()
    dead = facts.picture.model_copy(update={"alive": False, "waiting": None})
    assert facts.picture.phase != "over"
    told = markdown(replace(facts, picture=dead))
    assert "Stopped" in told
    assert "Reconcile returns the traffic" in told
    assert "Running" not in told
    assert "at work" not in told


def test_a_rollback_of_images_with_a_registry_says_what_it_goes_back_from() -> None:
    facts = a_good()
    registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team"
    versions = {"version": f"{registry}/shop:v2", "rolled_back_from": f"{registry}/shop:v3"}
    picture = facts.picture.model_copy(update=versions)
    assert "`shop:v2, rolled back from shop:v3`" in markdown(replace(facts, picture=picture))
    assert words.headline(picture).startswith("shop:v2 was released in place of shop:v1 by a roll")


def test_what_is_only_observed_is_said_to_be() -> None:
    facts = a_good()
    observed = [m.model_copy(update={"observed": True}) for m in facts.picture.metrics]
    told = markdown(replace(facts, picture=facts.picture.model_copy(update={"metrics": observed})))
    assert told.count("only observed") == len(observed) > 0
