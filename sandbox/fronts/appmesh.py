"""App Mesh: the article's mesh, whose gateway, routes and nodes become Envoy's."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from sandbox.fronts.appmesh_routes import weights_of
from sandbox.fronts.front import (
    OPTED_IN,
    SIDES,
    Attachment,
    ClientOf,
    Entry,
    Json,
    Plan,
    Series,
    requests_per_task,
)
from sandbox.fronts.mesh import Mesh

MESH = "example"
VIRTUAL_GATEWAY = "examplegw"
VIRTUAL_SERVICE = "example.example.internal"
NAMESPACE = "example.internal"
IN_MESH = Mesh(MESH)


class AppMesh:
    """The gateway leads to the virtual service whose router splits between the two nodes."""

    nodes: ClassVar[dict[str, int]] = SIDES
    traffic: ClassVar[Json] = {
        "router": "appmesh",
        "mesh": MESH,
        "virtual_router": "example",
        "route": "example",
        "primary_node": "example1",
        "canary_node": "example2",
        # The sandbox's one Envoy follows at once.
        "settle_seconds": 1,
        "drain_seconds": 1,
    }
    entry_service = VIRTUAL_SERVICE

    def entries(self) -> Sequence[Entry]:
        return [self]

    def create(self, client: ClientOf, ports: Sequence[int]) -> dict[str, Attachment]:
        registries = _create_cloud_map(client("servicediscovery"), [VIRTUAL_GATEWAY, *self.nodes])
        _create_mesh(client("appmesh"), ports[0], self.entry_service, self.nodes)
        return {
            name: Attachment({"serviceRegistries": [{"registryArn": registries[name]}]}, desired)
            for name, desired in self.nodes.items()
        }

    def series(self, cluster: str) -> Series:
        dimensions = {"Mesh": MESH, "TargetVirtualNode": cluster}
        return Series(
            "Envoy",
            dimensions,
            "RequestCountPerTarget",
            "HTTPCode_Target_5XX_Count",
            "TargetResponseTime",
        )

    def tracked(self, cluster: str) -> Json:
        return requests_per_task(cluster)

    def plan(self) -> Plan:
        return IN_MESH.plan(IN_MESH.gateway_routes(VIRTUAL_GATEWAY))


class Proxies:
    """The Envoys of one kind in a mesh that somebody has made: those of a gateway, or those beside
    the tasks of a node.

    What they count has the names that App Mesh's metrics extension has in Prometheus' format, as
    the CloudWatch agent publishes it.
    """

    def __init__(self, mesh: str, *, gateway: str = "", node: str = "") -> None:
        self._mesh, self._gateway, self._node = Mesh(mesh), gateway, node

    def series(self, cluster: str) -> Series:
        dimensions = {"Mesh": self._mesh.name, "TargetVirtualNode": cluster}
        return Series(
            "Envoy",
            dimensions,
            "envoy_appmesh_RequestCountPerTarget",
            "envoy_appmesh_HTTPCode_Target_5XX_Count",
            "envoy_appmesh_TargetResponseTime",
        )

    def tracked(self, cluster: str) -> None:
        """No metric of AWS's counts the requests per task of a node."""

    def plan(self) -> Plan:
        if self._gateway:
            return self._mesh.plan(self._mesh.gateway_routes(self._gateway))
        return self._mesh.plan(self._mesh.backend_routes(self._node))


def split(client: ClientOf, traffic: Json) -> tuple[int, int]:
    """Weights of primary and canary in the route that a profile names."""
    spec = client("appmesh").describe_route(
        meshName=traffic["mesh"],
        virtualRouterName=traffic["virtual_router"],
        routeName=traffic["route"],
    )["route"]["spec"]
    (route,) = [found for kind, found in spec.items() if kind.endswith("Route")]
    weights = weights_of(route["action"])
    return weights[traffic["primary_node"]], weights[traffic["canary_node"]]


def route_spec(primary: int, canary: int) -> dict[str, Any]:
    """A route with more in it than weights, so that an edit that loses something shows."""
    return {
        "priority": 10,
        "httpRoute": {
            "match": {"prefix": "/"},
            "action": {
                "weightedTargets": [
                    {"virtualNode": "example1", "weight": primary, "port": 8080},
                    {"virtualNode": "example2", "weight": canary, "port": 8080},
                ]
            },
            "timeout": {
                "perRequest": {"unit": "s", "value": 10},
                "idle": {"unit": "s", "value": 60},
            },
            # No server-error: a retry of a 500 would hide the canary's faults from the alarm.
            "retryPolicy": {
                "maxRetries": 2,
                "perRetryTimeout": {"unit": "s", "value": 2},
                "httpRetryEvents": ["gateway-error"],
                "tcpRetryEvents": ["connection-error"],
            },
        },
    }


def _create_cloud_map(cloud_map: Any, names: Iterable[str]) -> dict[str, str]:
    operation = cloud_map.create_private_dns_namespace(Name=NAMESPACE, Vpc="vpc-example")
    answer = cloud_map.get_operation(OperationId=operation["OperationId"])
    namespace = answer["Operation"]["Targets"]["NAMESPACE"]
    return {
        name: cloud_map.create_service(
            Name=name,
            NamespaceId=namespace,
            DnsConfig={"DnsRecords": [{"Type": "A", "TTL": 10}], "RoutingPolicy": "MULTIVALUE"},
            HealthCheckCustomConfig={"FailureThreshold": 1},
        )["Service"]["Arn"]
        for name in names
    }


def _create_mesh(app_mesh: Any, gateway_port: int, entry: str, nodes: Iterable[str]) -> None:
    listener = {"portMapping": {"port": 8080, "protocol": "http"}}
    app_mesh.create_mesh(meshName=MESH, spec={"egressFilter": {"type": "ALLOW_ALL"}})
    for name in nodes:
        app_mesh.create_virtual_node(
            meshName=MESH,
            virtualNodeName=name,
            spec={
                "listeners": [listener],
                "serviceDiscovery": {
                    "awsCloudMap": {"namespaceName": NAMESPACE, "serviceName": name}
                },
            },
        )
    app_mesh.create_virtual_router(
        meshName=MESH, virtualRouterName="example", spec={"listeners": [listener]}
    )
    app_mesh.create_route(
        meshName=MESH,
        virtualRouterName="example",
        routeName="example",
        spec=route_spec(100, 0),
        tags=[{"key": key, "value": value} for key, value in OPTED_IN.items()],
    )
    app_mesh.create_virtual_service(
        meshName=MESH,
        virtualServiceName=VIRTUAL_SERVICE,
        spec={"provider": {"virtualRouter": {"virtualRouterName": "example"}}},
    )
    app_mesh.create_virtual_gateway(
        meshName=MESH,
        virtualGatewayName=VIRTUAL_GATEWAY,
        spec={"listeners": [{"portMapping": {"port": gateway_port, "protocol": "http"}}]},
    )
    app_mesh.create_gateway_route(
        meshName=MESH,
        virtualGatewayName=VIRTUAL_GATEWAY,
        gatewayRouteName="example",
        spec={
            "httpRoute": {
                "match": {"prefix": "/"},
                "action": {"target": {"virtualService": {"virtualServiceName": entry}}},
            }
        },
    )
