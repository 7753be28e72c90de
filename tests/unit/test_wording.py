"""Wording: short, never empty, and nobody is called by what somebody wrote."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.chat.wording import LONGEST_TEXT, escaped, text, title
from stepcanary.domain.events import DetailType
from tests.unit.examples import an_event

TYPES = get_args(DetailType)
HOSTILE = st.text(alphabet="<>&;!@ac", max_size=30)


@pytest.mark.parametrize(
    ("detail_type", "more", "words"),
    [
        ("Release Rejected", {}, "rejected"),
        ("Release Started", {}, "started"),
        ("Release Shifted", {"weight": 5}, "canary has 5 %"),
        ("Release Shifted", {"weight": 100}, "canary has 100 %"),
        ("Release Shifted", {"weight": 0}, "all traffic is on the primary"),
        ("Release Waiting", {"waits": "gate"}, ": a decision is needed"),
        ("Release Waiting", {"waits": "promotion failed"}, "promotion failed, and a decision"),
        ("Release Resumed", {}, "its step bakes again"),
        ("Release Promoting", {}, "primary gets the new version"),
        ("Release Ended", {"outcome": "RevertFailed"}, "RevertFailed"),
        ("Release Ended", {}, "ended"),
        ("Release Queued", {"behind": "arn:x:r-1"}, "waits for its turn"),
        ("Release Report", {"report": "https://x"}, "the report is there"),
        ("Release Report", {"cause": "denied"}, "there is no report"),
        ("Release Counted", {}, "all that the canary answered is counted"),
        ("Canary Retired", {}, "scaled in later"),
        ("Manual Shift", {"weight": 5}, "shifted by hand: the canary has 5 %"),
    ],
    ids=[
        "rejected",
        "started",
        "shifted",
        "shifted to all",
        "returned",
        "at a gate",
        "after a failed promotion",
        "resumed",
        "promoting",
        "ended",
        "ended somehow",
        "queued",
        "reported",
        "not reported",
        "counted",
        "retired later",
        "shifted by hand",
    ],
)
def test_a_title_says_of_which_service_what_is_new(
    detail_type: str, more: dict[str, Any], words: str
) -> None:
    found = title(an_event(detail_type, **more))
    assert found.startswith("checkout: ")
    assert words in found


def test_a_warning_is_told_when_a_release_has_started() -> None:
    started = an_event("Release Started", images={"app": "shop:v2"}, warnings=["alarms: a is slow"])
    assert "Warning: alarms: a is slow.\n" in text(started)


def test_each_type_of_event_has_a_title_of_its_own() -> None:
    assert len({title(an_event(each, weight=5)) for each in TYPES}) == len(TYPES)


@given(st.sampled_from(TYPES), st.integers(0, 3_000), st.integers(0, 3_000))
def test_titles_and_texts_stay_short(detail_type: str, one: int, other: int) -> None:
    event = an_event(detail_type, service="s" * one, cause="c" * other, outcome="Released")
    assert len(title(event)) <= 250
    assert 0 < len(text(event)) <= LONGEST_TEXT


def test_a_text_has_what_there_is_line_by_line() -> None:
    event = an_event(
        "Release Waiting",
        images={"app": "shop:v2", "log": "fluent:1"},
        cause="alarm fired",
        ends_on=["promote", "revert"],
        by="jane",
    )
    assert text(event).splitlines() == [
        "app = shop:v2",
        "log = fluent:1",
        "alarm fired",
        "It ends on promote, revert.",
        "Release release-1, by jane",
    ]


def test_a_text_about_nothing_names_the_release() -> None:
    assert text(an_event("Release Promoting", ends_on=[], images={})) == "Release release-1"


@given(HOSTILE)
def test_what_is_escaped_calls_nobody_and_reads_the_same(written: str) -> None:
    found = escaped(written)
    assert not set("<>") & set(found)
    assert found.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == written
