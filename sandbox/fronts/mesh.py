"""Mesh: what Envoy is to do for one mesh of App Mesh, whoever has made it."""

from collections.abc import Iterator

from moto.appmesh.models import AppMeshBackend, appmesh_backends
from moto.servicediscovery.exceptions import NamespaceNotFound, ServiceNotFound
from moto.servicediscovery.models import servicediscovery_backends

from emulator.account import ACCOUNT, REGION
from emulator.moto_gaps.appmesh import virtual_services
from sandbox.envoy import authority
from sandbox.fronts.appmesh_routes import by_priority, http_route, tcp_action
from sandbox.fronts.front import Cluster, Json, Plan


class Mesh:
    """A mesh by its name; it need not be there yet."""

    def __init__(self, name: str) -> None:
        self.name = name

    def plan(self, routes: Iterator[Json]) -> Plan:
        """All nodes, and these routes to them."""
        mesh = self._backend.meshes.get(self.name)
        if mesh is None:
            return Plan()
        nodes = {name: node.spec.to_dict() for name, node in list(mesh.virtual_nodes.items())}
        found = list(routes)
        return Plan(
            {name: Cluster(_endpoints(spec), _http2(spec)) for name, spec in nodes.items()},
            [route for route in found if "tcp" not in route],
            next((route["tcp"] for route in found if "tcp" in route), None),
        )

    def gateway_routes(self, gateway: str) -> Iterator[Json]:
        """The routes of a virtual gateway."""
        mesh = self._backend.meshes.get(self.name)
        found = mesh and mesh.virtual_gateways.get(gateway)
        if not found:
            return
        for entry in by_priority([r.spec.to_dict() for r in list(found.gateway_routes.values())]):
            entry_route = entry.get("httpRoute") or entry.get("http2Route") or entry["grpcRoute"]
            target = entry_route["action"]["target"]["virtualService"]["virtualServiceName"]
            yield from self.service_routes(target, entry_route)

    def service_routes(self, virtual_service: str, entry: Json) -> Iterator[Json]:
        """The routes to a virtual service, for whoever is let in by `entry`."""
        for spec in self._router_routes(virtual_service):
            if "tcpRoute" in spec:
                yield {"tcp": tcp_action(spec["tcpRoute"])}
            else:
                yield http_route(entry, spec)

    def backend_routes(self, node: str) -> Iterator[Json]:
        """The routes of the Envoy beside a task of this node: to its backends, by their names."""
        for service in self.backends(node):
            for route in self.service_routes(service, {}):
                if "tcp" in route:
                    raise NotImplementedError(f"the sandbox has no TCP between nodes: {service}")
                headers = [*route["match"].get("headers", []), authority(service)]
                yield {**route, "match": {**route["match"], "headers": headers}}

    def backends(self, node: str) -> list[str]:
        """The virtual services that a node says it calls."""
        mesh = self._backend.meshes.get(self.name)
        found = mesh and mesh.virtual_nodes.get(node)
        backends = found.spec.to_dict().get("backends") or [] if found else []
        return [each["virtualService"]["virtualServiceName"] for each in backends]

    @property
    def _backend(self) -> AppMeshBackend:
        return appmesh_backends[ACCOUNT][REGION]

    def _router_routes(self, virtual_service: str) -> list[Json]:
        services = virtual_services(self._backend, self.name)
        provider = services.get(virtual_service, {}).get("spec", {}).get("provider", {})
        if node := provider.get("virtualNode"):
            target = {"virtualNode": node["virtualNodeName"], "weight": 100}
            action = {"weightedTargets": [target]}
            return [{"httpRoute": {"match": {"prefix": "/"}, "action": action}}]
        name = provider.get("virtualRouter", {}).get("virtualRouterName")
        router = self._backend.meshes[self.name].virtual_routers.get(name)
        if router is None:
            return []
        return by_priority([route.spec.to_dict() for route in list(router.routes.values())])


def _endpoints(spec: Json) -> list[tuple[str, int]]:
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


def _http2(node: Json) -> bool:
    listeners = node.get("listeners") or [{}]
    return listeners[0].get("portMapping", {}).get("protocol") in ("http2", "grpc")
