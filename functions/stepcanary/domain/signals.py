"""Signals: messages to a running release, and which of them it obeys when. Pure."""

from typing import Literal

from pydantic import Field

from stepcanary.domain.model import Model
from stepcanary.domain.stage import RETURNING, ROLLOUT, is_restoring

Kind = Literal["promote", "revert", "retry", "skip", "pause", "resume"]


class Signal(Model):
    """`promote` ends bakes and gates, `retry` a failed promotion's gate, `revert` everything.

    `skip` ends one bake, `pause` makes it a gate, and `resume` ends that or a gate of a step. `at`
    is in epoch seconds; `by` names the person or the alarm, and `key` the one time that they said
    it: whoever says it for them again has the same one.
    """

    kind: Kind
    reason: str = Field(default="", max_length=1_000)
    by: str = Field(default="", max_length=300)
    at: int = 0
    key: str = Field(default="", max_length=400)

    @property
    def said(self) -> str:
        """What tells one saying from another."""
        return f"{self.kind} {self.key}"

    def __str__(self) -> str:
        told = f"{self.kind} by {self.by or 'somebody'}"
        return f"{told}: {self.reason}" if self.reason else told


TOKENS_PER_WAIT = 1_000
"""A wait that is tried again has a new token; see `stepcanary.contracts.states.WaitInput`."""

WAIT_IS_OVER = "that wait is over: it was decided already, or nobody did in time"

KEPT = {"promote", "revert", "retry", "pause"}
"""Obeyed later where nothing waits for them now; the others say something about a wait."""


def why_refused(kind: Kind, stage: int) -> str | None:
    """Why a release at this stage has no use for the signal; None when it has."""
    if kind == "revert":
        return "its traffic is returning already" if stage == RETURNING else None
    if kind == "retry":
        return None if is_restoring(stage) else "no promotion of it has failed"
    return "it is promoted already, or on its way back" if stage > ROLLOUT else None
