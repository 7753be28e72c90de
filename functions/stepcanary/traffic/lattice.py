"""VPC Lattice: the split is a forward action with two weighted target groups."""

from typing import TYPE_CHECKING, Any, cast

from stepcanary.aws import clients, members
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.identifiers import lattice_id
from stepcanary.domain.members import STAND_IN
from stepcanary.domain.model import Document
from stepcanary.domain.profile import LatticeTraffic
from stepcanary.domain.split import SideName, Split
from stepcanary.errors import RequestRejected
from stepcanary.traffic.router import Dimensions, Reading, Tags
from stepcanary.traffic.target_groups import DEFAULT_WEIGHT, Pair, Weights, collect, left_out

if TYPE_CHECKING:
    from mypy_boto3_vpc_lattice.type_defs import RuleActionUnionTypeDef

MOST_GROUPS = 10
IDLE_SECONDS = 60
"""After so long without a request Lattice closes a connection; see
https://docs.aws.amazon.com/vpc-lattice/latest/ug/quotas.html"""
LONE_WEIGHT = 100
UNCHECKED = "UNAVAILABLE"
"""Health checks are off, as they are at first for HTTP2 and gRPC groups."""


def normal(action: Document, name: str) -> Document:
    """An action in the one form that all of AWS's answers for the same rule come to.

    `targetGroups` is a dict of weights by id there. Raises `RequestRejected` for an action that
    does not forward.
    """
    if "forward" not in action:
        unknown = action.get(STAND_IN, {}).get("name")
        kind = f"{unknown}, which this stack does not know" if unknown else ", ".join(action)
        raise RequestRejected(f"traffic: {name} does not forward, its action is {kind}")
    groups = action["forward"]["targetGroups"]
    default = DEFAULT_WEIGHT if len(groups) > 1 else LONE_WEIGHT
    weights = [(lattice_id(g["targetGroupIdentifier"]), g.get("weight", default)) for g in groups]
    return {"forward": {**action["forward"], "targetGroups": collect(weights, name)}}


def as_sent(action: Document) -> Document:
    weights: Weights = action["forward"]["targetGroups"]
    groups = [{"targetGroupIdentifier": id, "weight": weight} for id, weight in weights.items()]
    return {"forward": {**action["forward"], "targetGroups": groups}}


class LatticeRouter:
    missing = frozenset({"ResourceNotFoundException"})

    def __init__(self, traffic: LatticeTraffic) -> None:
        t = self._traffic = traffic
        self._pair = Pair(
            lattice_id(t.primary_target_group), lattice_id(t.canary_target_group), t.rest_weight
        )
        self._listener: Any = {"serviceIdentifier": t.service, "listenerIdentifier": t.listener}

    @property
    def name(self) -> str:
        t = self._traffic
        rule = f"rule {lattice_id(t.rule)}" if t.rule else "default action"
        return f"{rule} of {lattice_id(t.listener)} of Lattice service {lattice_id(t.service)}"

    @aws_failures
    def read(self) -> Reading:
        answer, part = self._answer()
        found: Document = answer[part]
        action = normal(found, self.name)
        weights: Weights = action["forward"]["targetGroups"]
        others = left_out(found["forward"]["targetGroups"], "targetGroupIdentifier", "weight")
        also = [(f"{part}.forward.targetGroups[].{name}", text) for name, text in others]
        return Reading(
            self._pair.split_of(weights, self.name),
            action,
            rest_weight=self._pair.found_rest_weight(weights),
            unknown_values=members.unknown_values(answer, [part], also),
        )

    @aws_failures
    def tags(self) -> Tags:
        answer, _ = self._answer()
        found = clients.vpc_lattice().list_tags_for_resource(resourceArn=answer["arn"])
        return frozenset(found["tags"].items())

    def _answer(self) -> tuple[Document, str]:
        """What AWS says of the rule or the listener, and the member of it that is the action."""
        rule = self._traffic.rule
        if rule is None:
            listener = clients.vpc_lattice().get_listener(**self._listener)
            return cast("Document", listener), "defaultAction"
        found = clients.vpc_lattice().get_rule(**self._listener, ruleIdentifier=rule)
        if found["isDefault"]:
            raise RequestRejected(
                f"traffic: {self.name} is its listener's default rule; leave rule out of the"
                " profile"
            )
        return cast("Document", found), "action"

    @aws_failures
    def write(self, reading: Reading, split: Split) -> Document:
        forward = reading.document["forward"]
        weights = self._pair.with_split(forward["targetGroups"], split)
        action: Document = {"forward": {**forward, "targetGroups": weights}}
        sent = cast("RuleActionUnionTypeDef", as_sent(action))
        rule = self._traffic.rule
        if rule is None:
            clients.vpc_lattice().update_listener(**self._listener, defaultAction=sent)
        else:
            # Match and priority are not sent, so they stay.
            clients.vpc_lattice().update_rule(**self._listener, ruleIdentifier=rule, action=sent)
        return action

    def check(self, reading: Reading) -> None:
        weights: Weights = reading.document["forward"]["targetGroups"]
        self._pair.check_room(weights, MOST_GROUPS, self.name)
        if reading.rest_weight is not None:
            self._check_used()

    @aws_failures
    def _check_used(self) -> None:
        """Targets of a group that no service uses are `UNUSED`, and never come to be healthy."""
        canary = self._traffic.canary_target_group
        group = clients.vpc_lattice().get_target_group(targetGroupIdentifier=canary)
        if not group.get("serviceArns"):
            raise RequestRejected(
                f"traffic: no service uses {lattice_id(canary)}, so its targets are never checked;"
                f" add it with weight 0 to {self.name}"
            )

    def drain_seconds(self, _reading: Reading) -> int:
        return IDLE_SECONDS

    @aws_failures
    def healthy_targets(self, side: SideName) -> int | None:
        """None for a group without health checks: then only ECS can tell."""
        pages = clients.vpc_lattice().get_paginator("list_targets")
        found = pages.paginate(targetGroupIdentifier=self._group(side))
        states = [target["status"] for page in found for target in page["items"]]
        return None if UNCHECKED in states else states.count("HEALTHY")

    def dimensions(self, side: SideName) -> Dimensions:
        """Lattice's times are in milliseconds, where the ALB's are in seconds."""
        return Dimensions("AWS/VpcLattice", {"TargetGroup": lattice_id(self._group(side))})

    def _group(self, side: SideName) -> str:
        t = self._traffic
        return t.primary_target_group if side == "primary" else t.canary_target_group
