"""Questions: what people ask about services and releases, and what they are answered.

The answers are what `stepcanary --json` prints, so their keys stay what they are; new ones may
come. Times are in epoch seconds.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny

from stepcanary.contracts.actions import EndedRelease, RunningRelease, WaitingRelease
from stepcanary.domain.comparison import Row
from stepcanary.domain.content import Content
from stepcanary.domain.delivery import Delivery
from stepcanary.domain.exposure import Assumed
from stepcanary.domain.identifiers import Like
from stepcanary.domain.judging import Judging
from stepcanary.domain.model import Document, Model
from stepcanary.domain.names import ServiceName
from stepcanary.domain.outcome import Outcome
from stepcanary.domain.picture import Picture
from stepcanary.domain.preview import PreviewStep, Source
from stepcanary.domain.profile import Step
from stepcanary.domain.ramp import Ramp
from stepcanary.domain.stage import Phase

PageMark = Annotated[
    str,
    Field(max_length=400),
    Like(
        r"(release#[0-9]{12}#\S+|day#\d{4}-\d\d-\d\d#(\d{12}#\S+)?)?",
        "release#001795716620#release-shop-1",
        ", as the page before has answered it, or empty for the first page",
    ),
]


class StatusQuestion(Model):
    """How a service stands; without a service, everything that is not at rest."""

    question: Literal["status"]
    service: ServiceName | None = None


class HistoryQuestion(Model):
    """The last releases of a service; without one those of all services. `since` is a day, by UTC;
    left out, it is seven days ago for all services. `after` is what the page before has
    answered."""

    question: Literal["history"]
    service: ServiceName | None = None
    since: Annotated[
        str, Field(max_length=10), Like(r"(\d{4}-\d\d-\d\d)?", "2026-11-20", ", a day, or empty")
    ] = ""
    after: PageMark = ""


class ShowQuestion(Model):
    """One release, by its execution's ARN or name; by a service the one that runs, or its last."""

    question: Literal["show"]
    release: str = Field(min_length=1, max_length=400)


class CheckQuestion(Model):
    """What a release would be refused for; `request` is as an execution's input. Without images and
    task definitions it is about what any release of the service needs."""

    question: Literal["check"]
    request: Any


class PreviewQuestion(Model):
    """What a release would be like; `request` is as of a check. With a `budget` it proposes a ramp
    over which an outage costs no more failed requests."""

    question: Literal["preview"]
    request: Any
    budget: int | None = Field(default=None, ge=1, le=10_000_000_000)


class CountsQuestion(Model):
    """What the primary has answered in a day that ends `before` a second, by default now, for a
    replay. `request` is as of a check without a version. `judge` is what the page before has
    answered."""

    question: Literal["counts"]
    request: Any
    before: int | None = Field(default=None, ge=0)
    judge: Judging | None = None


class RowsQuestion(Model):
    """What both sides of a release have counted. `after` is what the page before has answered."""

    question: Literal["rows"]
    release: str = Field(min_length=1, max_length=400)
    after: str = Field(default="", max_length=400)


class VersionQuestion(Model):
    """Which version the stack is."""

    question: Literal["version"]


class StackVersion(Model):
    version: str


class ServiceStatus(Model):
    """`summary` is a sentence; `splits` has the weights by the route's name, where none runs."""

    service: str
    summary: str
    running: list[RunningRelease] = Field(default=[])
    waiting: list[WaitingRelease] = Field(default=[])
    splits: dict[str, str] = Field(default={})
    last: EndedRelease | None = None


class Holder(Model):
    """A release that holds a split. `needs` says what a person has to do, where somebody has."""

    execution: str
    split: str
    service: str = ""
    by: str = ""
    alive: bool
    stage: Phase
    since: int
    weight: int
    wait: int | None = None
    ends_on: list[str] = Field(default=[])
    needs: str = ""


class Waiter(Model):
    """A release that waits for a split, or an execution that has not begun: it has no `split`."""

    execution: str
    service: str = ""
    split: str = ""
    since: int | None = None


class StackStatus(Model):
    """Everything that is not at rest. `stranded` are splits whose release has ended and whose
    weight may be on the canary; `moved` are splits that somebody has moved while nothing runs."""

    running: list[Holder] = Field(default=[])
    waiting: list[Waiter] = Field(default=[])
    stranded: list[Holder] = Field(default=[])
    moved: list[str] = Field(default=[])


class PastRelease(Model):
    """`ended_at` and `seconds` are None while it runs. `by` is empty for one that an older version
    of the stack has closed. `commit`, `pushed_at` and `link` are what its request said.
    `restored_seconds` is how long it took from a doubt until the primary had all traffic again."""

    execution: str
    service: str
    outcome: Outcome
    cause: str
    by: str = ""
    started_at: int
    ended_at: int | None = None
    seconds: int | None = None
    rollback: bool = False
    commit: str | None = None
    pushed_at: str | None = None
    link: str | None = None
    restored_seconds: int | None = None


class History(Model):
    """The newest first; `after` goes on from there, None on the last page. `service` is empty where
    it is of all. `delivery` and its `summary` are of the releases of this page."""

    service: str
    releases: list[PastRelease]
    after: str | None = None
    delivery: Delivery = Delivery()
    summary: str = ""


class StoryEvent(Model):
    """What happened within a release, `at` in epoch milliseconds."""

    at: int
    kind: str
    detail: Document


class ReleaseStory(Model):
    """All that the ledger has of a release: `plan` is its document, `content` what its primary got.
    `now` is how it stands while it runs. `picture` has what all of it comes to. Who may assume a
    role is not said."""

    execution: str
    service: str
    past: PastRelease | None = None
    now: RunningRelease | None = None
    plan: Document | None = None
    content: Content = Field(default={})
    events: list[StoryEvent] = Field(default=[])
    picture: Picture | None = None


class Checked(Model):
    """`findings` are what a release would be refused for, `warnings` what it would take all the
    same. `cost` says what the canary adds. `sources` are what sees an outage, and how soon."""

    service: str
    releasable: bool
    findings: list[str] = Field(default=[])
    warnings: list[str] = Field(default=[])
    cost: str = ""
    sources: list[Source] = Field(default=[])


class CheckAnswer(Model):
    """What a check has found; nothing where all is well."""

    asked: str
    findings: list[str] = Field(default=[])


class Previewed(Checked):
    """With `answers` of each check. `seconds` is how long the steps, and the return of the weights,
    last that nothing holds, and `longest` how long with all holds and gates. `steps` say what an
    outage costs at most under the `traffic` that is assumed, and nothing where none is known.
    `ramp` is what is proposed for a budget, `notes` what a
    person should know of these numbers."""

    answers: list[CheckAnswer] = Field(default=[])
    seconds: int = 0
    longest: int = 0
    primary_tasks: int = 0
    traffic: Assumed | None = None
    steps: list[PreviewStep] = Field(default=[])
    ramp: Ramp | None = None
    notes: list[str] = Field(default=[])


class PrimaryCounts(Model):
    """By metric, the requests of the primary in the minute that begins at a second, and how many
    had bad answers: `[second, requests, bad]`; `zones` has the same by zone, where metrics are kept
    by zone. They go on `before` this second. `judge` has what the plan would fill in."""

    service: str
    judge: Judging
    steps: list[Step]
    settle_seconds: int
    minutes: dict[str, list[tuple[int, int, int]]]
    zones: dict[str, dict[str, list[tuple[int, int, int]]]] = Field(default={})
    before: int
    notes: list[str] = Field(default=[])


class ReleaseRows(Model):
    """`after` goes on from there, None on the last page; `steps` is how many the release had, and
    `logged` are its metrics of logs, which are in no row."""

    execution: str
    steps: int
    rows: list[Row]
    logged: list[str] = Field(default=[])
    after: str | None = None


class QuestionAnswer(Model):
    """`cause` says why the question was not accepted; `version` is the stack's."""

    accepted: bool
    version: str
    answer: SerializeAsAny[Model] | None = None
    cause: str = ""
