"""Release: the document that PlanRelease fixes and every later step works from."""

from pydantic import Field

from stepcanary.domain.content import Content, spoken
from stepcanary.domain.model import Model
from stepcanary.domain.profile import Deployment, Promotion, Step, Traffic
from stepcanary.domain.request import Image, TaskDefinitions
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


class Fled(Model):
    """What a rollback goes back from: the version, for people."""

    version: str


class Release(Model):
    """Everything a step needs; nothing in it changes after PlanRelease."""

    execution: str
    """ARN of the execution that runs this release."""
    service: str
    cluster: str
    primary: Side
    canary: Side
    canary_tasks: int = Field(ge=1)
    primary_tasks: int = Field(ge=1)
    """How many it had when the release was planned."""
    capacity_grace_seconds: int = 60
    images: dict[str, Image] | None
    task_definitions: TaskDefinitions | None
    traffic: list[Traffic]
    steps: list[Step]
    alarms: list[str]
    holds: int
    deployment: Deployment
    promotion: Promotion
    revert_seconds: int
    settle_seconds: int
    drain_seconds: int
    """How long clients may stay on a canary without weight, because they are pinned to it."""
    by: str = ""
    """Who started it."""
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

    def tasks(self, name: SideName) -> int:
        """How many of the side's tasks carry all traffic."""
        return self.primary_tasks if name == "primary" else self.canary_tasks

    def side(self, name: SideName) -> Side:
        return self.primary if name == "primary" else self.canary
