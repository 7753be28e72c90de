"""Environment: what template.yaml tells the functions through their environment, by who needs it.

It is of the code's version, so nothing that a parameter of the stack says is here: a changed
parameter publishes no version. That is in `store/settings.py`. A variable that is missing or empty
is an error that names it.
"""

import os
from dataclasses import dataclass
from typing import Self

SLACK_API = "https://slack.com/api/"


def _required(variable: str) -> str:
    value = os.environ.get(variable, "")
    if not value:
        raise RuntimeError(f"the environment variable {variable} is missing or empty")
    return value


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    table: str

    @classmethod
    def from_env(cls) -> Self:
        return cls(table=_required("LEDGER_TABLE"))


@dataclass(frozen=True, slots=True)
class ParameterSettings:
    name: str
    """Of the SSM parameter that has what the stack's parameters say."""

    @classmethod
    def from_env(cls) -> Self:
        return cls(name=_required("SETTINGS_PARAMETER"))


def kept_warm() -> list[str]:
    """ARNs of functions that the sweep keeps warm; none where nothing ever gets cold."""
    return os.environ.get("KEPT_WARM", "").split()


def slack_api() -> str:
    """Slack's own, but for tests and the sandbox."""
    return os.environ.get("SLACK_API") or SLACK_API
