"""Preview: the traffic that is assumed, what sees an outage, and when each step begins."""

import re
from typing import Any

import pytest

from stepcanary.domain.exposure import Assumed, Outages, Pace
from stepcanary.domain.log_outage import BROUGHT_SECONDS
from stepcanary.domain.preview import (
    Source,
    assumed,
    last_bake_warnings,
    lengths,
    logged,
    sources,
    timeline,
    windows,
)
from stepcanary.domain.release import Release
from tests.unit.examples import a_release
from tests.unit.test_exposure import outages

HOUR, DAY = 3_600, 86_400
NOW = 20 * DAY + 30


def test_the_busiest_minute_is_assumed_and_the_share_of_all() -> None:
    found = assumed({0: 100.0, 60: 300.0, 120: 0.0}, {0: 1.0, 60: 1.0, 120: 5.0})
    assert found is not None
    assert (found.requests_per_minute, found.busiest_at, found.minutes) == (300, 60, 2)
    assert found.bad_share == 2 / 400
    assert assumed({}, {}) is None
    assert assumed({0: 0.0}, {0: 1.0}) is None


@pytest.mark.parametrize("length", [1_000, DAY, 3 * DAY])
def test_the_windows_are_the_last_hour_and_the_same_time_of_the_days_before(length: int) -> None:
    first, *days = windows(NOW, length)
    assert first == (20 * DAY - HOUR, 20 * DAY)
    assert len(days) == 7
    for number, (start, end) in enumerate(days, start=1):
        assert start == (20 - number) * DAY - HOUR
        assert end == (20 - number) * DAY + min(length, DAY)
        assert end <= 20 * DAY


def alarm(**changed: Any) -> dict[str, Any]:
    return {"Period": 60, "EvaluationPeriods": 2, "Namespace": "A", **changed}


def test_what_sees_an_outage_and_how_soon() -> None:
    described = {
        "fast": alarm(),
        "slow": alarm(Period=300, DatapointsToAlarm=3, EvaluationPeriods=5),
        "query": {"ScheduledQueryConfiguration": {}},
    }
    found = sources(
        described, ["fast", "slow", "query", "gone"], [Source(source="judge", seconds=240)]
    )
    assert found == [
        Source(source="judge", seconds=240),
        Source(source="alarm fast", seconds=2 * 60 + 120),
        Source(source="alarm slow", seconds=3 * 300 + 120),
    ]
    assert sources({}, [], []) == []


LOG = {"kind": "logs", "name": "access", "log": {"group": "/shop", "status": "status"}}


def by_log(weight: int, **changed: Any) -> Release:
    steps = [{"weight": each, "bake_seconds": 300} for each in (weight, 25, 50, 100)]
    return planned(steps=steps, judge={"metrics": [{**LOG, **changed}]})


def test_a_log_without_known_traffic_takes_so_many_bad_answers() -> None:
    [found] = logged(by_log(5), None)
    needed = re.fullmatch(r"log access \(after (\d) or more bad answers\)", found.source)
    assert needed and 3 <= int(needed[1]) <= 6
    assert found.seconds == BROUGHT_SECONDS
    assert logged(by_log(5, observe=True), None) == logged(planned(), None) == []


@pytest.mark.parametrize(
    ("per_minute", "weight", "least", "most"),
    [(120, 1, 350, 450), (120, 25, 100, 150), (60_000, 5, 10, 20)],
)
def test_a_log_sees_an_outage_as_soon_as_its_bad_answers_have_come(
    per_minute: int, weight: int, least: int, most: int
) -> None:
    release = by_log(weight)
    traffic = Assumed(requests_per_minute=per_minute, busiest_at=0, bad_share=0.001, minutes=60)
    of = Outages(release.steps, release.judge, traffic, Pace(final=60, look=60, settle=35), 3)
    [found] = logged(release, of)
    assert found.source == "log access"
    assert least < found.seconds <= most
    # The first step's row has what writes the weight, and what settles, too.
    assert timeline(release, of)[0].seconds == pytest.approx(found.seconds + 30 + 35, abs=5)


def test_traffic_that_shows_nothing_before_the_end_is_as_none() -> None:
    release = by_log(1)
    traffic = Assumed(requests_per_minute=1, busiest_at=0, bad_share=0.0, minutes=60)
    of = Outages(release.steps, release.judge, traffic, Pace(final=60, look=60, settle=35))
    assert logged(release, of) == logged(release, None)


def test_a_last_bake_that_is_shorter_than_the_fastest_source_needs_is_told() -> None:
    steps = planned().steps
    fast, slow = Source(source="alarm a", seconds=300), Source(source="alarm b", seconds=900)
    assert list(last_bake_warnings(steps, [slow, fast])) == []
    assert list(last_bake_warnings(steps, [])) == []
    [told] = last_bake_warnings(steps, [slow, fast.model_copy(update={"seconds": 301})])
    assert "100 % lasts 300 s" in told
    assert "the alarm a, may take 301 s" in told


def planned(**changed: Any) -> Release:
    steps = [{"weight": weight, "bake_seconds": 300} for weight in (5, 25, 50, 100)]
    return a_release(**{"steps": steps, **changed})


def test_steps_follow_each_other_and_without_traffic_nothing_is_said_of_outages() -> None:
    of = planned()
    steps = timeline(of, None)
    assert [step.weight for step in steps] == [step.weight for step in of.steps]
    first, second = steps[:2]
    assert (first.begins_at, second.begins_at) == (
        0,
        of.settle_seconds + of.steps[0].bake_seconds + 20,
    )
    assert {step.failed for step in steps} == {None}


def test_holds_and_gates_are_in_the_longest_time_only() -> None:
    shortest, longest = lengths(planned())
    plain = planned(holds=0)
    assert lengths(plain) == (shortest, shortest)
    assert longest - shortest == planned().holds * sum(s.bake_seconds for s in planned().steps)
    gated = {"approval": True, "gate_seconds": 600}
    assert lengths(planned(holds=0, promotion=gated)) == (shortest, shortest + 600)


def test_what_an_outage_costs_is_in_its_step() -> None:
    of = outages(6_000)
    steps = timeline(planned(), of)
    assert [step.failed for step in steps] == [of.exposed(n).failed for n in range(4)]
    assert [step.by_judge for step in steps] == [of.exposed(n).by_judge for n in range(4)]
