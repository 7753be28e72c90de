"""What template.yaml tells the functions through their environment."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    ledger_table: str
    profile_prefix: str
    state_machine: str
    """ARN; empty for the functions that start none."""


def settings() -> Settings:
    return Settings(
        ledger_table=os.environ["LEDGER_TABLE"],
        profile_prefix=os.environ["PROFILE_PREFIX"].rstrip("/"),
        state_machine=os.environ.get("STATE_MACHINE", ""),
    )
