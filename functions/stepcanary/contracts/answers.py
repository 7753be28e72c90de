"""Answers: what each function gives back, to the state machine or to whoever invoked it.

`Started` of a deployment and `Progress` of a verdict are answers too; the domain has them, because
its rules work with them. Every `next` is a Literal, and a test holds the definition's conditions
against it.
"""

import gc
from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, TypeVar, cast

from pydantic import BaseModel, Field

from stepcanary.access import Access, entered
from stepcanary.domain.deployment import Started
from stepcanary.domain.model import Document, Model
from stepcanary.domain.outcome import Outcome
from stepcanary.domain.release import Release

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


class LinesCounted(Model):
    """The executions that a batch of lines was counted for, and those that were signalled."""

    executions: list[str]
    signalled: list[str]


class Nothing(Model):
    """The act is all there is."""


class PlanAnswer(Model):
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


class OpenAnswer(Model):
    """`again` where another release was faster, so that the plan has to be made again."""

    accepted: bool
    again: bool = False
    fence: int | None = None
    cause: str = ""


class SteadyAnswer(Model):
    """`deployment` is what the next check gets, after `wait_seconds`. `serves` says that a primary
    which gets its old version back is to have the traffic before it is steady."""

    steady: bool
    serves: bool = False
    deployment: Started
    wait_seconds: int = Field(ge=1)


class ShiftAnswer(Model):
    """The canary's percent, and how long it must hold up with it."""

    weight: int
    bake_seconds: int = Field(ge=1)


class Attempt(Model):
    """One attempt at a revert. `next` is `confirm` when the split is at rest, `again` after
    `wait_seconds`, or `give_up`; `cause` says what stood in the way."""

    next: Literal["confirm", "again", "give_up"]
    wait_seconds: int = 0
    note: str = ""
    cause: str = ""


class Rest(Model):
    """`next` is `retire` when the split was found at rest, else `again` after settling.

    The canary is retired after `drain_seconds`. It is `restore` when an alarm has fired, as `note`
    says, while the router followed the weights back to the new version. `corrections` counts how
    often the split was not at rest; `note` says who else wrote.
    """

    next: Literal["retire", "again", "restore"]
    corrections: int
    note: str = ""
    drain_seconds: int = 0


class Restored(Model):
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


class Closed(Model):
    """`outcome` is what the execution ends on. `stranded` is 1 when weight may be on the canary."""

    outcome: Outcome
    cause: str
    stranded: int


class Signalled(Model):
    """The executions that the signal reached; `refused` says why none."""

    executions: list[str]
    refused: str = ""


class Triggered(Model):
    """The executions that were started, and those that were promoted."""

    started: list[str] = Field(default=[])
    promoted: list[str] = Field(default=[])


class HttpAnswer(Model):
    """What a function URL sends back; the keys are Lambda's. See
    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
    """

    status_code: int = Field(serialization_alias="statusCode")
    headers: dict[str, str]
    body: str


class Watched(Model):
    """How often the releases that bake were looked at, the executions that were told to revert, and
    those that could not be compared."""

    looks: int
    signalled: list[str]
    unseen: list[str]


class Sweep(Model):
    """`recovered` are execution ARNs; `stranded` says what keeps which split from its rest, `left`
    what is still left of releases that are over."""

    recovered: list[str]
    stranded: list[str]
    left: list[str] = Field(default=[])


class Removed(Model):
    """The versions that are gone, as `function:version`."""

    removed: list[str]


class Guarded(Model):
    """What CloudFormation was told: `reason` says why the stack is not deleted."""

    refused: bool
    reason: str = ""
