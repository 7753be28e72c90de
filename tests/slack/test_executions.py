"""Where AWS fails, the person who clicked learns what became of it, and whether to try again."""

from typing import Any

import pytest

from stepcanary.aws import stepfunctions
from stepcanary.chat.slack import executions
from stepcanary.domain.profile import Profile
from stepcanary.domain.request import parse_action
from stepcanary.domain.settings import parse_settings
from stepcanary.errors import AwsRefused, AwsUnavailable, RequestRejected
from stepcanary.store import askings, profiles, senders, settings
from tests.builders import profile
from tests.fakes import parameters

JANE = executions.Source("U2CERLKJA", 1_795_428_000, "slack-1")
REVERT = parse_action({"action": "revert", "service": "checkout"})
OPEN = Profile.model_validate(profile(slack_users={"revert": ["*"]}))


def fail_with(error: Exception) -> Any:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("reading", "starting", "text"),
    [
        (
            AwsUnavailable("ssm"),
            None,
            "AWS did not answer (AwsUnavailable). Nothing was changed; try again.",
        ),
        (
            None,
            AwsUnavailable("states"),
            "AWS did not answer (AwsUnavailable). See `status checkout`; try again.",
        ),
        (
            None,
            AwsRefused("denied", "AccessDenied"),
            "AWS refused it (AwsRefused). Nothing was changed; see the log of the function"
            " AnswerSlack.",
        ),
    ],
    ids=["no profile was read", "perhaps it was started", "it was refused"],
)
def test_a_failure_says_what_became_of_it(
    monkeypatch: pytest.MonkeyPatch,
    reading: Exception | None,
    starting: Exception | None,
    text: str,
) -> None:
    read = fail_with(reading) if reading else lambda _service: OPEN
    monkeypatch.setattr(profiles, "stored", read)
    stack = parse_settings(parameters.NAME, parameters.settings())
    monkeypatch.setattr(settings, "of_stack", lambda: stack)
    monkeypatch.setattr(askings, "last", lambda _service: None)
    monkeypatch.setattr(askings, "keep", lambda *_: True)
    monkeypatch.setattr(senders, "vouch", lambda _name, sender: sender)
    if starting:
        monkeypatch.setattr(stepfunctions, "start", fail_with(starting))
    reply = executions.run(REVERT, JANE)
    assert (reply.done, reply.words) == (False, f"Revert of checkout failed: {text}")


def test_who_may_not_is_told_who_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "stored", lambda _service: OPEN)
    pause = parse_action({"action": "pause", "service": "checkout"})
    with pytest.raises(RequestRejected, match="your member id is U2CERLKJA"):
        executions.run(pause, JANE)
