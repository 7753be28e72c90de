"""Blocks: a gate has the buttons that end it, and loses them with its decision."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.chat.slack.blocks import (
    DECIDE,
    decided,
    decided_elsewhere,
    message,
    picture,
    section,
)
from stepcanary.chat.slack.commands import parse_decision
from tests.unit.examples import EXECUTION, an_event

GATE: dict[str, Any] = {"waits": "gate", "wait": 3, "ends_on": ["promote", "resume", "revert"]}
FAILED: dict[str, Any] = {"waits": "promotion failed", "wait": 0, "ends_on": ["retry", "revert"]}


def buttons(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [b for block in blocks if block["type"] == "actions" for b in block["elements"]]


def test_what_waits_for_nobody_has_no_buttons() -> None:
    blocks = message(an_event("Release Shifted", weight=5, ends_on=["promote"]))
    assert [block["type"] for block in blocks] == ["section"]


@pytest.mark.parametrize("waiting", [GATE, FAILED], ids=["a gate", "a failed promotion"])
def test_a_wait_has_a_button_for_each_signal_that_ends_it(waiting: dict[str, Any]) -> None:
    found = buttons(message(an_event("Release Waiting", **waiting)))
    assert [button["action_id"] for button in found] == [f"{DECIDE}{s}" for s in waiting["ends_on"]]
    assert len({button["text"]["text"] for button in found}) == len(found)


@pytest.mark.parametrize("waiting", [GATE, FAILED], ids=["a gate", "a failed promotion"])
def test_a_button_says_its_signal_about_this_wait(waiting: dict[str, Any]) -> None:
    for button in buttons(message(an_event("Release Waiting", **waiting))):
        decision = parse_decision(button["value"], "jane").model_dump(exclude_defaults=True)
        assert decision == {
            "action": button["action_id"].removeprefix(DECIDE),
            "service": "checkout",
            "execution": EXECUTION,
            "wait": waiting["wait"],
            "by": "jane",
        }


def test_only_styles_that_slack_knows_and_a_revert_is_the_dangerous_one() -> None:
    styles = {
        button["action_id"].removeprefix(DECIDE): button.get("style", "none")
        for waiting in (GATE, FAILED)
        for button in buttons(message(an_event("Release Waiting", **waiting)))
    }
    assert [action for action, style in styles.items() if style == "danger"] == ["revert"]
    assert set(styles.values()) <= {"primary", "danger", "none"}


def test_a_signal_without_a_button_has_none() -> None:
    bake = {**GATE, "ends_on": ["pause", "revert", "skip"]}
    found = buttons(message(an_event("Release Waiting", **bake)))
    assert [button["action_id"] for button in found] == [f"{DECIDE}revert"]


def test_nobody_calls_a_channel_with_what_they_write() -> None:
    here = "<!here> & all"
    event = an_event("Release Rejected", service=here, cause=here, by=here)
    shown = message(event)[0]["text"]["text"]
    assert shown.count("&lt;!here&gt; &amp; all") == 3
    assert "<" not in shown


PINGS = "<!channel> <@U1> <#C1> <https://evil.example|docs> @here #general ```*bold*"


def test_nothing_that_others_say_is_a_mention_or_a_link() -> None:
    said = dict.fromkeys(("cause", "by", "commit", "rolled_back_from"), PINGS)
    lists = {"warnings": [PINGS], "images": {PINGS: PINGS}}
    event = an_event("Release Waiting", **GATE | said | lists, link="https://ci.example/7?a=1&b=2")
    gate = message(event, numbers=[PINGS])
    refused = message(an_event("Release Rejected", service=PINGS, cause=PINGS))
    blocks = [*gate, picture(PINGS), *decided_elsewhere(gate, PINGS), *refused]
    texts = [block["text"] for block in blocks if block["type"] == "section"]
    assert len(texts) == 7
    # Only what is in brackets, or what Slack looks for by itself, is more than text.
    assert all(text["verbatim"] for text in texts)
    found = {each for text in texts for each in re.findall("<[^>]*>", text["text"])}
    assert found == {"<https://ci.example/7?a=1&amp;b=2>"}
    assert {b["text"]["type"] for b in buttons(gate)} == {"plain_text"}


def test_nothing_ends_a_picture_before_its_end() -> None:
    for said in ("```", "``" * 3, "a```b" * 900, "`"):
        shown = picture(said)["text"]["text"]
        assert shown.startswith("```") and shown.endswith("```")
        assert "`" not in shown[3:-3]


@given(st.text(alphabet="<&x", max_size=9), st.integers(0, 3_000))
def test_a_section_is_no_longer_than_slack_takes(start: str, many: int) -> None:
    event = an_event("Release Ended", outcome="Reverted", cause=start + "<" * many)
    assert len(message(event)[0]["text"]["text"]) <= 3_000
    assert len(section("x" * 3_001)["text"]["text"]) == 3_000


@pytest.mark.parametrize("action", GATE["ends_on"])
def test_a_decision_takes_the_place_of_the_buttons(action: str) -> None:
    blocks = message(an_event("Release Waiting", **GATE))
    label = next(b["text"]["text"] for b in buttons(blocks) if b["action_id"] == DECIDE + action)
    after = decided(blocks, action, "U2CERLKJA")
    assert after == [blocks[0], section(f"*{label}*: <@U2CERLKJA>")]
    assert buttons(blocks)
