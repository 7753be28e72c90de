"""Picture: a release as it stands, or as it ended, drawn from what the ledger has of it.

It has no truth of its own: the same evidence gives the same picture, while the release runs and a
year later. Times are in epoch milliseconds, but where a name says seconds.
"""

from typing import Literal

from pydantic import Field

from stepcanary.domain.judged import Judged, MetricSeen
from stepcanary.domain.model import Model
from stepcanary.domain.moments import WaitKind
from stepcanary.domain.signals import Signal
from stepcanary.domain.split import SideName

Phase = Literal["opening", "rollout", "promotion", "restoring", "returning", "over"]
StepState = Literal["past", "now", "to come", "left out"]


class Weight(Model):
    """The canary's percent from a time on."""

    at: int
    weight: int


class Wait(Model):
    """What a release has waited for. `until` is when its time is over, `ended_at` is None for one
    that goes on, and `ended_by` is the signal that has ended it, if one has."""

    kind: WaitKind
    at: int
    until: int
    ended_at: int | None = None
    ended_by: str = ""


class StepSeen(Model):
    """A step of the rollout, or of the way back to the promoted primary. `at` is when its weight
    was read back. `share` is what part of the requests the canary had then, as its metrics count
    them; None where nobody has counted."""

    weight: int
    settle_seconds: int
    bake_seconds: int
    approval: bool = False
    tasks: int | None = None
    """How many of the canary's tasks carry it."""
    state: StepState
    at: int | None = None
    ended_at: int | None = None
    share: float | None = None
    waits: list[Wait] = Field(default=[])
    verdicts: list[Judged] = Field(default=[])


class Waiting(Model):
    """What it waits for right now. `ends_on` are the signals that it takes; `wait` names it, so
    that one of them can mean this wait and no later one."""

    kind: WaitKind
    since: int
    until: int
    wait: int
    ends_on: list[str] = Field(default=[])

    @property
    def is_for_a_person(self) -> bool:
        return self.kind in ("pause", "gate", "failed")


class Tasks(Model):
    """Of a side's ECS service, as it is now."""

    service: str
    revision: str
    desired: int
    running: int


class Deployed(Model):
    """What the release has deployed to a side. `steady_at` is None until it was seen complete, and
    of the primary where its traffic has not been returned to it. `replaced_at` is when that side
    got another revision."""

    side: SideName
    revision: str
    at: int
    steady_at: int | None = None
    replaced_at: int | None = None


class Said(Model):
    """Something that was decided or found, in a sentence, and by whom."""

    at: int
    source: Literal["verdict", "signal", "foreign", "failure"]
    """Foreign is what somebody else was found to have written, failure what has ended a
    promotion."""
    what: str = ""
    """What follows the verdict, or the kind of the signal."""
    reason: str = ""
    by: str = ""


class Exposure(Model):
    """What it has cost so far: the canary's requests and its bad answers, by the metric that has
    counted most of them; how many more bad answers there are than the primary would have given, or
    a log's limit allows, and how many are left until that reverts, by the metric that has the
    fewest left."""

    metric: str
    requests: int
    failed: int
    new_requests: int = 0
    """What the primary has answered with the version once it had weight, where a log counts it."""
    new_failed: int = 0
    bounded: str = ""
    """The metric with a budget; left out, it is the same one."""
    whole: bool = False
    """Whether these are all from its first weight to its last one, which is known a while after the
    end. Before that they are what the judge has compared, which the excess always is."""
    excess: float | None = None
    budget: float | None = None
    left: float | None = None

    @property
    def is_by_two(self) -> bool:
        """Whether one metric has counted it and another one has the budget."""
        return self.bounded not in ("", self.metric)


class ImageChange(Model):
    """Of a container; `before` is empty where that is not known."""

    container: str
    before: str
    after: str


class Returning(Model):
    """The return of all weight to the primary: when it began, the weights that were read back, and
    when they were read at rest once more."""

    began_at: int
    reads: list[Weight] = Field(default=[])
    rested_at: int | None = None


class Picture(Model):
    """All that is seen of one release."""

    drawn_at: int
    execution: str
    service: str
    by: str = ""
    before: str = ""
    """The version that the primary served before, for people."""
    version: str = ""
    """The one that is released."""
    rolled_back_from: str = ""
    """Of a rollback: the version that it goes back from."""
    phase: Phase
    alive: bool = True
    """Whether its execution may still act; of one that is over it says nothing."""
    outcome: str = ""
    """Running, or what it ended on."""
    cause: str = ""
    started_at: int
    ended_at: int | None = None
    weight: int | None = None
    """The canary's percent that was last read back."""
    step: int | None = None
    """Which of the steps it is at, from 0."""
    steps: list[StepSeen] = Field(default=[])
    return_steps: list[StepSeen] = Field(default=[])
    left_seconds: int | None = None
    """How long the steps go on if nothing holds them; None where a person decides, or after
    them."""
    planned: list[Weight] = Field(default=[])
    """The weights as they come if nothing holds them: each settles and bakes as the release has it,
    and the next one follows at once."""
    planned_until: int | None = None
    """When the last of these bakes is over; how long the promotion takes then is in no plan."""
    weights: list[Weight] = Field(default=[])
    """Those that were read back."""
    waits: list[Wait] = Field(default=[])
    """Those of no step: after a promotion that has failed."""
    waiting: Waiting | None = None
    metrics: list[MetricSeen] = Field(default=[])
    """What both sides have counted so far."""
    exposure: Exposure | None = None
    signals: list[Signal] = Field(default=[])
    last: Said | None = None
    """What was decided last."""
    failures: list[Said] = Field(default=[])
    """What has ended its promotions."""
    foreign: list[Said] = Field(default=[])
    """What somebody else was found to have written."""
    tasks: dict[SideName, Tasks] = Field(default={})
    routes: dict[str, str] = Field(default={})
    """By route, how it divides the requests now; only of one that runs."""
    deployed: list[Deployed] = Field(default=[])
    images: list[ImageChange] = Field(default=[])
    changes: list[str] = Field(default=[])
    """What else of the task definition changes, without values that may be secret."""
    returning: Returning | None = None
    warnings: list[str] = Field(default=[])
    alarms: list[str] = Field(default=[])
