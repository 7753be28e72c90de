"""What the deploy check holds of a toll: each thing that may be wrong with it is named."""

from dataclasses import replace
from typing import Any

import pytest

from deploycheck.tolls import wrong
from stepcanary_cli.saved import Saved
from tests.unit import example_reports

RELEASED = {"canary_answers": {"v2": 900}, "errors_from_canary": 40}
TOLL = {"errors": (900, 40)}
EVENTS = {"Release Report": 1, "Release Counted": 1}


def page(**changed: Any) -> Saved:
    facts = example_reports.a_bad()
    assert facts.picture.exposure is not None
    exposure = facts.picture.exposure.model_copy(
        update={"requests": 900, "failed": 40, "whole": True, **changed}
    )
    picture = facts.picture.model_copy(update={"exposure": exposure})
    return Saved(replace(facts, picture=picture).document)


def test_a_toll_that_is_what_the_client_was_answered_is_right() -> None:
    assert wrong(page(), RELEASED, TOLL, EVENTS) == []


@pytest.mark.parametrize(
    ("toll", "events", "changed", "named"),
    [
        ({}, EVENTS, {}, "the ledger's toll is {}"),
        ({"errors": (900, 39)}, EVENTS, {}, "the ledger's toll"),
        (TOLL, EVENTS, {"requests": 899}, "its page says"),
        (TOLL, {**EVENTS, "Release Counted": 0}, {}, "the bus had"),
        (TOLL, {**EVENTS, "Release Report": 2}, {}, "the bus had"),
    ],
)
def test_what_is_wrong_is_named(toll: Any, events: Any, changed: Any, named: str) -> None:
    [problem] = wrong(page(**changed), RELEASED, toll, events)
    assert problem.startswith(named)
