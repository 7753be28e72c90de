"""Patience: waits grow, stay within their bounds, and are counted as they happen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.patience import (
    LONGEST_TURN_SECONDS,
    MOST_CHECKS,
    before_next_check,
    before_next_revert,
    before_next_try,
    before_next_turn,
    most_checks,
    most_reverts,
    most_tries,
    most_turns,
)


def test_who_waits_for_a_turn_looks_often_at_first_and_seldom_later() -> None:
    waits = [before_next_turn(seconds) for seconds in (0, 240, 480, 960, LONGEST_TURN_SECONDS)]
    assert waits == [30, 30, 60, 120, 120]


def test_a_refused_revert_is_tried_at_once_and_then_each_minute() -> None:
    waits = [before_next_revert(seconds) for seconds in (0, 4, 6, 60, 120, 7_200)]
    assert waits == [2, 2, 3, 30, 60, 60]


def test_who_waits_for_tasks_tries_often_at_first() -> None:
    waits = [before_next_try(tries) for tries in (1, 2, 3, 6, 7, 100_000)]
    assert waits == [15, 22.5, 33.75, pytest.approx(113.9, abs=0.1), 120, 120]


@given(st.integers(1, 300), st.integers(10, 7_200), st.integers(0, 100_000))
def test_a_look_comes_no_sooner_than_the_one_before_and_in_time(
    check_seconds: int, deadline_seconds: int, checks: int
) -> None:
    wait = before_next_check(checks, check_seconds, deadline_seconds)
    assert check_seconds <= wait <= max(3 * check_seconds, deadline_seconds / 100)
    assert wait <= before_next_check(checks + 1, check_seconds, deadline_seconds)


@pytest.mark.parametrize(
    ("check_seconds", "deadline_seconds", "looks"),
    [(10, 9, 1), (10, 10, 2), (10, 24, 3), (15, 1_800, 47), (1, 7_200, 139)],
    ids=[
        "the first comes too late",
        "the first comes in time",
        "the second does",
        "the default",
        "as short and as long as can be",
    ],
)
def test_the_look_after_the_deadline_is_counted(
    check_seconds: int, deadline_seconds: int, looks: int
) -> None:
    assert most_checks(check_seconds, deadline_seconds) == looks


@given(st.integers(1, 300), st.integers(10, 7_200))
def test_no_deadline_takes_more_looks_than_a_deployment_is_given(
    check_seconds: int, deadline_seconds: int
) -> None:
    assert most_checks(check_seconds, deadline_seconds) < MOST_CHECKS


def test_the_others_are_counted_with_the_one_that_comes_too_late() -> None:
    # Tried at 0, 15, 37.5 and 71.25 s, and the last time after that.
    assert [most_tries(seconds) for seconds in (10, 15, 37, 38, 71, 72)] == [2, 3, 3, 4, 4, 5]
    # Tried at 0, and from then on after 2, 4, 6 and 9 s.
    assert [most_reverts(seconds) for seconds in (1, 2, 5, 6, 8, 9)] == [1, 2, 3, 4, 4, 5]
    assert LONGEST_TURN_SECONDS / 120 < most_turns() < LONGEST_TURN_SECONDS / 100
