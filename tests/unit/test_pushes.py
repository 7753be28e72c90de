"""Of pushes one is the newest, in whatever order they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.pushes import OLDEST_SECONDS, Push

pushes = st.builds(Push, st.integers(0, 9_999_999_999), st.text("0123456789abcdef", min_size=1))


@given(pushes, pushes)
def test_the_ledger_compares_them_as_the_code_does(one: Push, other: Push) -> None:
    assert (one < other) == (one.rank < other.rank)


@pytest.mark.parametrize(("seconds", "late"), [(-60, False), (0, False), (1, True)])
def test_a_push_is_too_old_after_its_time(seconds: int, late: bool) -> None:
    assert Push(1_000, "a").is_too_old(1_000 + OLDEST_SECONDS + seconds) is late


def test_a_digest_is_the_newest_since_it_follows_another() -> None:
    first = Push(100, "a").after(None)
    again = Push(107, "a").after(first)
    other = Push(110, "b").after(again)
    assert (first.since, again.since, other.since) == (100, 100, 110)
    assert Push(120, "a").after(other).since == 120
