"""App Mesh: the article's mesh, whose gateway, routes and nodes become Envoy's."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar

from moto.appmesh.models import AppMeshBackend, appmesh_backends
from moto.servicediscovery.exceptions import NamespaceNotFound, ServiceNotFound
from moto.servicediscovery.models import servicediscovery_backends

from emulator.account import ACCOUNT, REGION
from emulator.moto_gaps.appmesh import virtual_services
from sandbox.fronts.appmesh_routes import by_priority, http_route, tcp_action, weights_of
from sandbox.fronts.front import (
    OPTED_IN,
    SIDES,
    Attachment,
    ClientOf,
    Cluster,
    Entry,
    Json,
    Plan,
    Series,
    requests_per_task,
)

MESH = "example"
VIRTUAL_GATEWAY = "examplegw"
VIRTUAL_SERVICE = "example.example.internal"
NAMESPACE = "example.internal"


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

    def split(self, client: ClientOf) -> tuple[int, int]:
        route = client("appmesh").describe_route(
            meshName=MESH, virtualRouterName="example", routeName="example"
        )["route"]
        weights = weights_of(route["spec"]["httpRoute"]["action"])
        return weights["example1"], weights["example2"]

    def series(self, cluster: str) -> Series:
        dimensions = {"Mesh": MESH, "TargetVirtualNode": cluster}
        return Series("Envoy", dimensions, "RequestCountPerTarget", "HTTPCode_Target_5XX_Count")

    def tracked(self, cluster: str) -> Json:
        return requests_per_task(cluster)

    def plan(self) -> Plan:
        return self.planned(self._routes)

    def planned(self, routes: Callable[[], Iterator[Json]]) -> Plan:
        mesh = self._backend.meshes.get(MESH)
        if mesh is None:
            return Plan()
        nodes = {name: node.spec.to_dict() for name, node in list(mesh.virtual_nodes.items())}
        found = list(routes())
        return Plan(
            {name: Cluster(self._endpoints(spec), _http2(spec)) for name, spec in nodes.items()},
            [route for route in found if "tcp" not in route],
            next((route["tcp"] for route in found if "tcp" in route), None),
        )

    @property
    def _backend(self) -> AppMeshBackend:
        return appmesh_backends[ACCOUNT][REGION]

    def _endpoints(self, spec: Json) -> list[tuple[str, int]]:
        discovery = spec.get("serviceDiscovery") or {}
        wanted: dict[str, str] = {}
        if cloud_map := discovery.get("awsCloudMap"):
            namespace, service = cloud_map["namespaceName"], cloud_map["serviceName"]
            wanted = {a["key"]: a["value"] for a in cloud_map.get("attributes") or []}
        elif dns := discovery.get("dns"):
            service, _, namespace = dns["hostname"].partition(".")
        else:
            return []
        try:
            instances, _ = servicediscovery_backends[ACCOUNT][REGION].discover_instances(
                namespace, service, query_parameters=wanted, health_status="HEALTHY"
            )
        except (NamespaceNotFound, ServiceNotFound):
            return []
        # All tasks share one address here, so the instance's port counts, not the node's.
        return sorted(
            (i.attributes["AWS_INSTANCE_IPV4"], int(i.attributes["AWS_INSTANCE_PORT"]))
            for i in instances
            if "AWS_INSTANCE_PORT" in i.attributes
        )

    def _routes(self) -> Iterator[Json]:
        gateway = self._backend.meshes[MESH].virtual_gateways.get(VIRTUAL_GATEWAY)
        if gateway is None:
            return
        for entry in by_priority([r.spec.to_dict() for r in list(gateway.gateway_routes.values())]):
            entry_route = entry.get("httpRoute") or entry.get("http2Route") or entry["grpcRoute"]
            target = entry_route["action"]["target"]["virtualService"]["virtualServiceName"]
            yield from self.service_routes(target, entry_route)

    def service_routes(self, virtual_service: str, entry: Json) -> Iterator[Json]:
        for spec in self._router_routes(virtual_service):
            if "tcpRoute" in spec:
                yield {"tcp": tcp_action(spec["tcpRoute"])}
            else:
                yield http_route(entry, spec)

    def _router_routes(self, virtual_service: str) -> list[Json]:
        services = virtual_services(self._backend, MESH)
        provider = services.get(virtual_service, {}).get("spec", {}).get("provider", {})
        if node := provider.get("virtualNode"):
            target = {"virtualNode": node["virtualNodeName"], "weight": 100}
            action = {"weightedTargets": [target]}
            return [{"httpRoute": {"match": {"prefix": "/"}, "action": action}}]
        name = provider.get("virtualRouter", {}).get("virtualRouterName")
        router = self._backend.meshes[MESH].virtual_routers.get(name)
        if router is None:
            return []
        return by_priority([route.spec.to_dict() for route in list(router.routes.values())])


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
                    # moto demands the attributes, which are optional on AWS.
                    "awsCloudMap": {
                        "namespaceName": NAMESPACE,
                        "serviceName": name,
                        "attributes": [],
                    }
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


def _http2(node: Json) -> bool:
    listeners = node.get("listeners") or [{}]
    return listeners[0].get("portMapping", {}).get("protocol") in ("http2", "grpc")
