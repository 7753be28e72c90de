"""Rollbacks: which have to be named, and what can be."""

import pytest

from stepcanary.domain.outcome import Outcome
from stepcanary.domain.release import Fled, Release
from stepcanary.domain.rollback import (
    MOST_GOOD,
    Good,
    canary_tasks,
    known,
    remembered,
    why_not_to,
    why_unnamed,
)
from tests.unit.examples import a_release

GOOD = [Good("arn:b", "shop:v2"), Good("arn:a", "shop:v1")]


def test_the_last_good_ones_are_remembered_once_each() -> None:
    good: list[Good] = []
    for number in range(MOST_GOOD + 3):
        good = remembered(good, Good(f"arn:{number}", f"shop:v{number}"))
    assert [each.execution for each in good] == ["arn:7", "arn:6", "arn:5", "arn:4", "arn:3"]
    assert remembered(good, good[2])[0] == good[2]
    assert len(remembered(good, good[2])) == MOST_GOOD


def test_what_can_be_named_is_named() -> None:
    assert known(GOOD) == "the last that were Released: b (shop:v2), a (shop:v1)"
    assert known([]) == "no release of the service was Released"


def test_only_a_rollback_makes_the_next_one_ambiguous() -> None:
    release = a_release()
    assert why_unnamed(release, GOOD) is None
    fled = release.model_copy(update={"fled": Fled(version="shop:v9")})
    assert "would bring shop:v9 again" in (why_unnamed(fled, GOOD) or "")


@pytest.mark.parametrize(
    ("changed", "outcome", "problem"),
    [
        ({}, "Released", None),
        ({}, "Reverted", "is Reverted, so nobody knows"),
        ({}, None, "is not begun, so nobody knows"),
        ({"service": "basket"}, "Released", "is a release of basket"),
        ({"images": None}, "Released", "released no version"),
    ],
    ids=["a good one", "a bad one", "one that never began", "another's", "a shift"],
)
def test_only_what_was_released_can_be_gone_back_to(
    changed: dict[str, object], outcome: Outcome | None, problem: str | None
) -> None:
    target: Release = a_release().model_copy(update=changed)
    why = why_not_to("x", "checkout", target, outcome, GOOD)
    if problem is None:
        assert why is None
    else:
        assert problem in (why or "")
        assert known(GOOD) in (why or "")


def test_what_the_ledger_does_not_have_is_told() -> None:
    target = a_release()
    assert why_not_to(target.execution, "checkout", target, "Released", GOOD) is None
    assert "has no release x" in (why_not_to("x", "checkout", None, None, []) or "")


@pytest.mark.parametrize(
    ("wanted", "desired", "running", "tasks"),
    [(None, 2, 2, 2), (1, 3, 2, 3), (1, 2, 4, 4), (9, 2, 2, 9), (None, 0, 0, 1)],
)
def test_the_larger_number_counts(
    wanted: int | None, desired: int, running: int, tasks: int
) -> None:
    assert canary_tasks(wanted, desired, running) == tasks
