"""Release: the document that PlanRelease fixes and every later step works from."""

from pydantic import Field

from stepcanary.access import Access
from stepcanary.domain.account import Account
from stepcanary.domain.capacity import Mode, Sizing, cost
from stepcanary.domain.content import Content, spoken
from stepcanary.domain.judging import Judging
from stepcanary.domain.model import Model
from stepcanary.domain.names import Image, TaskDefinitions
from stepcanary.domain.origin import Origin
from stepcanary.domain.profile import Deployment, Promotion, Step, Traffic
from stepcanary.domain.split import SideName


class Side(Model):
    """One ECS service as it was when the release was planned."""

    service: str
    task_definition: str
    """ARN that it ran at rest: what a person needs to go back to."""
    deployment: str = ""
    """Id of the deployment that it was on."""
    content: Content = Field(default={})
    """What its tasks ran; only of the primary, which has some."""
    at_rest: int = Field(default=0, ge=0)
    """Of the canary: how many tasks it had at rest, and has again afterwards."""


class Fled(Model):
    """What a rollback goes back from: the version, for people."""

    version: str


class Release(Model):
    """Everything a step needs; nothing in it changes after PlanRelease."""

    execution: str
    """ARN of the execution that runs this release."""
    service: str
    account: Account | None = None
    """Of its services and routes, where that is not the stack's."""
    cluster: str
    primary: Side
    canary: Side
    canary_tasks: int = Field(ge=1)
    """How many of the canary's tasks carry all traffic."""
    capacity: Mode = "fixed"
    headroom_percent: int = 0
    minimum_tasks: int = 1
    primary_tasks: int = Field(ge=1)
    """How many it had when the release was planned."""
    capacity_grace_seconds: int = 60
    images: dict[str, Image] | None
    task_definitions: TaskDefinitions | None
    traffic: list[Traffic]
    steps: list[Step]
    alarms: list[str]
    judge: Judging | None = None
    holds: int
    deployment: Deployment
    promotion: Promotion
    revert_seconds: int
    keep_failed_seconds: int = 0
    """How long a reverted canary is kept for a person to look at."""
    settle_seconds: int
    drain_seconds: int
    """How long clients may stay on a canary without weight: they are pinned to it, or their
    requests go on."""
    by: str = ""
    """Who started it."""
    origin: Origin = Origin()
    """Where the version comes from, as the request says."""
    fled: Fled | None = None
    """Of a rollback: what it goes back from."""
    pins: Content = Field(default={})
    """Of a rollback: what the version that comes back ran. The canary gets it, in every container
    that has the same tag."""
    may_be_lost: list[str] = Field(default_factory=list)
    """Paths of members of AWS's answers that this stack does not know and may delete."""
    warnings: list[str] = Field(default_factory=list)
    """What the plan takes and a person should know, in sentences."""

    @property
    def access(self) -> Access | None:
        """With what AWS is called about it, whoever does."""
        return self.account.access(self.execution) if self.account else None

    @property
    def elsewhere(self) -> str:
        """The number of the account that it is in; empty where that is the stack's own."""
        own = self.execution.split(":")[4]
        return self.account.number if self.account and self.account.number != own else ""

    @property
    def manual(self) -> bool:
        """True for a manual shift, which takes a lease but releases no version."""
        return self.images is None and self.task_definitions is None

    @property
    def version(self) -> str:
        """What it releases, for people: the images, or the primary's task definition."""
        if self.task_definitions is not None:
            return self.task_definitions.primary.rpartition("/")[2]
        return ", ".join(spoken(image) for image in (self.images or {}).values())

    @property
    def described(self) -> str:
        """The version, and of a rollback the one that it goes back from."""
        return self.version + (f", rolled back from {self.fled.version}" if self.fled else "")

    @property
    def splits(self) -> list[str]:
        """The keys of all splits, the lead first: the order in which every release takes them."""
        return sorted(traffic.key(self.execution) for traffic in self.traffic)

    @property
    def split(self) -> str:
        """The key of the lease: whoever holds it may write all routes of the release."""
        return self.splits[0]

    @property
    def sizing(self) -> Sizing:
        return Sizing(self.capacity, self.canary_tasks, self.headroom_percent, self.minimum_tasks)

    @property
    def return_steps(self) -> list[Step]:
        """Those in which the weights return to the promoted primary, before the last of them."""
        bake = self.promotion.return_bake_seconds
        return [Step(weight=w, bake_seconds=bake) for w in self.promotion.return_weights]

    def step_of(self, weight: int) -> int:
        """The number of the step with this weight; they rise."""
        return next(n for n, step in enumerate(self.steps) if step.weight >= weight)

    def coming_weight(self, weight: int) -> int:
        """The weight of the step after the one with this weight; the last one's is its own."""
        return next((step.weight for step in self.steps if step.weight > weight), max(weight, 1))

    @property
    def cost(self) -> str:
        """What the canary costs, in a sentence."""
        lasts = [(s.weight, s.bake_seconds + self.settle_seconds) for s in self.steps]
        returning = sum(step.bake_seconds + self.settle_seconds for step in self.return_steps)
        return cost(
            self.sizing,
            lasts,
            self.primary_tasks,
            after_seconds=returning + self.settle_seconds + self.drain_seconds,
            kept_seconds=self.keep_failed_seconds,
        )

    def tasks(self, name: SideName) -> int:
        """How many of the side's tasks carry all traffic."""
        return self.primary_tasks if name == "primary" else self.canary_tasks

    def side(self, name: SideName) -> Side:
        return self.primary if name == "primary" else self.canary
