"""Outcomes: an error output as one sentence, and an ending that says nothing twice."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.outcome import (
    LONGEST_CAUSE,
    LONGEST_EXPLANATION,
    OUTCOMES,
    Ending,
    Failure,
    ReleaseOutcome,
    explain,
)

NONE = Failure()
VERSION = "shop:v2"
WHERE = "The canary carries the traffic"
REVERTED = OUTCOMES["Reverted"]
SENTENCES = st.sampled_from(["", "Alarm a fired.", "Alarm a fired", "ECS failed.", "Look there..."])
FAILURES = st.builds(
    Failure, error=st.sampled_from(["", "E", "F"]), cause=st.sampled_from(["", "it is. ", "x"])
)


def lambda_cause(**more: str) -> str:
    return json.dumps({"errorType": "E", "stackTrace": ["line 1"], **more})


def explained(outcome: ReleaseOutcome, ending: Ending) -> str:
    return explain(outcome, ending, VERSION, WHERE)


def an_ending(
    failure: Failure = NONE, trouble: Failure = NONE, notes: list[str] | None = None
) -> Ending:
    return Ending(failure=failure, trouble=trouble, notes=notes or [])


@pytest.mark.parametrize(
    ("output", "written"),
    [
        (
            {"Error": "CanaryAlarmed", "Cause": lambda_cause(errorMessage="a fired")},
            "CanaryAlarmed: a fired",
        ),
        ({"Error": "States.Timeout", "Cause": "task timed out"}, "States.Timeout: task timed out"),
        ({"Error": "E", "Cause": '["a list"]'}, 'E: ["a list"]'),
        ({"Error": "E", "Cause": "7"}, "E: 7"),
        ({"Error": "E", "Cause": '{"other": 1}'}, 'E: {"other": 1}'),
        ({"Error": "E", "Cause": '{"errorMessage": "cut o'}, 'E: {"errorMessage": "cut o'),
        ({"Error": "E"}, "E"),
        (
            {"Error": "E", "Cause": lambda_cause(errorMessage="")},
            f"E: {lambda_cause(errorMessage='')}",
        ),
        ({"Cause": "of nothing"}, ""),
        ({}, ""),
    ],
    ids=[
        "Lambda's exception",
        "Step Functions' own words",
        "JSON that is a list",
        "JSON that is a number",
        "an object without message",
        "JSON that was cut",
        "no cause",
        "an exception without a message",
        "no error",
        "nothing",
    ],
)
def test_a_failure_reads_as_error_and_message(output: dict[str, str], written: str) -> None:
    assert str(Failure.model_validate(output)) == written


def test_what_aws_adds_to_an_error_output_is_no_matter() -> None:
    assert str(Failure.model_validate({"Error": "E", "Cause": "x", "Extra": 1})) == "E: x"


@given(st.text(max_size=20), st.text(min_size=LONGEST_CAUSE), st.booleans())
def test_a_failure_fits_into_a_cause(error: str, message: str, wrapped: bool) -> None:
    cause = lambda_cause(errorMessage=message) if wrapped else message
    assert len(str(Failure(error=error, cause=cause))) in (0, LONGEST_CAUSE)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_an_ending_without_trouble_says_where_the_traffic_is(outcome: Any) -> None:
    said = OUTCOMES[outcome].format(version=VERSION, where=WHERE)
    assert explained(outcome, an_ending()) == said


@pytest.mark.parametrize("outcome", ["PromotionFailed", "RevertFailed"])
def test_what_is_left_to_a_person_says_what_the_routes_read(outcome: Any) -> None:
    shared = "Primary and canary share the traffic: route example is at 60:40"
    assert shared in explain(outcome, an_ending(), VERSION, shared)


def test_an_ending_says_where_the_traffic_is_why_what_is_noted_and_what_went_wrong() -> None:
    ending = an_ending(
        Failure(error="CanaryAlarmed", cause="a fired"),
        Failure(error="AwsRefused", cause="denied."),
        ["ECS rolled back", ""],
    )
    assert explained("Reverted", ending) == (
        f"{REVERTED} CanaryAlarmed: a fired. ECS rolled back. AwsRefused: denied."
    )


@given(FAILURES, FAILURES, st.lists(SENTENCES, max_size=4))
def test_everything_is_said_once(failure: Failure, trouble: Failure, notes: list[str]) -> None:
    words = explained("Reverted", an_ending(failure, trouble, notes))
    assert words.startswith(REVERTED)
    for part in (str(failure), str(trouble), *notes):
        sentence = part.rstrip(". ")
        assert sentence.lower() in words.lower()
        if sentence:
            assert f" {words}".count(f" {sentence}.") <= 1
    assert ".." not in words
    assert words.endswith(".")


def test_a_note_that_repeats_the_outcome_is_left_out() -> None:
    notes = [REVERTED.rstrip("."), REVERTED]
    assert explained("Reverted", an_ending(notes=notes)) == REVERTED


def ending(failure: Failure = NONE, *notes: str, trouble: Failure = NONE) -> Ending:
    return Ending(failure=failure, trouble=trouble, notes=["", *notes])


@pytest.mark.parametrize(
    ("outcome", "given", "text"),
    [
        ("Released", ending(), "The primary serves shop:v2."),
        (
            "Reverted",
            ending(Failure(error="RevertRequested", cause="revert by jane"), "revert by jane"),
            "All traffic is on the primary again. RevertRequested: revert by jane.",
        ),
        (
            "Reverted",
            ending(
                Failure(error="CanaryAlarmed", cause=json.dumps({"errorMessage": "alarm a fired"})),
                "the route was moved",
                "alarm a fired.",
            ),
            "All traffic is on the primary again. CanaryAlarmed: alarm a fired."
            " the route was moved.",
        ),
    ],
    ids=["released", "a note repeats the failure", "a note repeats what Lambda wrapped"],
)
def test_what_another_part_says_as_well_is_left_out(
    outcome: ReleaseOutcome, given: Ending, text: str
) -> None:
    assert explained(outcome, given) == text


def test_the_whole_is_no_longer_than_what_is_kept() -> None:
    notes = [f"note {number} {'x' * 500}" for number in range(100)]
    assert len(explained("Reverted", ending(NONE, *notes))) == LONGEST_EXPLANATION
