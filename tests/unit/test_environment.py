"""A function that was not told what it needs says so, by the variable's name."""

from typing import Any

import pytest

from stepcanary.environment import (
    LedgerSettings,
    ParameterSettings,
    slack_api,
)

ALL: dict[str, Any] = {
    "LEDGER_TABLE": LedgerSettings,
    "SETTINGS_PARAMETER": ParameterSettings,
}


@pytest.mark.parametrize("variable", ALL)
def test_what_is_missing_or_empty_is_named(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(RuntimeError, match=variable):
        ALL[variable].from_env()
    monkeypatch.setenv(variable, "")
    with pytest.raises(RuntimeError, match=variable):
        ALL[variable].from_env()


def test_messages_go_to_slack_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_API", raising=False)
    assert slack_api() == "https://slack.com/api/"
