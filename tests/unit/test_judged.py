"""Judged: the numbers that a verdict saw, as JSON can have them."""

import json

from stepcanary.domain.comparison import Compared, Row, judge_of
from stepcanary.domain.judged import AlarmSeen, Judged, MetricSeen, judged, seen
from stepcanary.domain.judging import Judging, Metric
from stepcanary.domain.verdict import Alarm, Progress

JUDGING = Judging(
    budget=150,
    metrics=[
        Metric(kind="errors", clusters=1),
        Metric(kind="latency", clusters=1, observe=True),
    ],
)


def compared(*counts: tuple[int, int, int, int]) -> Compared:
    judge, found = judge_of(JUDGING, 2), Compared().at_step(0, 0, 0)
    for number, counted in enumerate(counts):
        both = {"errors": counted, "latency": counted}
        found = found.after(Row(at=60 * number, step=0, weight=5, counts=both), judge)
    return found


def test_each_metric_is_seen_with_its_evidence_and_what_it_needs() -> None:
    errors, latency = seen(JUDGING, 2, compared(*[(50, 20, 950, 1)] * 3))
    assert (errors.metric, errors.canary, errors.canary_bad) == ("errors", 150, 60)
    assert (errors.primary, errors.primary_bad, errors.step) == (2850, 3, (150, 60, 2850, 3))
    assert errors.says == "worse"
    assert errors.worse > errors.needed_worse > 0
    assert errors.excess is not None and 59 < errors.excess <= 60
    assert errors.budget == 150
    assert latency.observed and latency.excess is latency.budget is None


def test_nothing_was_counted_yet() -> None:
    errors, _ = seen(JUDGING, 2, Compared())
    assert (errors.canary, errors.says) == (0, "undecided")


def test_evidence_without_end_is_a_number_of_json() -> None:
    errors, _ = seen(JUDGING, 2, compared(*[(100_000, 100_000, 900_000, 0)] * 9))
    assert errors.says == "worse"
    json.loads(errors.model_dump_json(), parse_constant=lambda name: 1 / 0)


def test_an_alarm_is_kept_with_the_numbers_that_it_saw() -> None:
    saw = "Threshold Crossed: 1 datapoint [12.0 (27/11/26 07:00:00)] was greater than 3.0"
    alarms = [Alarm("a", "ALARM", saw, fired=True), Alarm("b", "OK", "x" * 9_000)]
    progress = Progress(next="revert", reason="alarm a fired", step=1, holds=0)
    made = judged(7, progress, step=1, weight=50, holds=0, alarms=alarms, metrics=[])
    assert [alarm.reason for alarm in made.alarms] == [saw, "x" * 300]


def test_what_an_older_version_has_written_is_read() -> None:
    alarm = AlarmSeen.model_validate_json('{"name": "a", "state": "OK", "fired": false}')
    metric = MetricSeen.model_validate_json('{"metric": "errors", "canary": 3}')
    assert (alarm.reason, metric.unread, metric.left) == ("", 0, None)


def test_a_verdict_is_kept_as_it_was_given() -> None:
    progress = Progress(next="bake", reason="alarm a has no data", step=1, holds=1)
    alarm = Alarm("a", "INSUFFICIENT_DATA", blind="no data")
    metrics = seen(JUDGING, 2, compared((50, 0, 950, 1)))
    made = judged(7, progress, step=1, weight=50, holds=0, alarms=[alarm], metrics=metrics)
    assert (made.next, made.reason, made.holds) == ("bake", progress.reason, 0)
    assert made.alarms[0].blind == "no data"
    assert Judged.model_validate_json(made.model_dump_json()) == made
