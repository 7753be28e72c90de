"""The load bench in small: its releases end as they must, and its buckets refuse as AWS's do."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from bench.fleet import EXPECTED, GOOD, Load, mixture, opened
from bench.rates import Bucket, Rate, busiest
from stepcanary.release import starting


def test_each_kind_of_release_ends_as_it_must() -> None:
    with opened(Load(mixture(5))) as load:
        load.run()
    assert load.clock.failures == []
    assert {end.kind: end.outcome for end in load.ends.values()} == EXPECTED
    assert {end.weight for end in load.ends.values()} == {0}
    assert load.tally.refused == {}
    assert max(seconds for _, seconds in load.seen.sweeps) < 60
    assert load.seen.stranded == []


def test_a_call_that_is_refused_is_tried_again_in_virtual_time() -> None:
    pairs = [pair for pair in mixture(30) if pair.kind == GOOD]
    # All in one second, as nobody would be refused otherwise.
    at_once = patch.object(starting, "wait_seconds", lambda _execution, _document: 0)
    with at_once, opened(Load(pairs)) as load:
        load.run()
    assert load.tally.refused["cloudwatch.DescribeAlarms"] > 0
    assert {end.outcome for end in load.ends.values()} == {"Released"}


def test_a_bucket_gives_what_it_holds_and_then_what_is_refilled() -> None:
    now = datetime(2026, 11, 26, tzinfo=UTC)
    bucket = Bucket.full(Rate("reads", ("reads",), 40, 10, "the page"), now)
    assert sum(bucket.take(now) for _ in range(60)) == 40
    assert sum(bucket.take(now + timedelta(seconds=2)) for _ in range(60)) == 20
    assert sum(bucket.take(now + timedelta(seconds=60)) for _ in range(60)) == 40


def test_the_busiest_window_may_begin_anywhere() -> None:
    assert busiest([0.0, 0.5, 59.0, 60.2, 60.4, 61.0], 1) == (3, 59.0 + 1.2)
    assert busiest([], 60) == (0, 0.0)
