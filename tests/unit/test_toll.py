"""The toll is never less than the judge has compared, minute by minute."""

from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain import toll
from stepcanary.domain.comparison import Row
from stepcanary.domain.toll import Toll


def row(at: int, requests: int, bad: int, *, period: int = 60, metric: str = "errors") -> Row:
    return Row(at=at, period=period, step=0, weight=20, counts={metric: (requests, bad, 80, 0)})


COUNTS = st.integers(0, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
MINUTES = st.dictionaries(st.integers(0, 5).map(lambda n: 60 * n), COUNTS)


def both(minutes: dict[int, Toll]) -> Toll:
    return sum(n for n, _ in minutes.values()), sum(bad for _, bad in minutes.values())


def test_what_is_compared_is_by_metric_and_minute() -> None:
    rows = [row(60, 9, 1), row(120, 5, 2), row(120, 7, 7, metric="latency")]
    assert toll.compared(rows, "errors", 60) == {60: (9, 1), 120: (5, 2)}


def test_short_periods_are_those_of_their_minute() -> None:
    rows = [row(at, 4, 1, period=10) for at in (110, 120, 130, 170, 180)]
    assert toll.compared(rows, "errors", 60) == {60: (4, 1), 120: (12, 3), 180: (4, 1)}


def test_a_minute_that_is_gone_is_not_made_up_by_another() -> None:
    shown, compared = {60: (90, 9)}, {0: (90, 9)}
    assert toll.is_short(shown, compared)
    assert toll.summed(shown, compared) == (180, 18)


def test_bad_answers_that_are_gone_are_missed_too() -> None:
    assert toll.is_short({0: (90, 0)}, {0: (90, 9)})
    assert toll.summed({0: (90, 0)}, {0: (90, 9)}) == (90, 9)


def test_a_bad_answer_may_come_in_the_minute_after_its_request() -> None:
    shown = {0: (90, 0), 60: (0, 9)}
    assert not toll.is_short(shown, {0: (90, 0)})
    assert toll.summed(shown, {0: (90, 0)}) == (90, 9)


@given(shown=MINUTES, compared=MINUTES)
def test_it_is_at_least_what_is_shown_and_what_was_compared(
    shown: dict[int, Toll], compared: dict[int, Toll]
) -> None:
    requests, bad = toll.summed(shown, compared)
    for least in (both(shown), both(compared)):
        assert (requests >= least[0], bad >= least[1]) == (True, True)
    assert bad <= requests


@given(shown=MINUTES, compared=MINUTES)
def test_what_is_not_short_is_what_is_shown(
    shown: dict[int, Toll], compared: dict[int, Toll]
) -> None:
    assert toll.is_short(shown, compared) or toll.summed(shown, compared) == both(shown)
    assert not toll.is_short(shown, shown)
