"""App Mesh routes, as people write them."""

import copy
from typing import Any, ClassVar

from stepcanary.domain.profile import Traffic
from stepcanary.domain.split import SideName, Split
from tests.adapters.stands.stand import Route, Stand, Unfit, answer
from tests.fakes.clock import VirtualClock
from tests.fakes.cloud import Cloud
from tests.fakes.service import Document, Refusal

WHERE = {"meshName": "example", "virtualRouterName": "example", "routeName": "example"}
A, B = "example1", "example2"


def targets(*weighted: tuple[Any, ...]) -> Document:
    """Virtual node, weight, and a port where the router has several listeners."""
    names = ("virtualNode", "weight", "port")
    return {"weightedTargets": [dict(zip(names, t, strict=False)) for t in weighted]}


def seconds(value: int) -> Document:
    return {"value": value, "unit": "s"}


ROUTES = {
    "catch-all": Route(
        {"httpRoute": {"match": {"prefix": "/"}, "action": targets((A, 100), (B, 0))}},
        Split(100, 0),
    ),
    "canary listed first": Route(
        {"httpRoute": {"match": {"prefix": "/"}, "action": targets((B, 0), (A, 100))}},
        Split(100, 0),
    ),
    "retries and time-outs": Route(
        {
            "priority": 7,
            "httpRoute": {
                "match": {"prefix": "/cart"},
                "action": targets((A, 100, 8080), (B, 0, 8080)),
                "retryPolicy": {
                    "maxRetries": 2,
                    "perRetryTimeout": seconds(2),
                    "httpRetryEvents": ["server-error", "gateway-error"],
                    "tcpRetryEvents": ["connection-error"],
                },
                "timeout": {"idle": seconds(30), "perRequest": {"value": 900, "unit": "ms"}},
            },
        },
        Split(100, 0),
    ),
    "retries switched off": Route(
        {
            "httpRoute": {
                "match": {"prefix": "/pay"},
                "action": targets((A, 100), (B, 0)),
                "retryPolicy": {"maxRetries": 0, "perRetryTimeout": seconds(1)},
                "timeout": {"idle": seconds(0), "perRequest": seconds(0)},
            }
        },
        Split(100, 0),
    ),
    "beta users by header": Route(
        {
            "priority": 0,
            "httpRoute": {
                "match": {
                    "prefix": "/",
                    "method": "POST",
                    "scheme": "https",
                    "headers": [
                        {"name": "x-beta", "match": {"exact": "1"}},
                        {"name": "user-agent", "invert": True, "match": {"regex": ".*bot.*"}},
                        {"name": "x-age", "match": {"range": {"start": 18, "end": 99}}},
                        {"name": "x-trace"},
                    ],
                },
                "action": targets((A, 100), (B, 0)),
            },
        },
        Split(100, 0),
    ),
    "path and query": Route(
        {
            "priority": 12,
            "httpRoute": {
                "match": {
                    "path": {"regex": "/v[12]/items/[0-9]+"},
                    "queryParameters": [{"name": "lang", "match": {"exact": "de"}}],
                },
                "action": targets((A, 100), (B, 0)),
            },
        },
        Split(100, 0),
    ),
    "http2 on one of two ports": Route(
        {
            "http2Route": {
                "match": {"prefix": "/", "port": 8443},
                "action": targets((A, 100, 8443), (B, 0, 9443)),
                "timeout": {"idle": seconds(300)},
            }
        },
        Split(100, 0),
    ),
    "grpc method": Route(
        {
            "priority": 3,
            "grpcRoute": {
                "match": {
                    "serviceName": "shop.Cart",
                    "methodName": "Add",
                    "metadata": [{"name": "tenant", "match": {"prefix": "eu-"}}],
                },
                "action": targets((A, 100), (B, 0)),
                "retryPolicy": {
                    "maxRetries": 3,
                    "perRetryTimeout": seconds(1),
                    "grpcRetryEvents": ["unavailable", "resource-exhausted"],
                    "httpRetryEvents": ["stream-error"],
                },
                "timeout": {"perRequest": seconds(9)},
            },
        },
        Split(100, 0),
    ),
    "tcp": Route(
        {"tcpRoute": {"action": targets((A, 100), (B, 0)), "timeout": {"idle": seconds(3600)}}},
        Split(100, 0),
    ),
    "tcp on a port": Route(
        {
            "priority": 1000,
            "tcpRoute": {"match": {"port": 5432}, "action": targets((B, 0, 5432), (A, 100, 5432))},
        },
        Split(100, 0),
    ),
    "a third version keeps its share": Route(
        {
            "httpRoute": {
                "match": {"prefix": "/"},
                "action": targets(("legacy", 20), (A, 80), (B, 0)),
            }
        },
        Split(80, 0),
    ),
    "weights of ten": Route(
        {"httpRoute": {"match": {"prefix": "/"}, "action": targets((A, 10), (B, 0))}},
        Split(10, 0),
    ),
    "three others between": Route(
        {
            "http2Route": {
                "match": {"prefix": "/", "headers": [{"name": ":authority"}]},
                "action": targets((A, 40), ("legacy", 30), ("batch", 0), (B, 0), ("mobile", 30)),
            }
        },
        Split(40, 0),
    ),
}

UNFIT = {
    "no primary": Unfit(
        {"httpRoute": {"match": {"prefix": "/"}, "action": targets(("legacy", 90), (B, 10))}},
        problem="has no weighted target example1",
    ),
    "no canary": Unfit(
        {"tcpRoute": {"action": targets((A, 100))}}, problem="has no weighted target example2"
    ),
    "a node on two ports": Unfit(
        {"tcpRoute": {"action": targets((A, 50, 80), (A, 50, 81), (B, 0))}},
        problem="lists node example1 twice",
    ),
    "moved": Unfit(
        {"tcpRoute": {"action": targets((A, 80), (B, 20))}},
        problem="is not at rest, its weights are 80:20",
    ),
    "too coarse": Unfit(
        {"tcpRoute": {"action": targets((A, 1), (B, 0))}}, problem="too few to express 5 %"
    ),
}


class AppMeshStand(Stand):
    services = ("appmesh", "servicediscovery")
    writes = ("UpdateRoute",)
    routes = ROUTES
    unfit = UNFIT
    profile: ClassVar[dict[str, Any]] = {
        "router": "appmesh",
        "mesh": "example",
        "virtual_router": "example",
        "route": "example",
        "primary_node": A,
        "canary_node": B,
    }
    primary, canary = A, B
    refused = (("ForbiddenException", 403), ("BadRequestException", 400))
    unavailable = (("TooManyRequestsException", 429), ("ServiceUnavailableException", 503))
    namespace = "Envoy"

    def __init__(self) -> None:
        self.fake: Cloud = Cloud(VirtualClock())
        for other in ("legacy", "batch", "mobile"):
            self.fake.nodes[other] = self.fake.nodes[A]

    def put(self, traffic: Traffic, document: Any) -> None:
        self.fake.route = copy.deepcopy(document)

    def remove(self) -> None:
        def gone(name: str, _params: Document) -> None:
            if name == "appmesh.DescribeRoute":
                raise Refusal("NotFoundException", "There is no route", 404)

        self.fake.before_call = gone

    def described(self, traffic: Traffic) -> Document:
        spec: Document = answer("appmesh", "describe_route", **WHERE)["route"]["spec"]
        return spec

    def weights(self, traffic: Traffic) -> dict[str, int]:
        return {t["virtualNode"]: t["weight"] for t in self.fake.targets()}

    def without_pair(self, described: Document) -> Document:
        rest = copy.deepcopy(described)
        kind = next(k for k in rest if k.endswith("Route"))
        for target in rest[kind]["action"]["weightedTargets"]:
            if target["virtualNode"] in (A, B):
                del target["weight"]
        return rest

    def write_foreign(self, traffic: Traffic, primary: int, canary: int) -> None:
        for target in self.fake.targets():
            target["weight"] = {A: primary, B: canary}.get(target["virtualNode"], target["weight"])
        self.fake.route_version += 1

    def add_member(self, traffic: Traffic) -> str:
        kind = next(k for k in self.fake.route if k.endswith("Route"))
        mirrored = {**self.fake.route[kind], "mirror": {"virtualNode": "shadow"}}
        self.fake.route = {**self.fake.route, kind: mirrored}
        self.fake.route_version += 1
        return f"route.spec.{kind}.mirror"

    def has_member(self, traffic: Traffic) -> bool:
        return any("mirror" in part for part in self.fake.route.values() if isinstance(part, dict))

    def set_targets(self, side: SideName, healthy: int, others: int) -> None:
        service = self.fake.services[A if side == "primary" else B]
        # Cloud Map is asked for the healthy ones only.
        service["desiredCount"] = healthy
