"""A world whose Slack is the sandbox's: commands and clicks reach the function behind the URL."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from emulator.awslambda import LambdaContext
from sandbox.slack import CHANNEL, SECRET, Document, Slack
from stepcanary.aws import eventbridge
from stepcanary.chat.slack import executions
from stepcanary.domain.events import ReleaseEvent
from tests.builders import profile
from tests.statemachine.runner import World

JANE, JOHN, STRANGER = "U2CERLKJA", "U0JOHN", "U0STRANGER"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:stepcanary-answer-slack:live"
ALL = ["status", "release", "rollback", "promote", "revert", "retry", "skip", "pause", "resume"]


class Workspace(Slack):
    """Commands are worked on when `work` is called: what a function invokes itself for waits."""

    def __init__(self, here: World) -> None:
        super().__init__(self.to_function, lambda: here.clock.now().timestamp())
        self.here = here
        self.waiting: list[Document] = []
        here.cloud.on_invoke = lambda _function, event: self.waiting.append(event)

    def to_function(self, event: Document) -> Document:
        context = LambdaContext("stepcanary-answer-slack", ARN, "request-1")
        answer: Document = self.here.handlers["AnswerSlackFunction"](event, context)
        return answer

    def work(self) -> None:
        while self.waiting:
            assert self.to_function(self.waiting.pop(0))["statusCode"] == 200

    def do(self, text: str, user: str = JANE) -> str:
        """The last reply to a command, by whoever sends it."""
        assert self.command(text, user)["statusCode"] == 200
        self.work()
        return str(self.replies[-1]["text"])

    def decide(self, action: str, user: str = JANE) -> Document:
        """The answer to a click on the newest message with buttons."""
        message = next(each for each in reversed(self.messages) if each.buttons)
        assert self.click(message, action, user)["statusCode"] == 200
        self.work()
        return message.answers[-1]

    def tell(self, detail_type: str, *, ago: float = 0, **detail: Any) -> None:
        """What an event leads to that was published so many seconds ago."""
        time = (self.here.clock.now() - timedelta(seconds=ago)).isoformat()
        event = {"id": "e1", "time": time, "detail-type": detail_type, "detail": detail}
        self.here.invoke("PostToSlackFunction", json.loads(json.dumps(event)))


@pytest.fixture
def here(here: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world with a channel of Slack in it, and with people who may do something there."""
    here.cloud.secrets["slack"] = json.dumps(SECRET)
    allowed = {action: [JANE] for action in (*ALL, "shift")} | {"promote": [JANE, JOHN]}
    stored = json.dumps(profile(slack_users=allowed))
    here.cloud.parameters["/stepcanary/profiles/checkout"] = stored
    here.set_parameters(SlackChannel=CHANNEL)
    monkeypatch.setattr(executions, "LOOK_SECONDS", 0.02)
    return here


@pytest.fixture
def slack(here: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    with Workspace(here) as opened:
        monkeypatch.setenv("SLACK_API", opened.api)
        yield opened


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[ReleaseEvent]:
    """What the release tells of; nobody hears it."""
    events: list[ReleaseEvent] = []
    monkeypatch.setattr(eventbridge, "publish", events.append)
    return events
