"""What template.yaml tells the functions through their environment."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    ledger_table: str
    profile_prefix: str
    state_machine: str
    """ARN; empty for the functions that start none."""
    announcement_topic: str
    """ARN of an SNS topic."""
    slack_secret: str
    """Name or ARN of a secret: JSON with `signing_secret` and `bot_token`."""
    slack_channel: str
    slack_api: str


def settings() -> Settings:
    return Settings(
        ledger_table=os.environ["LEDGER_TABLE"],
        profile_prefix=os.environ["PROFILE_PREFIX"].rstrip("/"),
        state_machine=os.environ.get("STATE_MACHINE", ""),
        announcement_topic=os.environ.get("ANNOUNCEMENT_TOPIC", ""),
        slack_secret=os.environ.get("SLACK_SECRET", ""),
        slack_channel=os.environ.get("SLACK_CHANNEL", ""),
        slack_api=os.environ.get("SLACK_API", "https://slack.com/api/"),
    )
