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
    settle_seconds: int = Field(default=30, ge=1, le=600)
    """How long every Envoy may take to follow the route. A function lives 30 s at most, so after
    that no late write of one can come either."""

    @model_validator(mode="after")
    def _two_nodes(self) -> Self:
        if self.primary_node == self.canary_node:
            raise ValueError("primary_node and canary_node must differ")
        return self

    def key(self, execution: str) -> str:
        """Names the split in the ledger: whoever holds this key may write the route.

        An owner that is not named is the account of the execution, so that a profile which names
        it and one which does not mean the same split.
        """
        owner = self.mesh_owner or execution.split(":")[4]
        return "/".join((self.router, owner, self.mesh, self.virtual_router, self.route))


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


class Promotion(Model):
    """How the primary gets the new version, and what a gate does that nobody answers.

    With `approval` the release waits at 100 % for the signal `promote`; `on_timeout` says what
    happens without it. A failed promotion waits for `retry` or `revert`; `on_failure_timeout`
    says what happens then: `stay` leaves all traffic on the canary and asks for a person.
    """

    approval: bool = False
    gate_seconds: int = Field(default=DAY_SECONDS, ge=60, le=DAY_SECONDS)
    on_timeout: Literal["revert", "promote"] = "revert"
    on_failure_timeout: Literal["revert", "stay"] = "revert"


DEFAULT_STEPS = [
    Step(weight=5, bake_seconds=300),
    Step(weight=25, bake_seconds=300),
    Step(weight=50, bake_seconds=300),
    Step(weight=100, bake_seconds=300),
]


class Profile(Model):
    """Shape of the SSM parameter `<prefix>/<service>`, and of a request's inline `profile`.

    `alarms` has no default: `[]` says aloud that nothing but time judges the canary.
    `holds` is how often one step's bake is repeated while an alarm has no data. `revert_seconds`
    is how long a revert that AWS refuses is tried again before a person is called.
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
    promotion: Promotion = Promotion()
    revert_seconds: int = Field(default=900, ge=60, le=7_200)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.primary == self.canary:
            raise ValueError("primary and canary must be two ECS services")
        weights = [step.weight for step in self.steps]
        for before, after in pairwise(weights):
            if after <= before:
                raise ValueError(f"steps must rise: weight {after} comes after {before}")
        gates = (1 + self.promotion.approval) * self.promotion.gate_seconds
        longest = sum(step.bake_seconds for step in self.all_steps) * (1 + self.holds) + gates
        if longest > LONGEST_ROLLOUT_SECONDS:
            raise ValueError(
                f"the bakes with every hold, and the gates, last {longest} s, over"
                f" {LONGEST_ROLLOUT_SECONDS} s; shorten bake_seconds or gate_seconds, or lower"
                " holds"
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
