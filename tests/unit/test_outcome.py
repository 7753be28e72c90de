"""What an execution ends on, as a person reads it."""

import json

import pytest

from stepcanary.domain.outcome import Ending, Failure, ReleaseOutcome, explain

NONE = Failure()


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
def test_nothing_is_said_twice(outcome: ReleaseOutcome, given: Ending, text: str) -> None:
    assert explain(outcome, given, "shop:v2") == text
