"""The account check answers also where a stack has less than its template, as in the sandbox."""

from functools import cached_property
from typing import Any

from tools.account.__main__ import answered
from tools.account.questions import QUESTIONS, Answer
from tools.account.world import World


class Poorer(World):
    """A stack of an emulator's, which makes less than the template has."""

    def __init__(self) -> None:
        self.stack = "stepcanary"

    @cached_property
    def described(self) -> dict[str, Any]:
        url = {"OutputKey": "SlackRequestUrl", "OutputValue": "http://127.0.0.1:1/"}
        return {"StackStatus": "CREATE_COMPLETE", "Outputs": [url]}

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        return {}


def test_a_url_that_cannot_be_reached_is_not_known_here() -> None:
    [slack] = (each for each in QUESTIONS if each.heading == "Slack is answered in time")
    answer = answered(slack, Poorer())
    assert answer.kind == "not known here"
    assert answer.text.startswith("http://127.0.0.1:1/ cannot be reached from here")


def test_what_an_emulator_does_not_make_is_not_known_there() -> None:
    answer = answered(QUESTIONS[0], Poorer())
    assert answer == Answer("not known here", "the stack here has no DeletionGuard")
