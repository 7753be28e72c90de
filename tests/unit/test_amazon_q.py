"""Amazon Q: a custom notification per event, in the thread of its release."""

from typing import Any, get_args

import pytest

from stepcanary.chat.amazon_q import to_amazon_q
from stepcanary.domain.events import DetailType
from tests.unit.examples import EXECUTION, an_event

HERE = "<!here> & all"
ESCAPED = "&lt;!here&gt; &amp; all"


def sent(detail_type: str, **changed: Any) -> dict[str, Any]:
    return dict(to_amazon_q(an_event(detail_type, **changed)))


@pytest.mark.parametrize("detail_type", get_args(DetailType))
def test_every_event_is_a_custom_notification_in_its_releases_thread(detail_type: str) -> None:
    found = sent(detail_type)
    assert (found["version"], found["source"]) == ("1.0", "custom")
    assert found["content"]["title"] == found["metadata"]["summary"]
    assert found["content"]["description"]
    assert found["content"]["keywords"] == ["checkout"]
    assert found["metadata"]["threadId"] == EXECUTION
    assert found["metadata"]["eventType"] == detail_type


def test_a_button_learns_which_wait_it_is_about() -> None:
    context = {"service": "checkout", "execution": EXECUTION}
    assert sent("Release Started")["metadata"]["additionalContext"] == context
    waiting = sent("Release Waiting", wait=0, waits="gate")
    assert waiting["metadata"]["additionalContext"] == {**context, "wait": "0"}


@pytest.mark.parametrize(
    ("ends_on", "begins"),
    [
        (["promote", "resume", "revert"], ["promote it", "resume it", "revert it"]),
        (["retry", "revert"], ["retry its promotion", "revert it"]),
        (["skip", "revert"], ["revert it"]),
    ],
    ids=["at a gate", "after a failed promotion", "only what a person is asked for"],
)
def test_the_next_steps_are_what_ends_the_wait(ends_on: list[str], begins: list[str]) -> None:
    steps = sent("Release Waiting", wait=1, ends_on=ends_on)["content"]["nextSteps"]
    assert [step[: len(b)] for step, b in zip(steps, begins, strict=True)] == begins


@pytest.mark.parametrize("ends_on", [None, [], ["skip"]], ids=str)
def test_where_there_is_no_next_step_none_is_listed(ends_on: list[str] | None) -> None:
    """An empty list is none that the schema of notifications knows."""
    assert "nextSteps" not in sent("Release Waiting", ends_on=ends_on)["content"]


def test_nobody_calls_a_channel_with_what_they_write() -> None:
    found = sent("Release Rejected", service=HERE, cause=HERE, by=HERE)
    shown = [found["metadata"]["summary"], *map(str, found["content"].values())]
    assert found["content"]["description"].count(ESCAPED) == 2
    assert ESCAPED in found["content"]["title"]
    assert not any(HERE in each for each in shown if each != str([HERE]))
