"""What autoscaling may do while a release runs, and what it gets back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.scaling import Bounds, Floor, Scheduled, last_runs, next_run_of

SINCE = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
LATER = SINCE + timedelta(hours=2)
OURS = [(20, 40)]


def action(minutes: int, minimum: int | None, maximum: int | None) -> Scheduled:
    at = SINCE + timedelta(minutes=minutes)
    return Scheduled(
        f"{minutes} {minimum}", f"at({at:%Y-%m-%dT%H:%M:%S})", "", SINCE, None, minimum, maximum
    )


def floor(*actions: Scheduled, before: Bounds | None = None) -> Floor:
    return Floor(20, before or Bounds(2, 40), SINCE, actions)


def later(here: Floor, found: Bounds | None = None) -> Floor:
    return here.at(LATER, found or here.bounds, OURS, here.actions)


def test_a_side_keeps_its_tasks_and_may_scale_out() -> None:
    assert floor().bounds == Bounds(20, 40, schedules_suspended=True)


def test_a_minimum_above_the_floor_stays() -> None:
    assert floor(before=Bounds(30, 40)).bounds.minimum == 30


def test_a_maximum_below_the_floor_is_raised_to_it() -> None:
    assert floor(before=Bounds(2, 10)).bounds.maximum == 20


def test_an_action_that_would_have_lowered_lowers_at_the_end() -> None:
    here = later(floor(action(30, 1, 4)))
    assert here.bounds.minimum == 20
    assert here.before == Bounds(1, 4)


def test_an_action_that_would_have_raised_raises_at_once() -> None:
    here = later(floor(action(30, 50, 80)))
    assert here.bounds == Bounds(50, 80, schedules_suspended=True)
    assert here.before == Bounds(50, 80)


def test_of_several_actions_the_last_one_counts_and_what_it_leaves_out_stays() -> None:
    here = floor(action(30, 50, 80), action(60, None, 60), action(90, 3, None))
    assert later(here).before == Bounds(3, 60)


def test_actions_that_were_suspended_before_stay_so() -> None:
    before = Bounds(2, 40, schedules_suspended=True)
    assert later(floor(action(30, 50, 80), before=before)).before == before


def test_what_somebody_else_has_set_meanwhile_is_what_it_gets_back() -> None:
    found = Bounds(7, 90, schedules_suspended=True)
    here = later(floor(), found)
    assert here.before == Bounds(7, 90)
    assert here.bounds == Bounds(20, 90, schedules_suspended=True)


def test_an_action_runs_on_top_of_what_somebody_else_has_set() -> None:
    assert later(floor(action(30, 50, None)), Bounds(7, 90)).before == Bounds(50, 90)


def test_an_action_that_is_made_meanwhile_runs_and_one_that_is_removed_does_not() -> None:
    hourly = Scheduled("hourly", "rate(1 hour)", "", SINCE, None, 50, 80)
    assert floor().at(LATER, floor().bounds, OURS, [hourly]).before == Bounds(50, 80)
    assert floor(hourly).at(LATER, floor().bounds, OURS, []).before == Bounds(2, 40)


def test_an_action_that_runs_once_runs_although_aws_has_removed_it_after_its_time() -> None:
    assert floor(action(30, 1, 4)).at(LATER, floor().bounds, OURS, []).before == Bounds(1, 4)


def test_an_action_of_which_nobody_can_tell_when_it_runs_is_no_readable_one() -> None:
    assert action(30, 1, 4).is_readable
    assert not replace(action(30, 1, 4), schedule="cron(0 25 * * ? *)").is_readable


def test_nothing_runs_twice() -> None:
    here = later(floor(action(30, 50, 80)))
    again = here.at(LATER + timedelta(minutes=1), Bounds(3, 9), [(50, 80)], here.actions)
    assert again.before == Bounds(3, 9)


def test_an_action_has_no_run_before_it_begins_or_after_its_end_nor_if_nobody_can_read_it() -> None:
    ended = replace(action(30, 50, 80), ends=SINCE + timedelta(minutes=10))
    strange = replace(action(30, 50, 80), schedule="whenever")
    to_come = Scheduled("noon", "cron(0 11 * * ? *)", "", LATER, None, 1, 2)
    assert last_runs([ended, strange, to_come], SINCE, LATER) == []
    assert next_run_of([ended, strange], SINCE, LATER) is None
    assert next_run_of([action(90, 1, 1), action(30, 1, 1)], SINCE, LATER) == (
        SINCE + timedelta(minutes=30)
    )


@given(
    minimum=st.integers(0, 50),
    more=st.integers(0, 50),
    tasks=st.integers(1, 100),
    actions=st.lists(st.tuples(st.integers(1, 119), st.integers(0, 50), st.integers(0, 50))),
    looks=st.lists(st.integers(1, 119)).map(sorted),
)
def test_however_often_it_is_looked_at_the_floor_is_kept_and_the_same_is_given_back(
    minimum: int, more: int, tasks: int, actions: list[tuple[int, int, int]], looks: list[int]
) -> None:
    runs = tuple(
        replace(action(at, low, low + above), name=str(which))
        for which, (at, low, above) in enumerate(actions)
    )
    start = Floor(tasks, Bounds(minimum, minimum + more), SINCE, runs)
    here = start
    for minutes in looks:
        here = here.at(SINCE + timedelta(minutes=minutes), here.bounds, [_pair(here)], runs)
        assert tasks <= here.bounds.minimum <= here.bounds.maximum
    direct = start.at(LATER, start.bounds, [_pair(start)], runs)
    assert here.at(LATER, here.bounds, [_pair(here)], runs).before == direct.before


def _pair(here: Floor) -> tuple[int, int]:
    return here.bounds.minimum, here.bounds.maximum
