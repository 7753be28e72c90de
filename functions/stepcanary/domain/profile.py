"""Profile: what the stack knows about a service before any release of it."""

from itertools import pairwise
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from stepcanary.access import Access
from stepcanary.domain import history
from stepcanary.domain.account import Account
from stepcanary.domain.capacity import HEADROOM_PERCENT, Sizing
from stepcanary.domain.identifiers import (
    AlbListener,
    AlbRule,
    AlbTargetGroup,
    LatticeListener,
    LatticeRule,
    LatticeService,
    LatticeTargetGroup,
    lattice_id,
)
from stepcanary.domain.judging import Judging
from stepcanary.domain.model import Model, SchemaUri
from stepcanary.domain.names import AccountId, Container, Pattern, SlackUser
from stepcanary.domain.periods import MINUTE

DAY_SECONDS = 86_400
LONGEST_ROLLOUT_SECONDS = 6 * DAY_SECONDS
"""A CodePipeline action waits seven days at most; a release must end before that."""

MOST_SPLITS = 10
"""A function reads, writes and reads back each of them within its 30 s."""

Name = Annotated[str, Field(min_length=1, max_length=255)]


class Step(Model):
    """Percent of the traffic that the canary gets, and how long it must hold up with it."""

    weight: int = Field(ge=1, le=100)
    """The percent of the traffic that the canary gets."""
    bake_seconds: int = Field(default=300, ge=0, le=DAY_SECONDS)
    """How long it must hold up with it, counted from when the router has followed."""
    approval: bool = False
    """Whether a gate follows the bake, at which the release waits for somebody to resume it."""


class PlannedTraffic(Model):
    """What all routers have in common, and a release adds where the profile leaves it out."""

    rest_weight: SkipJsonSchema[int | None] = None
    """The primary's weight in a route that does not list the canary while no release runs: what
    returning brings back. PlanRelease finds it, since only the route at rest can tell; it travels
    in the release because a router remembers nothing from one function to the next."""

    drain_seconds: int | None = Field(default=None, ge=0, le=DAY_SECONDS)
    """How long the canary keeps its tasks once it has no weight; PlanRelease asks the router where
    the profile says nothing."""


class AppMeshTraffic(PlannedTraffic):
    """An App Mesh route whose weighted targets include the two virtual nodes."""

    router: Literal["appmesh"]
    """App Mesh."""
    mesh: Name
    """The mesh's name."""
    virtual_router: Name
    """The virtual router's name."""
    route: Name
    """The name of the route whose weights are moved."""
    primary_node: Name
    """The virtual node of the primary."""
    canary_node: Name
    """The virtual node of the canary."""
    mesh_owner: AccountId | None = None
    """The account that owns the mesh, if it is not the stack's."""
    settle_seconds: int = Field(default=35, ge=1, le=600)
    """How long every Envoy may take to follow the route. A function lives 30 s at most, so after
    the default no late write of one can come either."""

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


class AlbTraffic(PlannedTraffic):
    """A rule of an Application Load Balancer, or a listener's default action.

    Its forward action lists the primary's target group. It may lack the canary's, where that one
    is listed by another rule of the load balancer: targets of a group in no rule are not checked.
    """

    router: Literal["alb"]
    """Application Load Balancer."""
    listener_rule: AlbRule | None = None
    """The ARN of the rule whose weights are moved; or `listener`."""
    listener: AlbListener | None = None
    """The ARN of the listener whose default action has the weights; or `listener_rule`."""
    primary_target_group: AlbTargetGroup
    """The ARN of the primary's target group."""
    canary_target_group: AlbTargetGroup
    """The ARN of the canary's target group."""
    accept_stickiness: bool = False
    """Whether it may be: clients that are pinned to the canary stay there at weight 0 until their
    cookie ends."""
    settle_seconds: int = Field(default=35, ge=1, le=600)
    """How long the load balancer's nodes may take to follow. They do within seconds; a function
    lives 30 s at most, so after the default no late write of one can come either."""

    @model_validator(mode="after")
    def _one_rule_two_groups(self) -> Self:
        if (self.listener_rule is None) == (self.listener is None):
            raise ValueError("give either listener_rule, or listener for its default action")
        if self.primary_target_group == self.canary_target_group:
            raise ValueError("primary_target_group and canary_target_group must differ")
        return self

    @property
    def arn(self) -> str:
        return self.listener_rule or self.listener or ""

    def key(self, _execution: str) -> str:
        """The ARN is the only name there is: a default rule's own ARN is refused."""
        return f"{self.router}/{self.arn}"


class LatticeTraffic(PlannedTraffic):
    """A rule of a VPC Lattice listener, or without `rule` the listener's default action."""

    router: Literal["lattice"]
    """VPC Lattice."""
    service: LatticeService
    """The id or ARN of the Lattice service."""
    listener: LatticeListener
    """The id or ARN of its listener."""
    rule: LatticeRule | None = None
    """The id or ARN of the rule whose weights are moved; without it, it is the default action."""
    primary_target_group: LatticeTargetGroup
    """The id or ARN of the primary's target group."""
    canary_target_group: LatticeTargetGroup
    """The id or ARN of the canary's target group."""
    settle_seconds: int = Field(default=90, ge=1, le=600)
    """How long Lattice may take to follow; ECS's own deployments wait as long."""

    @model_validator(mode="after")
    def _one_rule_two_groups(self) -> Self:
        if lattice_id(self.primary_target_group) == lattice_id(self.canary_target_group):
            raise ValueError("primary_target_group and canary_target_group must differ")
        # Two splits for one rule would be two leases: whatever an ARN names must agree.
        listener = f":service/{lattice_id(self.service)}/listener/{lattice_id(self.listener)}"
        if ":" in self.listener and not self.listener.endswith(listener):
            raise ValueError("listener is of another service; mend one of the two")
        if self.rule and ":" in self.rule and f"{listener}/" not in self.rule:
            raise ValueError("rule is of another service or listener; mend one of them")
        return self

    def key(self, _execution: str) -> str:
        """By ids, so that a profile which gives ARNs and one which does not mean the same split."""
        rule = lattice_id(self.rule) if self.rule else "default"
        return "/".join((self.router, lattice_id(self.service), lattice_id(self.listener), rule))


AnyTraffic = AppMeshTraffic | AlbTraffic | LatticeTraffic
Traffic = Annotated[AnyTraffic, Field(discriminator="router")]
ROUTERS = [get_args(kind.model_fields["router"].annotation)[0] for kind in get_args(AnyTraffic)]


def _as_written(traffic: Traffic) -> Traffic:
    if "rest_weight" in traffic.model_fields_set:
        raise ValueError("rest_weight is for PlanRelease to find; remove it")
    return traffic


class Deployment(Model):
    """How long an ECS deployment may take, and how often it is looked at."""

    deadline_seconds: int = Field(default=1_800, ge=10, le=7_200)
    """How long it may take, and how long a step or a promotion waits for tasks. The default is
    enough for a rolling deployment in four batches, each of which starts its tasks in two minutes
    and waits the 300 s of a target group's own deregistration delay."""
    check_seconds: int = Field(default=15, ge=1, le=300)
    """How long until the first look; those after it come further apart."""


class Promotion(Model):
    """How the primary gets the new version, and what a gate does that nobody answers."""

    approval: bool = False
    """Whether the release waits at 100 % for the signal `promote`."""
    gate_seconds: int = Field(default=DAY_SECONDS, ge=60, le=DAY_SECONDS)
    """How long a gate or a pause waits for somebody."""
    return_weights: list[Annotated[int, Field(ge=1, le=99)]] = Field(default=[], max_length=20)
    """Falling weights of the canary over which the traffic returns to the promoted primary, each
    of which is baked and judged as a step is; without any it returns at once."""
    return_bake_seconds: int = Field(default=60, ge=1, le=DAY_SECONDS)
    """How long each of `return_weights` is baked."""
    on_timeout: Literal["revert", "promote"] = "revert"
    """What happens when nobody answers the gate before promotion, that of a step, or a pause."""
    on_failure_timeout: Literal["revert", "stay"] = "revert"
    """What happens when nobody answers a failed promotion, which waits for `retry` or `revert`:
    `stay` leaves all traffic on the canary and asks for a person."""


SlackAction = Literal[
    "status",
    "release",
    "rollback",
    "promote",
    "revert",
    "retry",
    "skip",
    "pause",
    "resume",
    "shift",
    "withdraw",
]


class Triggers(Model):
    """Which ECR pushes and pipelines are about this service. Tags are matched as `fnmatch` does."""

    repository: Name
    """The name of the ECR repository whose pushes are about the service."""
    container: Container
    """The container that gets the image that was pushed."""
    release_tags: list[Name] = Field(default=[], max_length=20)
    """Patterns of the tags whose push starts a release."""
    promote_tags: list[Name] = Field(default=[], max_length=20)
    """Patterns of the tags whose push promotes the release that runs."""
    promote_pipelines: list[Name] = Field(default=[], max_length=20)
    """Names of the pipelines whose success promotes the release that runs."""


DEFAULT_STEPS = [
    Step(weight=1, bake_seconds=300),
    Step(weight=5, bake_seconds=240),
    Step(weight=20, bake_seconds=210),
    Step(weight=50, bake_seconds=210),
    Step(weight=100, bake_seconds=180),
]
"""Chosen by `make bench-exposure`: long where a bad canary reaches few."""


class Profile(Model):
    """Shape of the SSM parameter `<prefix>/<service>`, and of a request's inline `profile`."""

    json_schema: SchemaUri = ""
    """The path or URL of this schema, for editors; it changes nothing."""
    account: Account | None = None
    """Where all of it is, if not in the account of the stack."""
    cluster: Name
    """The name of the ECS cluster in which both services are."""
    primary: Name
    """The ECS service that serves while no release runs."""
    canary: Name
    """The ECS service that gets the new version first; it needs no task while no release runs."""
    traffic: list[Annotated[Traffic, AfterValidator(_as_written)]] = Field(
        min_length=1, max_length=MOST_SPLITS
    )
    """The splits that move together, each of any router."""
    alarms: list[Name] = Field(max_length=50)
    """The names of the CloudWatch alarms that judge the canary. There is no default: with `[]`
    nothing but time judges it, unless there is a judge."""
    judge: Judging | None = None
    """How the counts of both sides are compared; `{}` is enough. Without it only alarms judge."""
    steps: list[Step] = Field(default=DEFAULT_STEPS, min_length=1, max_length=50)
    """Over which rising weights the traffic goes to the canary; one of 100 is added if it lacks."""
    holds: int = Field(default=3, ge=0, le=10)
    """How often one step's bake is repeated while an alarm has no data, the judge is undecided or
    its log cannot be brought."""
    capacity: Literal["proportional", "full"] = "proportional"
    """How large the canary is: it grows with its weight, or has all tasks from the start."""
    headroom_percent: int = Field(default=HEADROOM_PERCENT, ge=0, le=200)
    """How much larger than its share of the primary a proportional canary is."""
    minimum_tasks: int = Field(default=1, ge=1, le=5_000)
    """How many tasks a proportional canary has at least."""
    canary_tasks: int | None = Field(default=None, ge=1, le=5_000)
    """A fixed count of tasks instead, which carries all traffic at 100 %."""
    capacity_grace_seconds: int = Field(default=60, ge=0, le=600)
    """How long the canary may have fewer tasks than its weight needs, as long as it has some."""
    deployment: Deployment = Deployment()
    """How long an ECS deployment may take, and how often it is looked at."""
    promotion: Promotion = Promotion()
    """How the primary gets the new version, and what a gate does that nobody answers."""
    revert_seconds: int = Field(default=900, ge=60, le=7_200)
    """How long a revert that AWS refuses is tried again before a person is called."""
    keep_failed_seconds: int = Field(default=0, ge=0, le=DAY_SECONDS)
    """How long a canary that was reverted keeps its tasks, without weight, for a person to look
    at."""
    concurrency: Literal["reject", "supersede", "queue"] = "reject"
    """What becomes of a release while another has its split: it is refused, it has the other
    reverted, or it waits, and only the newest one that waits goes on."""
    repositories: list[Pattern] = Field(default=[], max_length=20)
    """Patterns of what its images may come from; without any, each container's come from where its
    image comes from by now."""
    triggers: Triggers | None = None
    """Which ECR pushes and pipelines release and promote the service."""
    slack_users: dict[SlackAction, list[SlackUser]] = Field(default={})
    """The Slack member ids of who may do what; `*` is everybody, and who is not listed may not."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.primary == self.canary:
            raise ValueError("primary and canary must be two ECS services")
        weights = [step.weight for step in self.steps]
        for before, after in pairwise(weights):
            if after <= before:
                raise ValueError(f"steps must rise: weight {after} comes after {before}")
        approvals = sum(step.approval for step in self.steps) + self.promotion.approval
        approvals += self._judge_may_ask(approvals)
        gates = (1 + approvals) * self.promotion.gate_seconds
        back = len(self.promotion.return_weights)
        bakes = sum(step.bake_seconds for step in self.all_steps)
        bakes += back * self.promotion.return_bake_seconds
        steps = len(self.all_steps) + back
        longest = bakes * (1 + self.holds) + steps * self.settle_seconds + gates
        if longest > LONGEST_ROLLOUT_SECONDS:
            raise ValueError(
                f"the bakes with every hold, and the gates, last {longest} s, over"
                f" {LONGEST_ROLLOUT_SECONDS} s; shorten bake_seconds or gate_seconds, or lower"
                " holds"
            )
        for before, after in pairwise(self.promotion.return_weights):
            if after >= before:
                raise ValueError(
                    f"promotion.return_weights must fall: weight {after} comes after {before}"
                )
        self._check_periods()
        self._check_owners()
        self._check_sizes()
        if len(set(self.alarms)) != len(self.alarms):
            raise ValueError("alarms names one alarm twice")
        # Not in `Deployment`: that is read from the ledger as well, as it was once allowed.
        if self.deployment.check_seconds > self.deployment.deadline_seconds:
            raise ValueError(
                "deployment.check_seconds is over deployment.deadline_seconds, so a deployment"
                " would be overdue before it is looked at; lower check_seconds"
            )
        self._check_history(approvals)
        return self

    def _judge_may_ask(self, approvals: int) -> bool:
        """Whether the judge may open a gate of its own, before the promotion."""
        if self.judge is None:
            return False
        undecided = self.judge.undecided
        return undecided == "gate" or (undecided is None and approvals > 0)

    def _check_periods(self) -> None:
        """Load balancers have a count for each minute; an agent may publish Envoy's sooner."""
        minutely = {t.router for t in self.traffic if not isinstance(t, AppMeshTraffic)}
        for metric in self.judge.metrics if self.judge else ():
            if metric.kind in ("errors", "latency") and metric.period < MINUTE and minutely:
                raise ValueError(
                    f"judge: {metric.named} has period {metric.period}, and {min(minutely)} has a"
                    " count for each minute alone; remove period, or judge series of your own by"
                    " kind custom"
                )

    def _check_owners(self) -> None:
        """A mesh that nobody is named for would be another one in each account, and CloudWatch Logs
        calls functions of its own account alone."""
        if self.account and self.judge and self.judge.logged:
            raise ValueError(
                f"judge: {self.judge.logged[0].named} counts a log, which CloudWatch Logs brings to"
                " a function of the same account alone, and the service is under a role; remove the"
                " metric"
            )
        for number, traffic in enumerate(self.traffic):
            if self.account and isinstance(traffic, AppMeshTraffic) and not traffic.mesh_owner:
                raise ValueError(
                    f"traffic.{number}.mesh_owner is missing, and the service is in another"
                    " account; name the account that owns the mesh"
                )

    def access(self, execution: str) -> Access | None:
        """With what this execution calls AWS about the service."""
        return self.account.access(execution) if self.account else None

    def _check_sizes(self) -> None:
        sizes = {"capacity", "headroom_percent", "minimum_tasks"} & self.model_fields_set
        if self.canary_tasks is not None and sizes:
            raise ValueError(
                f"canary_tasks is a fixed count, which {' and '.join(sorted(sizes))} contradicts;"
                " remove one of them"
            )
        growth = sorted(sizes - {"capacity"})
        if self.capacity == "full" and growth:
            raise ValueError(
                f"capacity is full, so the canary has all tasks from the start; remove"
                f" {' and '.join(growth)}"
            )

    def sizing(self, primary_tasks: int) -> Sizing:
        """How large the canary of a primary with so many tasks is."""
        if self.canary_tasks is not None:
            return Sizing("fixed", self.canary_tasks)
        full = max(1, primary_tasks)
        if self.capacity == "full":
            return Sizing("full", full)
        return Sizing("proportional", full, self.headroom_percent, self.minimum_tasks)

    def _check_history(self, gates: int) -> None:
        by_part = history.parts(
            steps=len(self.all_steps),
            returns=len(self.promotion.return_weights),
            gates=gates,
            holds=self.holds,
            check_seconds=self.deployment.check_seconds,
            deadline_seconds=self.deployment.deadline_seconds,
            revert_seconds=self.revert_seconds,
        )
        events = sum(by_part.values())
        if events > history.MOST_EVENTS:
            largest = sorted(by_part, key=lambda part: by_part[part], reverse=True)[:3]
            named = ", ".join(f"{part} {by_part[part]}" for part in largest)
            raise ValueError(
                f"a release may write {events} events of history, over {history.MOST_EVENTS}: AWS"
                f" ends an execution at {history.LIMIT} ({named}); fewer steps, fewer holds or a"
                " shorter deployment.deadline_seconds make it less"
            )

    @property
    def settle_seconds(self) -> int:
        """How long the slowest router may take to follow a write."""
        return max(traffic.settle_seconds for traffic in self.traffic)

    @property
    def all_steps(self) -> list[Step]:
        """The steps, always up to 100: promotion replaces a primary that serves nothing."""
        if self.steps[-1].weight == 100:
            return self.steps
        return [*self.steps, Step(weight=100, bake_seconds=self.steps[-1].bake_seconds)]
