"""Answers: what each function gives back, to the state machine or to whoever invoked it.

`Started` of a deployment and `Progress` of a verdict are answers too; the domain has them, because
its rules work with them. Every `next` is a Literal, and a test holds the definition's conditions
against it.
"""

import gc
from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, TypeVar, cast

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from stepcanary.access import Access, entered
from stepcanary.contracts.contract import Contract
from stepcanary.domain.deployment import Started
from stepcanary.domain.model import Document, Model
from stepcanary.domain.outcome import Outcome
from stepcanary.domain.release import Release
from stepcanary.domain.request import Action
from stepcanary.domain.stage import Phase

Event = TypeVar("Event")
Context = TypeVar("Context")


def answers(handler: Callable[[Event, Context], Model]) -> Callable[[Any, Context], Document]:
    """A handler of models, for Lambda, which has JSON: the models are those of its signature.

    They are built at once, while Lambda gives a function all the CPU there is. An event that is
    not annotated with a model comes as it is. What is about a release is done with its access.
    """
    takes, *_, gives = handler.__annotations__.values()
    gives.model_rebuild()
    event_model = takes if isinstance(takes, type) and issubclass(takes, BaseModel) else None
    if event_model:
        event_model.model_rebuild()

    @wraps(handler)
    def answered(event: Any, context: Context) -> Document:
        parsed = event_model.model_validate(event) if event_model else event
        with entered(_access_of(parsed)):
            answer = handler(cast("Event", parsed), context)
        return answer.model_dump(mode="json", by_alias=True)

    # All is loaded that a handler needs, and none of it will ever be garbage: see `handlers`.
    gc.freeze()
    gc.enable()
    return answered


def _access_of(event: object) -> Access | None:
    release = getattr(event, "release", None)
    return release.access if isinstance(release, Release) else None


class LinesCounted(Contract):
    """The executions that a batch of lines was counted for, and those that were signalled."""

    executions: list[str]
    signalled: list[str]


class Nothing(Contract):
    """The act is all there is."""


class PlanAnswer(Contract):
    """`waits` while another release has the split; it begins `later` where many were started at
    once. Both are planned again after `wait_seconds`. `cost` says what the canary adds, `cause` why
    it is not accepted."""

    accepted: bool
    waits: bool = False
    later: bool = False
    wait_seconds: int = Field(default=0, ge=0)
    release: Release | None = None
    cost: str = ""
    cause: str = ""


class OpenAnswer(Contract):
    """`again` where another release was faster, so that the plan has to be made again."""

    accepted: bool
    again: bool = False
    fence: int | None = None
    cause: str = ""


class SteadyAnswer(Contract):
    """`deployment` is what the next check gets, after `wait_seconds`."""

    steady: bool
    deployment: Started
    wait_seconds: int = Field(ge=1)


class ShiftAnswer(Contract):
    """The canary's percent, and how long it must hold up with it."""

    weight: int
    bake_seconds: int = Field(ge=1)


class Attempt(Contract):
    """One attempt at a revert. `next` is `confirm` when the split is at rest, `again` after
    `wait_seconds`, or `give_up`; `cause` says what stood in the way."""

    next: Literal["confirm", "again", "give_up"]
    wait_seconds: int = 0
    note: str = ""
    cause: str = ""


class Rest(Contract):
    """`next` is `retire` when the split was found at rest, else `again` after settling.

    The canary is retired after `drain_seconds`. It is `restore` when an alarm has fired, as `note`
    says, while the router followed the weights back to the new version. `corrections` counts how
    often the split was not at rest; `note` says who else wrote.
    """

    next: Literal["retire", "again", "restore"]
    corrections: int
    note: str = ""
    drain_seconds: int = 0


class Restored(Contract):
    """What was done about a failed promotion.

    `next` is `revert` where the primary was never touched and takes its traffic back at once,
    `return` where it takes it back once it is steady on the old version, which `deployment` brings,
    and `ask` where an operator decides. `settle` says that the traffic was only now brought to the
    canary: nothing is deployed before the router has followed, which `settles` counts. Of a gate
    that nobody answered it is `stay` where the profile says so, and `retry` where one came in the
    last moment. `note` says who had moved the traffic off the canary, or deployed to the primary.
    `wait_seconds` is how long a deployment that was under way before is left alone.
    """

    next: Literal["revert", "return", "ask", "settle", "retry", "stay"]
    next_attempt: int
    deployment: Started | None = None
    note: str = ""
    settles: int = 0
    wait_seconds: int = Field(default=1, ge=1)


class Closed(Contract):
    """`outcome` is what the execution ends on. `stranded` is 1 when weight may be on the canary."""

    outcome: Outcome
    cause: str
    stranded: int


class RunningRelease(Contract):
    """`stage` is the stage's phase; `since` is in epoch seconds, `weight` the canary's percent.

    `wait` and `ends_on` say what it waits for, `warnings` what its plan took all the same. A
    release that another version of this stack wrote has no more than its execution and its stage.
    """

    execution: str
    alive: bool
    stage: Phase
    since: int | None = None
    weight: int | None = None
    by: str = ""
    wait: int | None = None
    ends_on: list[str] = Field(default=[])
    signal: str | None = None
    splits: dict[str, str] = Field(default={})
    warnings: list[str] = Field(default=[])


class WaitingRelease(Contract):
    """`since` is in epoch seconds; `split` is empty for one that waits because many were started at
    once."""

    execution: str
    since: int
    split: str = ""


class EndedRelease(Contract):
    """`at` is in epoch seconds."""

    execution: str
    outcome: Outcome
    cause: str
    at: int


class Taken(Contract):
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


class ActionAnswer(Contract):
    """`cause` says why the action was not accepted."""

    accepted: bool
    answer: Taken | None = None
    cause: str = ""


class Signalled(Contract):
    """The executions that the signal reached; `refused` says why none."""

    executions: list[str]
    refused: str = ""


class Triggered(Contract):
    """The executions that were started, and those that were promoted."""

    started: list[str] = Field(default=[])
    promoted: list[str] = Field(default=[])


class HttpAnswer(Contract):
    """What a function URL sends back; the keys are Lambda's. See
    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
    """

    status_code: int = Field(serialization_alias="statusCode")
    headers: dict[str, str]
    body: str


class Watched(Contract):
    """How often the releases that bake were looked at, the executions that were told to revert, and
    those that could not be compared."""

    looks: int
    signalled: list[str]
    unseen: list[str]


class Sweep(Contract):
    """`recovered` are execution ARNs; `stranded` says what keeps which split from its rest, `left`
    what is still left of releases that are over."""

    recovered: list[str]
    stranded: list[str]
    left: list[str] = Field(default=[])


class Removed(Contract):
    """The versions that are gone, as `function:version`."""

    removed: list[str]


class Guarded(Contract):
    """What CloudFormation was told: `reason` says why the stack is not deleted."""

    refused: bool
    reason: str = ""
