"""VPC Lattice rules and default actions, as people write them."""

import copy
from typing import Any, ClassVar

from stepcanary.domain.identifiers import lattice_id
from stepcanary.domain.profile import LatticeTraffic, Traffic
from stepcanary.domain.split import SideName, Split
from tests.adapters.stands.stand import Route, Stand, Unfit, answer
from tests.fakes.lattice import (
    DEFAULT_RULE,
    LISTENER,
    LISTENER_ARN,
    RULE,
    RULE_ARN,
    SERVICE,
    SERVICE_ARN,
    Lattice,
    group_arn,
)
from tests.fakes.service import Document

A, B = "tg-0f9cb5af0bb75ab50", "tg-0594385e7ae170b9c"
OTHERS = [f"tg-0000000000000{n:04d}" for n in range(9)]
WHERE = {"serviceIdentifier": SERVICE, "listenerIdentifier": LISTENER}
DEFAULT = {"rule": None}


def forward(*weights: tuple[str, int]) -> Document:
    groups = [{"targetGroupIdentifier": id, "weight": weight} for id, weight in weights]
    return {"forward": {"targetGroups": groups}}


def unweighted(*ids: str) -> Document:
    return {"forward": {"targetGroups": [{"targetGroupIdentifier": id} for id in ids]}}


def http(**match: Any) -> dict[str, Any]:
    return {"match": {"httpMatch": match}}


ROUTES = {
    "two groups": Route(forward((A, 100), (B, 0)), Split(100, 0)),
    "canary listed first": Route(forward((B, 0), (A, 100)), Split(100, 0)),
    "all by ARN": Route(
        forward((group_arn(A), 100), (group_arn(B), 0)),
        Split(100, 0),
        {
            "service": SERVICE_ARN,
            "listener": LISTENER_ARN,
            "rule": RULE_ARN,
            "primary_target_group": group_arn(A),
            "canary_target_group": group_arn(B),
        },
    ),
    "one group": Route(forward((A, 100)), Split(100, 0)),
    "one group without a weight": Route(unweighted(A), Split(100, 0)),
    "one group of weight 1": Route(forward((group_arn(A), 1)), Split(100, 0)),
    "default action": Route(forward((A, 100), (B, 0)), Split(100, 0), DEFAULT),
    "default action, one group": Route(unweighted(A), Split(100, 0), DEFAULT),
    "default action of a TLS passthrough": Route(
        forward((B, 0), (A, 200)), Split(200, 0), DEFAULT, {"protocol": "TLS_PASSTHROUGH"}
    ),
    "another version keeps its share": Route(
        forward((OTHERS[0], 25), (A, 75), (B, 0)), Split(75, 0)
    ),
    "ten groups": Route(forward((A, 900), *((id, 10) for id in OTHERS[:8]), (B, 0)), Split(900, 0)),
    "tenth group to come": Route(
        forward(*((id, 1) for id in OTHERS[:8]), (A, 92)),
        Split(92, 0),
    ),
    "per mille": Route(forward((A, 999), (B, 0)), Split(999, 0)),
    "beta users by header": Route(
        forward((A, 100), (B, 0)),
        Split(100, 0),
        world={
            "priority": 1,
            **http(
                headerMatches=[
                    {"name": "x-beta", "match": {"exact": "1"}, "caseSensitive": True},
                    {"name": "user-agent", "match": {"contains": "Mobile"}},
                ]
            ),
        },
    ),
    "grpc": Route(
        forward((A, 100), (B, 0)),
        Split(100, 0),
        world={
            "priority": 2000,
            **http(
                method="POST",
                pathMatch={"match": {"prefix": "/shop.Cart/"}, "caseSensitive": True},
            ),
        },
    ),
    "one path": Route(
        forward((A, 10), (B, 0)),
        Split(10, 0),
        world=http(method="GET", pathMatch={"match": {"exact": "/cart"}, "caseSensitive": False}),
    ),
}

UNFIT = {
    "no primary": Unfit(
        forward((OTHERS[0], 100), (B, 0)), problem=f"does not forward to {A}; mend the profile"
    ),
    "fixed response": Unfit(
        {"fixedResponse": {"statusCode": 404}},
        problem="does not forward, its action is fixedResponse",
    ),
    "fixed response by default": Unfit(
        {"fixedResponse": {"statusCode": 500}},
        problem=f"default action of {LISTENER} of Lattice service {SERVICE} does not forward",
        traffic=DEFAULT,
    ),
    "no room": Unfit(
        forward((A, 910), *((id, 10) for id in OTHERS)),
        problem="forwards to 10 target groups already, and AWS allows 10: there is no room",
    ),
    "canary unused": Unfit(forward((A, 100)), problem=f"no service uses {B}", world={"used": {A}}),
    "a default rule by its own id": Unfit(
        forward((A, 100), (B, 0)),
        problem="is its listener's default rule; leave rule out",
        traffic={"rule": DEFAULT_RULE},
    ),
    "moved": Unfit(forward((A, 80), (B, 20)), problem="is not at rest, its weights are 80:20"),
    "too coarse": Unfit(forward((A, 1), (B, 0)), problem="too few to express 5 %"),
}


class LatticeStand(Stand):
    services = ("vpc_lattice",)
    writes = ("UpdateRule", "UpdateListener")
    routes = ROUTES
    unfit = UNFIT
    profile: ClassVar[dict[str, Any]] = {
        "router": "lattice",
        "service": SERVICE,
        "listener": LISTENER,
        "rule": RULE,
        "primary_target_group": A,
        "canary_target_group": B,
    }
    primary, canary = A, B
    refused = (
        ("AccessDeniedException", 403),
        ("ConflictException", 409),
        ("ServiceQuotaExceededException", 402),
        ("ValidationException", 400),
    )
    unavailable = (("ThrottlingException", 429), ("InternalServerException", 500))
    namespace = "AWS/VpcLattice"

    def __init__(self) -> None:
        self.fake: Lattice = Lattice([A, B, *OTHERS])

    def _rule(self, traffic: Traffic) -> str:
        assert isinstance(traffic, LatticeTraffic)
        return lattice_id(traffic.rule) if traffic.rule else DEFAULT_RULE

    def put(self, traffic: Traffic, document: Any) -> None:
        self.fake.put(self._rule(traffic), document)

    def remove(self) -> None:
        self.fake.actions.clear()

    def described(self, traffic: Traffic) -> Document:
        if self._rule(traffic) == RULE:
            rule: Document = answer("vpc_lattice", "get_rule", **WHERE, ruleIdentifier=RULE)
            return rule
        listener: Document = answer("vpc_lattice", "get_listener", **WHERE)
        listener["action"] = listener.pop("defaultAction")
        return listener

    def weights(self, traffic: Traffic) -> dict[str, int]:
        return self.fake.weights(self._rule(traffic))

    def without_pair(self, described: Document) -> Document:
        rest = copy.deepcopy(described)
        forwarded = rest["action"]["forward"]
        groups = forwarded["targetGroups"]
        kept = [g for g in groups if g["targetGroupIdentifier"] not in (A, B)]
        forwarded["targetGroups"] = kept
        return rest

    def write_foreign(self, traffic: Traffic, primary: int, canary: int) -> None:
        weights = {**self.weights(traffic), A: primary, B: canary}
        self.fake.put(self._rule(traffic), forward(*weights.items()))

    def add_member(self, traffic: Traffic) -> str:
        rule = self._rule(traffic)
        forwarded = {**self.fake.actions[rule]["forward"], "outlierDetection": {"errors": 5}}
        self.fake.actions[rule] = {"forward": forwarded}
        return f"{'action' if rule == RULE else 'defaultAction'}.forward.outlierDetection"

    def has_member(self, traffic: Traffic) -> bool:
        return "outlierDetection" in self.fake.actions[self._rule(traffic)]["forward"]

    def set_targets(self, side: SideName, healthy: int, others: int) -> None:
        bad = ("INITIAL", "UNHEALTHY", "DRAINING", "UNUSED")
        states = ["HEALTHY"] * healthy + [bad[n % len(bad)] for n in range(others)]
        self.fake.targets[A if side == "primary" else B] = states
