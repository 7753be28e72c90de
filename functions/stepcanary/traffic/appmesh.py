"""App Mesh: the split is a route with two weighted virtual nodes."""

import copy
import math
from typing import TYPE_CHECKING, Any, cast

from stepcanary.aws import clients, members
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.members import sendable
from stepcanary.domain.model import Document
from stepcanary.domain.profile import AppMeshTraffic
from stepcanary.domain.split import SideName, Split
from stepcanary.errors import AwsRefused, RequestRejected
from stepcanary.traffic.router import Dimensions, Reading, Tags

if TYPE_CHECKING:
    from mypy_boto3_appmesh.type_defs import RouteSpecUnionTypeDef

LONGEST_DRAIN_SECONDS = 600
"""An idle connection may stay for hours, and nobody waits for it."""
KINDS = ("httpRoute", "http2Route", "grpcRoute", "tcpRoute")


def weighted_targets(spec: Document) -> list[dict[str, Any]]:
    """The weighted targets of a route spec, whichever of the four kinds it is."""
    for kind in KINDS:
        if spec.get(kind):
            targets: list[dict[str, Any]] = spec[kind]["action"]["weightedTargets"]
            return targets
    raise RequestRejected(f"the route is of no known kind; expected one of {', '.join(KINDS)}")


def with_weights(spec: Document, nodes: dict[str, int]) -> Document:
    """A copy of the spec in which only the weights of the named nodes differ."""
    edited = copy.deepcopy(spec)
    for target in weighted_targets(edited):
        if target["virtualNode"] in nodes:
            target["weight"] = nodes[target["virtualNode"]]
    return edited


class AppMeshRouter:
    # The latter two are moto's.
    missing = frozenset({"NotFoundException", "RouteNotFound", "MeshNotFound"})

    def __init__(self, traffic: AppMeshTraffic) -> None:
        self._traffic = traffic
        self._owner: Any = {"meshOwner": traffic.mesh_owner} if traffic.mesh_owner else {}

    @property
    def name(self) -> str:
        t = self._traffic
        return f"route {t.route} of virtual router {t.virtual_router} in mesh {t.mesh}"

    @aws_failures
    def read(self) -> Reading:
        t = self._traffic
        answer = clients.appmesh().describe_route(
            meshName=t.mesh,
            virtualRouterName=t.virtual_router,
            routeName=t.route,
            **self._owner,
        )
        route = answer["route"]
        spec = sendable(cast("Document", route["spec"]))
        values = members.unknown_values(answer, ["route.spec"])
        if values and not any(kind in spec for kind in KINDS):
            names = members.unknown(answer, ["route.spec"])
            raise RequestRejected(
                f"traffic: {self.name} has {', '.join(names)}, which this stack does not"
                f" know, and none of {', '.join(KINDS)}; update the stack"
            )
        version = route["metadata"]["version"]
        return Reading(self._split(spec), spec, version, unknown_values=values)

    @aws_failures
    def tags(self) -> Tags:
        t = self._traffic
        route = clients.appmesh().describe_route(
            meshName=t.mesh, virtualRouterName=t.virtual_router, routeName=t.route, **self._owner
        )["route"]
        pages = clients.appmesh().get_paginator("list_tags_for_resource")
        found = pages.paginate(resourceArn=route["metadata"]["arn"])
        return frozenset((tag["key"], tag["value"]) for page in found for tag in page["tags"])

    def _split(self, spec: Document) -> Split:
        weights: dict[str, int] = {}
        for target in weighted_targets(spec):
            node = target["virtualNode"]
            if node in (self._traffic.primary_node, self._traffic.canary_node):
                if node in weights:
                    raise RequestRejected(f"traffic: {self.name} lists node {node} twice")
                weights[node] = target["weight"]
        for node in (self._traffic.primary_node, self._traffic.canary_node):
            if node not in weights:
                raise RequestRejected(
                    f"traffic: {self.name} has no weighted target {node};"
                    " add both virtual nodes to the route, the canary with weight 0"
                )
        return Split(weights[self._traffic.primary_node], weights[self._traffic.canary_node])

    @aws_failures
    def write(self, reading: Reading, split: Split) -> Document:
        t = self._traffic
        spec = with_weights(
            reading.document, {t.primary_node: split.primary, t.canary_node: split.canary}
        )
        clients.appmesh().update_route(
            meshName=t.mesh,
            virtualRouterName=t.virtual_router,
            routeName=t.route,
            spec=cast("RouteSpecUnionTypeDef", spec),
            **self._owner,
        )
        return spec

    def check(self, reading: Reading) -> None:
        """Nothing more than `read` asks for: both nodes are listed."""

    def drain_seconds(self, reading: Reading) -> int:
        """The longest time-out that the route gives a request, or a connection without one."""
        routes = (reading.document[kind] for kind in KINDS if reading.document.get(kind))
        timeouts = [each for route in routes for each in route.get("timeout", {}).values()]
        seconds = [t["value"] / (1_000 if t["unit"] == "ms" else 1) for t in timeouts]
        return min(math.ceil(max(seconds, default=0)), LONGEST_DRAIN_SECONDS)

    def healthy_targets(self, side: SideName) -> int | None:
        """Healthy Cloud Map instances of the side's virtual node.

        A node with DNS discovery is looked up by its host name, `service.namespace`; None
        when Cloud Map does not know that name.
        """
        discovery = self._discovery(side)
        if "awsCloudMap" in discovery:
            where = discovery["awsCloudMap"]
            attributes = {a["key"]: a["value"] for a in where.get("attributes", [])}
            return self._instances(where["namespaceName"], where["serviceName"], attributes)
        if "dns" in discovery:
            service, _, namespace = discovery["dns"]["hostname"].partition(".")
            try:
                return self._instances(namespace, service, {})
            except AwsRefused as refused:
                if refused.code in {"NamespaceNotFound", "ServiceNotFound", "InvalidInput"}:
                    return None
                raise
        return None

    @aws_failures
    def _discovery(self, side: SideName) -> dict[str, Any]:
        node = clients.appmesh().describe_virtual_node(
            meshName=self._traffic.mesh,
            virtualNodeName=self._node(side),
            **self._owner,
        )["virtualNode"]
        return cast("dict[str, Any]", node["spec"].get("serviceDiscovery", {}))

    @aws_failures
    def _instances(self, namespace: str, service: str, attributes: dict[str, str]) -> int:
        found = clients.servicediscovery().discover_instances(
            NamespaceName=namespace,
            ServiceName=service,
            MaxResults=1000,
            HealthStatus="HEALTHY",
            QueryParameters=attributes,
        )
        return len(found["Instances"])

    def dimensions(self, side: SideName) -> Dimensions:
        """App Mesh has no metrics of its own: these are Envoy's, with its metric extension on.

        The CloudWatch agent that scrapes them must have this namespace and these dimensions.
        """
        return Dimensions(
            "Envoy", {"Mesh": self._traffic.mesh, "TargetVirtualNode": self._node(side)}
        )

    def _node(self, side: SideName) -> str:
        return self._traffic.primary_node if side == "primary" else self._traffic.canary_node
