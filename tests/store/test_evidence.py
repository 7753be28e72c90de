"""Evidence is kept row by row: a period is used once, whoever looks."""

import json

from stepcanary.domain.comparison import Compared, Row, judge_of
from stepcanary.domain.judging import Judging, Metric
from stepcanary.store import evidence, table
from tests.store.conftest import EXECUTION

ONE = f"{EXECUTION}one"
JUDGE = judge_of(Judging(metrics=[Metric(kind="errors", clusters=1)]), 3)


def row(at: int, bad: int = 0) -> Row:
    return Row(at=at, step=0, weight=5, counts={"errors": (50, bad, 950, 1)})


def after(before: Compared, *rows: Row) -> Compared:
    for each in rows:
        before = before.after(each, JUDGE)
    return before


def test_a_release_that_was_never_compared_stands_at_nothing() -> None:
    assert evidence.read(ONE) == Compared()
    assert evidence.rows(ONE) == []


def test_rows_come_in_the_order_of_time_and_lead_to_what_is_kept() -> None:
    begun = Compared().at_step(0, 60, 60)
    rows = [row(60 * number) for number in range(1, 30)]
    first, second = after(begun, *rows[:9]), after(begun, *rows)
    assert evidence.write(ONE, begun, rows[:9], first)
    assert evidence.write(ONE, first, rows[9:], second)
    assert evidence.rows(ONE) == rows
    assert evidence.read(ONE) == second == after(begun, *evidence.rows(ONE))


def test_who_comes_second_changes_nothing() -> None:
    begun = Compared().at_step(0, 60, 60)
    one, other = row(60), row(60, bad=9)
    assert evidence.write(ONE, begun, [one], after(begun, one))
    assert not evidence.write(ONE, begun, [other], after(begun, other))
    assert evidence.rows(ONE) == [one]
    assert evidence.read(ONE) == after(begun, one)


def test_a_period_that_was_used_is_never_used_again() -> None:
    begun = Compared().at_step(0, 60, 60)
    one = after(begun, row(60))
    assert evidence.write(ONE, begun, [row(60)], one)
    assert not evidence.write(ONE, one, [row(60, bad=9)], after(one, row(60, bad=9)))


def test_a_look_that_found_nothing_is_noted() -> None:
    begun = Compared().at_step(0, 60, 60)
    later = begun.model_copy(update={"last": 600})
    assert evidence.write(ONE, begun, [], later)
    assert evidence.read(ONE).last == 600


def test_a_version_that_knows_no_settling_weight_can_read_what_is_kept() -> None:
    """Its models refuse keys that they do not know; the verdicts of a release are those of the
    version that it began with, whoever watches it."""
    begun = Compared().at_step(0, 0, 60)
    assert evidence.write(ONE, begun, [row(60)], begun.model_copy(update={"last": 60}))
    [tally] = table.every(f"release#{ONE.rpartition(':')[2]}", "tally#")
    assert set(json.loads(tally["tally"])) == {"tallies", "last", "step", "since", "until"}
    [kept] = table.every(f"release#{ONE.rpartition(':')[2]}", "counts#")
    assert "moving" not in json.loads(kept["row"])
    assert evidence.read(ONE).settled == 60
