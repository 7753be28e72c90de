"""What people write, as requests."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.chat.slack.commands import named, parse_command, parse_decision
from stepcanary.domain.request import LONGEST_BY
from stepcanary.errors import RequestRejected

BY = "jane (Slack U2CERLKJA)"


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("status checkout", {"action": "status"}),
        ("  promote   checkout ", {"action": "promote", "reason": ""}),
        ("revert checkout old prices", {"action": "revert", "reason": "old prices"}),
        ("shift checkout 10", {"action": "shift", "weight": 10}),
        ("rollback checkout", {"action": "rollback"}),
        ("rollback checkout release-7", {"action": "rollback", "to": "release-7"}),
        ("withdraw checkout wrong image", {"action": "withdraw", "reason": "wrong image"}),
        (
            "release checkout app=shop:v2 log=fluent@sha256:" + "a" * 64,
            {
                "action": "release",
                "images": {"app": "shop:v2", "log": "fluent@sha256:" + "a" * 64},
            },
        ),
    ],
)
def test_a_command_is_a_request(text: str, request_: dict[str, object]) -> None:
    sent = parse_command(text, BY).model_dump(exclude_unset=True)
    assert sent == {"service": "checkout", "by": BY, **request_}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Write one of"),
        ("help", "Write one of"),
        ("dance checkout", "Write one of"),
        ("promote", "which service?"),
        ("promote ../secret", "service"),
        ("status checkout now", "a service is all it takes"),
        (f"rollback checkout {'v' * 401}", "to: must have at most 400"),
        ("release checkout", "images is empty"),
        ("release checkout shop:v2", "is not CONTAINER=IMAGE"),
        ("release checkout app=shop", "names no version"),
        ("shift checkout", "whole number"),
        ("shift checkout ten", "whole number"),
        ("shift checkout ²", "whole number"),
        ("shift checkout 101", "weight"),
        ("shift checkout " + "9" * 5_000, "weight"),
    ],
)
def test_a_mistake_is_explained(text: str, message: str) -> None:
    with pytest.raises(RequestRejected, match=message):
        parse_command(text, BY)


@given(st.text(max_size=300), st.text(max_size=400))
def test_no_text_breaks_it(text: str, name: str) -> None:
    by = named("U2CERLKJA", name)
    assert len(by) <= LONGEST_BY
    for written in (text, f"release checkout {text}", f"shift checkout {text}", f"skip {text}"):
        with suppress(RequestRejected):
            assert parse_command(written, by).by == by


@pytest.mark.parametrize(
    "value",
    [
        "",
        "[]",
        "{}",
        json.dumps({"action": "shift", "service": "checkout", "execution": "e", "wait": 1}),
        json.dumps({"action": "promote", "service": "a/b", "execution": "e", "wait": 1}),
        json.dumps({"action": "promote", "service": "checkout", "execution": "e", "wait": "1"}),
    ],
)
def test_no_button_says_anything_else(value: str) -> None:
    with pytest.raises(RequestRejected):
        parse_decision(value, BY)
