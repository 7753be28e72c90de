"""Settings: what template.yaml tells the functions through their environment, by who needs it.

A variable that is missing or empty is an error that names it.
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
class ProfileSettings:
    prefix: str
    """Of the names of the SSM parameters, without the last slash."""

    @classmethod
    def from_env(cls) -> Self:
        return cls(prefix=_required("PROFILE_PREFIX").rstrip("/"))


@dataclass(frozen=True, slots=True)
class StateMachineSettings:
    arn: str

    @classmethod
    def from_env(cls) -> Self:
        return cls(arn=_required("STATE_MACHINE"))


@dataclass(frozen=True, slots=True)
class AnnouncementSettings:
    topic: str
    """ARN of an SNS topic."""

    @classmethod
    def from_env(cls) -> Self:
        return cls(topic=_required("ANNOUNCEMENT_TOPIC"))


@dataclass(frozen=True, slots=True)
class SlackSettings:
    secret: str
    """Name or ARN of a secret: JSON with `signing_secret` and `bot_token`."""

    @classmethod
    def from_env(cls) -> Self:
        return cls(secret=_required("SLACK_SECRET"))


@dataclass(frozen=True, slots=True)
class SlackTeamSettings:
    team: str
    """Id of the workspace whose members are obeyed."""

    @classmethod
    def from_env(cls) -> Self:
        return cls(team=_required("SLACK_TEAM"))


@dataclass(frozen=True, slots=True)
class SlackChannelSettings:
    channel: str
    api: str
    """Slack's own, but for tests and the sandbox."""

    @classmethod
    def from_env(cls) -> Self:
        return cls(channel=_required("SLACK_CHANNEL"), api=os.environ.get("SLACK_API") or SLACK_API)
