"""Events: what a release says of itself, and nothing where there is nothing to say."""

import json
from typing import Any

import pytest

from stepcanary.domain import events
from stepcanary.domain.events import ReleaseEvent
from stepcanary.domain.signals import Kind
from tests.unit.examples import EXECUTION, a_release


def detail(event: ReleaseEvent | None) -> dict[str, Any]:
    """The detail as the bus gets it."""
    assert event is not None
    found: dict[str, Any] = json.loads(event.model_dump_json(exclude_none=True))
    return found


WHOSE = {"service": "checkout", "execution": EXECUTION, "by": "jane"}


@pytest.mark.parametrize(
    ("event", "detail_type", "more"),
    [
        (events.started(a_release()), "Release Started", {"images": {"app": "shop:v2"}}),
        (
            events.started(a_release(warnings=["alarms: slow"])),
            "Release Started",
            {"images": {"app": "shop:v2"}, "warnings": ["alarms: slow"]},
        ),
        (events.shifted(a_release(), 5), "Release Shifted", {"weight": 5}),
        (events.shifted(a_release(), 0), "Release Shifted", {"weight": 0}),
        (
            events.waiting(a_release(), 3, ["revert", "promote", "resume"]),
            "Release Waiting",
            {"waits": "gate", "wait": 3, "ends_on": ["promote", "resume", "revert"]},
        ),
        (
            events.waiting(a_release(), 0, ["revert", "retry"]),
            "Release Waiting",
            {"waits": "promotion failed", "wait": 0, "ends_on": ["retry", "revert"]},
        ),
        (events.resumed(a_release()), "Release Resumed", {}),
        (events.promoting(a_release()), "Release Promoting", {}),
        (
            events.queued(EXECUTION, "checkout", "jane", "arn:other"),
            "Release Queued",
            {"behind": "arn:other"},
        ),
        (
            events.reported(
                events.report_of(
                    "checkout",
                    EXECUTION,
                    by="jane",
                    outcome="Released",
                    commit="4f0c2d1",
                    link=None,
                ),
                "https://x",
            ),
            "Release Report",
            {"report": "https://x", "outcome": "Released", "commit": "4f0c2d1"},
        ),
        (
            events.not_reported(events.report_of("checkout", EXECUTION, by="jane"), "denied"),
            "Release Report",
            {"cause": "denied"},
        ),
        (
            events.counted(a_release(origin={"commit": "4f0c2d1"})),
            "Release Counted",
            {"commit": "4f0c2d1"},
        ),
        (events.retired(a_release(), "again"), "Canary Retired", {"cause": "again"}),
        (
            events.shifted_by_hand(a_release(), 5, "was 0"),
            "Manual Shift",
            {"weight": 5, "cause": "was 0"},
        ),
        (
            events.started(a_release(origin={"commit": "4f0c2d1"})),
            "Release Started",
            {"images": {"app": "shop:v2"}, "commit": "4f0c2d1"},
        ),
        (
            events.ended(a_release(), "Reverted", "alarm fired"),
            "Release Ended",
            {"outcome": "Reverted", "cause": "alarm fired"},
        ),
    ],
    ids=[
        "started with its images",
        "started with a warning",
        "shifted",
        "shifted to nothing, which is a weight",
        "at a gate",
        "after a failed promotion, in the first wait",
        "resumed",
        "promoting",
        "queued",
        "reported, with what is known",
        "not reported",
        "counted",
        "retired later",
        "shifted by hand",
        "started with a commit",
        "ended",
    ],
)
def test_an_event_says_whose_it_is_and_only_what_is_new(
    event: ReleaseEvent, detail_type: str, more: dict[str, Any]
) -> None:
    assert event.detail_type == detail_type
    assert detail(event) == {**WHOSE, **more}


def test_a_release_of_task_definitions_names_no_images() -> None:
    ready = {"primary": "primary:2", "canary": "canary:2"}
    assert detail(events.started(a_release(images=None, task_definitions=ready))) == WHOSE


@pytest.mark.parametrize(
    "ends_on", [["promote", "revert", "skip", "pause"], ["revert"], []], ids=str
)
def test_a_bake_waits_for_nobody(ends_on: list[Kind]) -> None:
    assert events.waiting(a_release(), 1, ends_on) is None


@pytest.mark.parametrize(
    ("request_", "by"),
    [
        ({"service": "checkout", "by": "jane"}, "jane"),
        ({"service": "checkout"}, ""),
        ({"service": "checkout", "by": 7}, ""),
        ({"service": "checkout", "by": None, "images": "x"}, ""),
        ({"service": "checkout", "by": "\ud800"}, ""),
    ],
    ids=["by somebody", "by nobody", "by a number", "wrong in other ways", "by half a character"],
)
def test_what_was_rejected_is_told_as_far_as_it_can_be_read(request_: object, by: str) -> None:
    event = events.rejected(EXECUTION, request_, "images is empty")
    assert event is not None
    assert event.detail_type == "Release Rejected"
    assert detail(event) == {**WHOSE, "by": by, "cause": "images is empty"}


@pytest.mark.parametrize(
    "request_",
    [None, [], "checkout", 7, {}, {"service": None}, {"service": 7}, {"service": "\udfff"}],
    ids=ascii,
)
def test_what_names_no_service_is_nobodys_news(request_: object) -> None:
    assert events.rejected(EXECUTION, request_, "service: is missing") is None
