"""Periods: how soon each length is read, and for how long it is quiet."""

import pytest

from stepcanary.domain.periods import LATE_ANSWER_SECONDS, LENGTHS, final_seconds, quiet_periods


@pytest.mark.parametrize(("period", "quiet"), [(10, 7), (30, 3), (60, 2)])
def test_bad_answers_that_come_late_are_so_by_seconds(period: int, quiet: int) -> None:
    assert quiet_periods(period) == quiet
    # All but the period itself, in which an incident may end with its last answer.
    assert (quiet - 1) * period >= LATE_ANSWER_SECONDS


def test_what_is_published_sooner_is_read_sooner() -> None:
    assert [final_seconds(each) for each in LENGTHS] == [20, 20, 60]
