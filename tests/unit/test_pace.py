"""Pace: a few calls at once, then so many a second; and every item has its turn."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary import clock
from stepcanary.release.pace import BURST, Pace, in_turn


class Clock:
    """Time passes only for who sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time = datetime(2026, 11, 26, tzinfo=UTC)
        self.slept: list[float] = []
        monkeypatch.setattr(clock, "now", lambda: self.time)
        monkeypatch.setattr(clock, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def standing(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_the_first_few_calls_wait_for_nothing(standing: Clock) -> None:
    pace = Pace(5)
    for _ in range(BURST):
        pace.wait()
    assert standing.slept == []


@pytest.mark.parametrize("per_second", [0.5, 1, 5, 20])
def test_after_them_calls_come_at_the_rate(standing: Clock, per_second: float) -> None:
    pace, began = Pace(per_second), standing.time
    for _ in range(BURST + 100):
        pace.wait()
    took = (standing.time - began).total_seconds()
    assert took == pytest.approx(100 / per_second, rel=0.01)
    assert max(standing.slept) == pytest.approx(1 / per_second, rel=0.01)


def test_time_that_passes_anyhow_is_not_waited_for(standing: Clock) -> None:
    pace = Pace(5)
    for _ in range(BURST + 100):
        standing.time += timedelta(seconds=1)
        pace.wait()
    assert standing.slept == []


def test_a_long_rest_allows_no_more_than_the_first_few(standing: Clock) -> None:
    pace = Pace(5)
    standing.time += timedelta(hours=1)
    for _ in range(BURST):
        pace.wait()
    assert standing.slept == []
    pace.wait()
    assert standing.slept == [pytest.approx(0.2)]


@given(st.integers(0, 60), st.integers(1, 20), st.integers(0, 10_000))
def test_every_item_has_its_turn(many: int, most: int, turn: int) -> None:
    items = list(range(many))
    rounds = -(-many // most)
    had = [item for n in range(rounds) for item in in_turn(items, most, turn + n)]
    assert set(had) == set(items)


@given(st.integers(0, 60), st.integers(1, 20), st.integers(0, 10_000))
def test_no_turn_is_longer_than_it_may_be_or_has_an_item_twice(
    many: int, most: int, turn: int
) -> None:
    now = in_turn(list(range(many)), most, turn)
    assert len(now) == len(set(now)) == min(many, most)
