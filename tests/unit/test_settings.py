"""A function that was not told what it needs says so, by the variable's name."""

from typing import Any

import pytest

from stepcanary.settings import (
    AnnouncementSettings,
    LedgerSettings,
    ProfileSettings,
    SlackChannelSettings,
    SlackSettings,
    StateMachineSettings,
)

ALL: dict[str, Any] = {
    "LEDGER_TABLE": LedgerSettings,
    "PROFILE_PREFIX": ProfileSettings,
    "STATE_MACHINE": StateMachineSettings,
    "ANNOUNCEMENT_TOPIC": AnnouncementSettings,
    "SLACK_SECRET": SlackSettings,
    "SLACK_CHANNEL": SlackChannelSettings,
}


@pytest.mark.parametrize("variable", ALL)
def test_what_is_missing_or_empty_is_named(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(RuntimeError, match=variable):
        ALL[variable].from_env()
    monkeypatch.setenv(variable, "")
    with pytest.raises(RuntimeError, match=variable):
        ALL[variable].from_env()


def test_a_prefix_is_the_same_with_a_slash_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILE_PREFIX", "/stepcanary/profiles/")
    assert ProfileSettings.from_env().prefix == "/stepcanary/profiles"


def test_slack_has_one_address_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_CHANNEL", "C0RELEASES")
    monkeypatch.delenv("SLACK_API", raising=False)
    assert SlackChannelSettings.from_env().api == "https://slack.com/api/"
