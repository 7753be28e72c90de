"""A verdict is held against the rows that it was given by."""

from stepcanary.domain.rejudging import rejudged
from tests.unit.example_reports import JUDGING, STEPS, rows_of, verdict

ROWS = rows_of((1, 5, 5), (1, 5, 25))


def test_each_verdict_is_found_among_the_rows_that_it_has_seen() -> None:
    first = verdict(400, 0, "shift", "good enough", ROWS[:5])
    second = verdict(900, 1, "promote", "good enough", ROWS)
    found = rejudged(JUDGING, len(STEPS), ROWS, [first, second])
    assert [each.agrees for each in found] == [True] * 4
    assert [each.at for each in found] == [first.at] * 2 + [second.at] * 2


def test_a_row_that_was_changed_leaves_a_verdict_without_its_counts() -> None:
    given = verdict(400, 0, "shift", "good enough", ROWS[:5])
    first, *others = ROWS
    canary, bad, *primary = first.counts["errors"]
    counts = {**first.counts, "errors": (canary, bad + 1, *primary)}
    changed = [first.model_copy(update={"counts": counts}), *others]
    errors, latency = rejudged(JUDGING, len(STEPS), changed, [given])
    assert (errors.now, errors.agrees) == (None, False)
    assert latency.agrees


def test_a_verdict_that_says_something_else_does_not_agree() -> None:
    given = verdict(400, 0, "shift", "good enough", ROWS[:5])
    errors = given.metrics[0].model_copy(update={"says": "worse"})
    [again] = rejudged(JUDGING, len(STEPS), ROWS, [given.model_copy(update={"metrics": [errors]})])
    assert again.then == "worse"
    assert again.now == given.metrics[0].says
    assert not again.agrees
