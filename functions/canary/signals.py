"""Signals: messages to a running release, and which of them it obeys when. Pure."""

from typing import Literal

from pydantic import Field

from canary.model import Model
from canary.stage import RETURNING, ROLLOUT, is_restoring

Kind = Literal["promote", "revert", "retry"]


class Signal(Model):
    """`promote` ends bakes and the gate, `retry` a failed promotion's gate, `revert` everything.

    `at` is in epoch seconds; `by` names the person or the alarm.
    """

    kind: Kind
    reason: str = Field(default="", max_length=1_000)
    by: str = Field(default="", max_length=300)
    at: int = 0

    def __str__(self) -> str:
        told = f"{self.kind} by {self.by or 'somebody'}"
        return f"{told}: {self.reason}" if self.reason else told


def why_refused(kind: Kind, stage: int) -> str | None:
    """Why a release at this stage has no use for the signal; None when it has."""
    if kind == "revert":
        return "its traffic is returning already" if stage == RETURNING else None
    if kind == "promote":
        return "it is promoted already, or on its way back" if stage > ROLLOUT else None
    return None if is_restoring(stage) else "no promotion of it has failed"
