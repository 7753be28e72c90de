"""The toll: all that the canary answered while it had weight, counted once that is published."""

from collections.abc import Callable
from typing import Any

import pytest

from stepcanary.release.comparing import LATE_SECONDS
from stepcanary.release.toll_counting import MOST_TRIES
from stepcanary.store import due, evidence
from stepcanary.store.due import COUNT
from tests.builders import request
from tests.fakes.service import Refusal
from tests.statemachine.runner import World
from tests.statemachine.test_judge import judged, watch, worse

LATER = 2_000_000_000
MINUTE = 60
PER_MINUTE = 1_200
"""20 % of 100 requests a second."""


def count_later(here: World) -> None:
    """All is published, and the watch is called until it has counted the same twice."""
    for seconds in (3 * MINUTE, MINUTE):
        here.clock.sleep(seconds)
        here.invoke("WatchReleasesFunction", {})


def picture(here: World) -> Any:
    return here.ask("show", release=here.arn("release-1"))["picture"]


def minutes_at(picture: Any, weight: int) -> int:
    """How many minutes had this weight in their middle, by which requests are divided here."""
    begun = {each["weight"]: each["at"] for each in picture["weights"]}
    ended = min(at for at in begun.values() if at > begun[weight])
    first = begun[weight] // 60_000 * 60_000 + 30_000
    return sum(begun[weight] <= middle < ended for middle in range(first, ended, 60_000))


def test_what_came_beside_the_periods_of_the_judge_is_counted_too(here: World) -> None:
    here.cloud.bad = worse(1.0)
    watch(here, *range(100, 600, 15))
    outcome = here.release(judged())
    assert outcome.state == "Reverted", outcome
    before = picture(here)
    assert not before["exposure"]["whole"]
    assert [task.what for task in due.until(LATER, COUNT)] == [COUNT]
    count_later(here)
    assert due.until(LATER, COUNT) == []
    after = picture(here)
    counted = PER_MINUTE * minutes_at(after, 20)
    assert after["exposure"]["whole"]
    assert (after["exposure"]["requests"], after["exposure"]["failed"]) == (counted, counted)
    assert counted > before["exposure"]["failed"]
    # What the judge has seen stays what it was.
    assert after["metrics"] == before["metrics"]
    assert after["exposure"]["excess"] == before["exposure"]["excess"]


def test_an_alarm_before_the_first_minute_leaves_no_release_without_figures(here: World) -> None:
    here.cloud.bad = worse(1.0)
    here.clock.after(100, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    assert here.release(judged()).state == "Reverted"
    assert picture(here)["exposure"] is None
    count_later(here)
    after = picture(here)
    assert after["exposure"]["failed"] == PER_MINUTE * minutes_at(after, 20) > 0


def test_what_cannot_be_read_is_read_later(here: World) -> None:
    here.cloud.bad = worse(1.0)
    watch(here, *range(100, 600, 15))
    here.release(judged())
    here.cloud.before_call = broken
    count_later(here)
    [task] = due.until(LATER, COUNT)
    assert task.tries
    here.cloud.before_call = lambda _name, _params: None
    count_later(here)
    assert picture(here)["exposure"]["whole"]


def broken(name: str, _params: Any) -> None:
    if name == "cloudwatch.GetMetricData":
        raise Refusal("InternalFailure", "try again", 500)


def test_what_is_never_told_is_given_up(here: World) -> None:
    here.cloud.bad = worse(1.0)
    watch(here, *range(100, 600, 15))
    here.release(judged())
    here.cloud.before_call = broken
    for _ in range(MOST_TRIES + 1):
        count_later(here)
    assert due.until(LATER, COUNT) == []
    assert not picture(here)["exposure"]["whole"]


def test_without_a_judge_nothing_is_due(here: World) -> None:
    here.clock.after(100, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    assert here.release(request()).state == "Reverted"
    assert due.until(LATER, COUNT) == []


def reverted_by_the_judge(here: World) -> Any:
    """What its picture says before the toll is counted."""
    here.cloud.bad = worse(0.8)
    watch(here, *range(100, 600, 15))
    assert here.release(judged()).state == "Reverted"
    compared = picture(here)["exposure"]
    assert 0 < compared["failed"] < compared["requests"]
    return compared


def hide_all(here: World) -> None:
    here.cloud.missing = lambda side, _at: side == "canary"


def hide_a_minute(here: World) -> None:
    """One that the judge has compared."""
    hidden = max(row.at for row in evidence.rows(here.arn("release-1")))
    here.cloud.missing = lambda side, at: side == "canary" and at.timestamp() == hidden


def hide_bad_answers(here: World) -> None:
    here.cloud.lost = {"HTTPCode_Target_5XX_Count"}


def show(here: World) -> None:
    here.cloud.missing = lambda _side, _at: False
    here.cloud.lost = set()


HIDDEN = {"all": hide_all, "a minute": hide_a_minute, "bad answers": hide_bad_answers}


@pytest.mark.parametrize("hide", HIDDEN.values(), ids=HIDDEN)
def test_less_than_the_judge_has_compared_is_not_all_however_often_it_is_said(
    here: World, hide: Callable[[World], None]
) -> None:
    compared = reverted_by_the_judge(here)
    hide(here)
    count_later(here)
    here.clock.sleep(MINUTE)
    here.invoke("WatchReleasesFunction", {})
    assert picture(here)["exposure"] == compared
    show(here)
    count_later(here)
    after = picture(here)
    counted = PER_MINUTE * minutes_at(after, 20)
    assert after["exposure"]["whole"]
    assert after["exposure"]["requests"] == counted
    assert after["exposure"]["failed"] == pytest.approx(0.8 * counted)


@pytest.mark.parametrize("hide", HIDDEN.values(), ids=HIDDEN)
def test_what_is_shown_no_more_counts_as_the_judge_has_compared_it(
    here: World, hide: Callable[[World], None]
) -> None:
    compared = reverted_by_the_judge(here)
    hide(here)
    count_later(here)
    assert not picture(here)["exposure"]["whole"]
    here.clock.sleep(LATE_SECONDS)
    here.invoke("WatchReleasesFunction", {})
    assert due.until(LATER, COUNT) == []
    after = picture(here)["exposure"]
    assert after["whole"]
    assert after["requests"] >= compared["requests"]
    assert after["failed"] >= compared["failed"]
    if hide is hide_all:
        assert after == {**compared, "whole": True}


def test_a_minute_that_is_published_late_is_in_it(here: World) -> None:
    """Three minutes after its end, when the release is over and was counted once."""
    here.cloud.bad = worse(1.0)
    watch(here, *range(100, 600, 15))
    assert here.release(judged()).state == "Reverted"
    ended = here.clock.now()
    here.cloud.missing = lambda side, at: (
        side == "canary"
        and (
            (ended - at).total_seconds() < 2 * MINUTE
            and (here.clock.now() - ended).total_seconds() < 3.5 * MINUTE
        )
    )
    count_later(here)
    count_later(here)
    after = picture(here)
    assert after["exposure"]["whole"]
    assert after["exposure"]["requests"] == PER_MINUTE * minutes_at(after, 20)
