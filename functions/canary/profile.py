"""Profile: what the stack knows about a service before a release of it is asked for."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from canary.model import Model

DAY_SECONDS = 86_400
LONGEST_ROLLOUT_SECONDS = 6 * DAY_SECONDS
"""A CodePipeline action waits seven days at most; a release must end before that."""

MOST_CHECKS = 720
"""Each check of a deployment costs about 10 of an execution's 25,000 history events."""

Name = Annotated[str, Field(min_length=1, max_length=255)]


class Step(Model):
    """Percent of the traffic that the canary gets, and how long it must hold up with it."""

    weight: int = Field(ge=1, le=100)
    bake_seconds: int = Field(default=300, ge=0, le=DAY_SECONDS)


class AppMeshTraffic(Model):
    """An App Mesh route whose weighted targets include the two virtual nodes."""

    router: Literal["appmesh"]
    mesh: Name
    virtual_router: Name
    route: Name
    primary_node: Name
    canary_node: Name
    mesh_owner: str | None = Field(default=None, pattern=r"^[0-9]{12}$")

    @model_validator(mode="after")
    def _two_nodes(self) -> Self:
        if self.primary_node == self.canary_node:
            raise ValueError("primary_node and canary_node must differ")
        return self

    @property
    def key(self) -> str:
        """Names the split in the ledger: whoever holds this key may write the route."""
        parts = (self.mesh_owner or "-", self.mesh, self.virtual_router, self.route)
        return "/".join((self.router, *parts))


Traffic = AppMeshTraffic


class Deployment(Model):
    """How long an ECS deployment may take, and how often it is looked at."""

    deadline_seconds: int = Field(default=900, ge=10, le=7_200)
    check_seconds: int = Field(default=10, ge=1, le=300)

    @model_validator(mode="after")
    def _bounded_history(self) -> Self:
        if self.deadline_seconds > self.check_seconds * MOST_CHECKS:
            raise ValueError(
                f"deadline_seconds may be at most {MOST_CHECKS} times check_seconds;"
                " raise check_seconds"
            )
        return self


DEFAULT_STEPS = [
    Step(weight=5, bake_seconds=300),
    Step(weight=25, bake_seconds=300),
    Step(weight=50, bake_seconds=300),
    Step(weight=100, bake_seconds=300),
]


class Profile(Model):
    """Shape of the SSM parameter `<prefix>/<service>`, and of a request's inline `profile`.

    `alarms` has no default: `[]` says aloud that nothing but time judges the canary.
    `holds` is how often one step's bake is repeated while an alarm has no data.
    """

    cluster: Name
    primary: Name
    canary: Name
    traffic: list[Traffic] = Field(min_length=1, max_length=1)
    alarms: list[Name] = Field(max_length=50)
    steps: list[Step] = Field(default=DEFAULT_STEPS, min_length=1, max_length=50)
    holds: int = Field(default=3, ge=0, le=10)
    canary_tasks: int | None = Field(default=None, ge=1, le=5_000)
    deployment: Deployment = Deployment()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.primary == self.canary:
            raise ValueError("primary and canary must be two ECS services")
        weights = [step.weight for step in self.steps]
        for before, after in pairwise(weights):
            if after <= before:
                raise ValueError(f"steps must rise: weight {after} comes after {before}")
        longest = sum(step.bake_seconds for step in self.all_steps) * (1 + self.holds)
        if longest > LONGEST_ROLLOUT_SECONDS:
            raise ValueError(
                f"the bakes with every hold last {longest} s, over"
                f" {LONGEST_ROLLOUT_SECONDS} s; shorten bake_seconds or lower holds"
            )
        if len(set(self.alarms)) != len(self.alarms):
            raise ValueError("alarms names one alarm twice")
        return self

    @property
    def all_steps(self) -> list[Step]:
        """The steps, always up to 100: promotion replaces a primary that serves nothing."""
        if self.steps[-1].weight == 100:
            return self.steps
        return [*self.steps, Step(weight=100, bake_seconds=self.steps[-1].bake_seconds)]
