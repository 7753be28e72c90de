"""The benched judge is the judge, and what others say of the same counts is what they would say."""

import numpy as np
import pytest

from bench.judge.__main__ import interval, measured
from bench.judge.others import OTHERS, exceeds
from bench.judge.traces import PERIODS, Cell, Trace, cells, traces
from bench.judge.vectorised import check


def some(cell: Cell, runs: int = 3) -> Trace:
    return traces(cell, runs, np.random.default_rng(7))


@pytest.mark.parametrize(
    "cell",
    [
        Cell("incident", 10, 0.02),
        Cell("bursts", 2, 0.005, 20.0),
        Cell("drift", 200, 0.001),
        Cell("late", 0.5, 0.02, "outage"),
    ],
    ids=lambda cell: cell.name,
)
def test_the_vectorised_judge_says_what_the_judge_says(cell: Cell) -> None:
    assert check(some(cell), 0.05, np.array([9, 40, PERIODS - 1])) < 1e-9


def test_an_alarm_counts_breaching_minutes_of_the_last_ones() -> None:
    trace = some(Cell("flat", 10, 0.02))
    bad = np.zeros((1, PERIODS), dtype=np.int64)
    bad[0, [3, 6, 7]] = 5
    made = Trace(
        np.full_like(bad, 100), bad, trace.primary[:1], bad * 0, trace.clusters[:1], trace.usual[:1]
    )
    found = {name: int(ask(made)[0]) for name, ask in OTHERS.items() if "alarm" in name}
    assert list(found.values()) == [3, 7, 7]


def test_mann_whitney_is_as_published() -> None:
    """U is 25 of 25, its variance 27.5·(5·5/12·11/27.5): z is 2.51 with the correction."""
    ones = np.array([[0.5, 0.6, 0.7, 0.8, 0.9]])
    others = np.array([[0.0, 0.1, 0.2, 0.3, 0.4]])
    assert exceeds(ones, others, 2.50)[0]
    assert not exceeds(ones, others, 2.52)[0]
    assert not exceeds(others, ones, 0.0)[0]
    assert not exceeds(ones * 0, others * 0, 0.0)[0]


def test_an_interval_holds_the_share_and_is_wider_with_fewer_releases() -> None:
    low, high = interval(10, 1_000)
    assert low < 0.01 < high
    assert interval(100, 10_000)[1] < high


def test_a_cell_with_nothing_wrong_goes_on_until_it_is_decided() -> None:
    found = measured(Cell("flat", 2, 0.001), 200, 1)
    assert found["runs"] > 200
    assert found["systems"]["judge"]["high"] <= 0.015


def test_every_cell_has_a_name_of_its_own() -> None:
    names = [cell.name for cell in cells()]
    assert len(set(names)) == len(names) == 504
