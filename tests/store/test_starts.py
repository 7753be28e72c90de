"""Releases that are started at once begin in turn."""

import pytest

from stepcanary import clock
from stepcanary.store import starts
from stepcanary.store.starts import SECONDS_PER_START


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time; its only item is to be changed."""
    time = [1_764_000_000]
    monkeypatch.setattr(clock, "epoch_seconds", lambda: time[0])
    return time


@pytest.mark.usefixtures("now")
def test_the_first_begins_at_once_and_each_other_one_turn_later() -> None:
    waits = [starts.take_turn() for _ in range(4)]
    assert waits == [turn * SECONDS_PER_START for turn in range(4)]


def test_who_comes_when_the_others_have_begun_waits_for_nobody(now: list[int]) -> None:
    starts.take_turn()
    starts.take_turn()
    now[0] += 2 * SECONDS_PER_START
    assert starts.take_turn() == 0


def test_no_two_have_the_same_turn_however_they_come(now: list[int]) -> None:
    begins = []
    for pause in (0, 1, 0, 5, 0, 0, 13, 0, 2):
        now[0] += pause
        begins.append((now[0] + starts.take_turn()) // SECONDS_PER_START)
    assert len(set(begins)) == len(begins)
