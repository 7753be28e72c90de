"""Actions: what an action answers, in place of a release."""

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from stepcanary.domain.model import Document, Model
from stepcanary.domain.outcome import Outcome
from stepcanary.domain.request import Action
from stepcanary.domain.stage import Phase


class RunningRelease(Model):
    """`stage` is the stage's phase; `since` is in epoch seconds, `weight` the canary's percent.

    `wait` and `ends_on` say what it waits for, `needs` what a person has to do, `signal` the last
    that it was given, and `warnings` what its plan took all the same. A release that another
    version of this stack wrote has no more than its execution and its stage.
    """

    execution: str
    alive: bool
    stage: Phase
    since: int | None = None
    weight: int | None = None
    by: str = ""
    wait: int | None = None
    ends_on: list[str] = Field(default=[])
    needs: str = ""
    signal: str | None = None
    splits: dict[str, str] = Field(default={})
    warnings: list[str] = Field(default=[])


class WaitingRelease(Model):
    """`since` is in epoch seconds; `split` is empty for one that waits because many were started at
    once."""

    execution: str
    since: int
    split: str = ""


class EndedRelease(Model):
    """`at` is in epoch seconds."""

    execution: str
    outcome: Outcome
    cause: str
    at: int


class Taken(Model):
    """What an action did, in a sentence, and what that sentence leaves out.

    `executions` are those that a signal reached, or that were withdrawn. `running`, `waiting`,
    `splits` (by the route's name) and `last` are the answer to `status`. What does not apply is
    left out.
    """

    action: Action
    service: str
    did: str
    executions: list[str] | None = None
    running: list[RunningRelease] | None = None
    waiting: list[WaitingRelease] | None = None
    splits: dict[str, str] | None = None
    last: EndedRelease | None = None

    @model_serializer(mode="wrap")
    def _without_none(self, serialize: SerializerFunctionWrapHandler) -> Document:
        return {key: value for key, value in serialize(self).items() if value is not None}


class ActionAnswer(Model):
    """`cause` says why the action was not accepted."""

    accepted: bool
    answer: Taken | None = None
    cause: str = ""
