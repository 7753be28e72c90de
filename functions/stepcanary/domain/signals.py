"""Signals: messages to a running release, and which of them it has a use for when."""

import hashlib
from typing import Literal

from pydantic import Field

from stepcanary.domain.model import Model
from stepcanary.domain.stage import RETURNING, ROLLOUT, Stage

Kind = Literal["promote", "revert", "retry", "skip", "pause", "resume"]


class Signal(Model):
    """`promote` ends bakes and gates, `retry` a failed promotion's gate, `revert` everything.

    `skip` ends one bake, `pause` makes it a gate, and `resume` ends that or a gate of a step. `at`
    is in epoch seconds; `by` names the person or the alarm. `request_id` names the request that the
    signal came with: a retry of the request carries the same one. It is empty for a signal that may
    be given any number of times, as an alarm's.
    """

    kind: Kind
    reason: str = Field(default="", max_length=1_000)
    by: str = Field(default="", max_length=300)
    at: int = 0
    request_id: str = Field(default="", max_length=400)

    @property
    def key(self) -> str:
        """Idempotency key of the signal: kind and request. Short, for a release keeps many."""
        return f"{self.kind} {hashlib.sha256(self.request_id.encode()).hexdigest()[:16]}"

    def __str__(self) -> str:
        sender = f"{self.kind} by {self.by or 'somebody'}"
        return f"{sender}: {self.reason}" if self.reason else sender


TOKENS_PER_WAIT = 1_000
"""A wait that is tried again has a new token; see `stepcanary.contracts.states.WaitInput`."""

WAIT_IS_OVER = "that wait is over: it was decided already, or nobody did in time"

DURABLE = {"promote", "revert", "retry", "pause"}
"""Kept, and obeyed later where nothing waits for them now. The others are transient: they are about
the wait that is now."""

MOST_SIGNALS = 200
"""A release keeps so many idempotency keys; after that only a revert is accepted."""

MOST_OF_KIND: dict[Kind, int] = {"retry": 3, "pause": 10, "resume": 10 + 50}
"""Of what makes a release do something once more: `history` counts on it. A resume ends a pause, or
the gate of one of at most fifty steps."""


def why_too_many(kind: Kind, keys: frozenset[str]) -> str | None:
    """Why a release that has accepted signals with these keys takes no more of them; None if it
    does."""
    if kind == "revert":
        return None
    if len(keys) >= MOST_SIGNALS:
        return f"it has had {MOST_SIGNALS} signals; only a revert is accepted"
    most = MOST_OF_KIND.get(kind)
    if most is None or sum(key.split(" ")[0] == kind for key in keys) < most:
        return None
    return (
        f"it has had {most} signals of this kind, and each makes its history longer, which AWS"
        " bounds; promote it, revert it or start a new release"
    )


def why_refused(kind: str, stage: Stage) -> str | None:
    """Why a release at this stage has no use for the signal; None when it has."""
    if kind == "revert":
        return "its traffic is returning already" if stage == RETURNING else None
    if kind == "retry":
        return None if stage.phase == "restoring" else "no promotion of it has failed"
    return "it is promoted already, or on its way back" if stage > ROLLOUT else None
