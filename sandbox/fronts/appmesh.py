"""App Mesh: the article's mesh, whose gateway, routes and nodes become Envoy's."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar
from uuid import uuid4

import moto.appmesh.urls
from moto.appmesh.models import AppMeshBackend, appmesh_backends
from moto.appmesh.responses import AppMeshResponse
from moto.core.exceptions import JsonRESTError
from moto.servicediscovery.exceptions import NamespaceNotFound, ServiceNotFound
from moto.servicediscovery.models import servicediscovery_backends

from sandbox.ecs import ACCOUNT, REGION
from sandbox.envoy import REFUSED_ONLY, equals, weighted
from sandbox.fronts import SIDES, Attachment, ClientOf, Cluster, Entry, Json, Plan, Series

MESH = "example"
VIRTUAL_GATEWAY = "examplegw"
VIRTUAL_SERVICE = "example.example.internal"
ALPHA_SERVICE = "alpha.example.internal"
NAMESPACE = "example.internal"

RETRY_EVENTS = {
    "server-error": "5xx",
    "gateway-error": "gateway-error",
    "client-error": "retriable-4xx",
    "stream-error": "refused-stream",
    "connection-error": "connect-failure",
}


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
    }
    entry_service = VIRTUAL_SERVICE

    def install(self) -> Callable[[], None]:
        return fill_moto()

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


class Chain(AppMesh):
    """Service alpha -> service beta: the split is deep in the mesh, where no gateway leads.

    Alpha calls beta through the Envoy beside it. Beta's two versions are the article's nodes.
    """

    nodes: ClassVar[dict[str, int]] = {"alpha": 1, **SIDES}
    entry_service = ALPHA_SERVICE

    def entries(self) -> Sequence[Entry]:
        return [self, Sidecar(self)]

    def create(self, client: ClientOf, ports: Sequence[int]) -> dict[str, Attachment]:
        made = super().create(client, ports)
        client("appmesh").create_virtual_service(
            meshName=MESH,
            virtualServiceName=ALPHA_SERVICE,
            spec={"provider": {"virtualNode": {"virtualNodeName": "alpha"}}},
        )
        # On AWS this would be beta's name: the Envoy beside alpha catches what it sends.
        beside = {"UPSTREAM": f"http://127.0.0.1:{ports[1]}/"}
        made["alpha"] = Attachment(made["alpha"].service, made["alpha"].desired, beside)
        return made


class Sidecar:
    """The Envoy beside alpha's task, which knows the routes to its backend."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def plan(self) -> Plan:
        return self._chain.planned(lambda: self._chain.service_routes(VIRTUAL_SERVICE, {}))


class NotFound(JsonRESTError):
    code = 404

    def __init__(self, message: str) -> None:
        super().__init__("NotFoundException", message)


def fill_moto() -> Callable[[], None]:
    """Give moto's App Mesh the virtual services that it lacks; the answer takes them back."""

    def services(response: AppMeshResponse) -> dict[str, Json]:
        name = response._get_param("meshName")
        backend = response.appmesh_backend
        backend._validate_mesh(name, response._get_param("meshOwner"))
        return virtual_services(backend, name)

    def find(response: AppMeshResponse) -> Json:
        name = response._get_param("virtualServiceName")
        try:
            return services(response)[name]
        except KeyError:
            raise NotFound(f"There is no virtual service named {name}") from None

    def create_virtual_service(self: AppMeshResponse) -> str:
        body = json.loads(self.body)
        mesh, name = self._get_param("meshName"), body["virtualServiceName"]
        now = time.time()
        service = {
            "meshName": mesh,
            "virtualServiceName": name,
            "spec": body.get("spec") or {},
            "status": {"status": "ACTIVE"},
            "metadata": {
                "arn": f"arn:aws:appmesh:{self.region}:{self.current_account}"
                f":mesh/{mesh}/virtualService/{name}",
                "createdAt": now,
                "lastUpdatedAt": now,
                "meshOwner": self.current_account,
                "resourceOwner": self.current_account,
                "uid": str(uuid4()),
                "version": 1,
            },
        }
        services(self)[name] = service
        return json.dumps(service)

    def describe_virtual_service(self: AppMeshResponse) -> str:
        return json.dumps(find(self))

    def update_virtual_service(self: AppMeshResponse) -> str:
        service = find(self)
        service["spec"] = json.loads(self.body)["spec"]
        service["metadata"]["version"] += 1
        service["metadata"]["lastUpdatedAt"] = time.time()
        return json.dumps(service)

    def delete_virtual_service(self: AppMeshResponse) -> str:
        service = find(self)
        del services(self)[service["virtualServiceName"]]
        return json.dumps({**service, "status": {"status": "DELETED"}})

    def list_virtual_services(self: AppMeshResponse) -> str:
        refs = [
            {
                "meshName": service["meshName"],
                "virtualServiceName": service["virtualServiceName"],
                **{k: v for k, v in service["metadata"].items() if k != "uid"},
            }
            for service in services(self).values()
        ]
        return json.dumps({"virtualServices": refs})

    added = (
        create_virtual_service,
        describe_virtual_service,
        update_virtual_service,
        delete_virtual_service,
        list_virtual_services,
    )
    base = "{0}/v20190125/meshes/(?P<meshName>[^/]+)/virtualServices"
    paths = [base + "$", base + "/(?P<virtualServiceName>[^/]+)$"]
    for function in added:
        setattr(AppMeshResponse, function.__name__, function)
    moto.appmesh.urls.url_paths.update(dict.fromkeys(paths, AppMeshResponse.dispatch))

    def restore() -> None:
        for function in added:
            delattr(AppMeshResponse, function.__name__)
        for path in paths:
            del moto.appmesh.urls.url_paths[path]

    return restore


def virtual_services(backend: AppMeshBackend, mesh: str) -> dict[str, Json]:
    found: dict[str, Json] = backend.meshes[mesh].__dict__.setdefault("virtual_services", {})
    return found


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
        meshName=MESH, virtualRouterName="example", routeName="example", spec=route_spec(100, 0)
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


def by_priority(specs: list[Json]) -> list[Json]:
    """App Mesh order: the lowest priority first, then those without; then the longest prefix."""

    def key(spec: Json) -> tuple[int, int]:
        route: Json = next((v for k, v in spec.items() if k.endswith("Route")), {})
        prefix = (route.get("match") or {}).get("prefix") or ""
        return spec.get("priority", 1001), -len(prefix)

    return sorted(specs, key=key)


def weights_of(action: Json) -> dict[str, int]:
    return {target["virtualNode"]: target["weight"] for target in action["weightedTargets"]}


def tcp_action(route: Json) -> Json:
    action: Json = weighted(weights_of(route["action"])).get("route", {"cluster": "-"})
    if idle := (route.get("timeout") or {}).get("idle"):
        action["idle_timeout"] = duration(idle)
    return action


def http_route(entry: Json, spec: Json) -> Json:
    route = spec.get("httpRoute") or spec.get("http2Route") or spec["grpcRoute"]
    outer, inner = entry.get("match") or {}, route.get("match") or {}
    match = path_match(inner)
    rewrite = None
    prefix = (outer.get("prefix") or "/").rstrip("/")
    if prefix and "prefix" in match:
        # A gateway route replaces its own prefix by "/" before the router sees the path.
        rewrite, match["prefix"] = match["prefix"], prefix + match["prefix"]
    headers = [header_match(h) for m in (outer, inner) for h in m.get("headers") or []]
    headers += [header_match(h) for h in inner.get("metadata") or []]
    headers += [equals(":method", m["method"]) for m in (outer, inner) if m.get("method")]
    if hostname := outer.get("hostname"):
        headers.append({"name": ":authority", "string_match": string_match(hostname)})
    parameters = [
        {"name": p["name"], "string_match": {"exact": p["match"]["exact"]}}
        if p.get("match")
        else {"name": p["name"], "present_match": True}
        for m in (outer, inner)
        for p in m.get("queryParameters") or []
    ]
    match.update({"headers": headers, "query_parameters": parameters})
    action: Json = {"retry_policy": retry_policy(route.get("retryPolicy"))}
    timeout = route.get("timeout") or {}
    if per_request := timeout.get("perRequest"):
        action["timeout"] = duration(per_request)
    if idle := timeout.get("idle"):
        action["idle_timeout"] = duration(idle)
    if rewrite is not None:
        action["prefix_rewrite"] = rewrite
    return {"match": match, **weighted(weights_of(route["action"]), **action)}


def path_match(match: Json) -> Json:
    if service := match.get("serviceName"):
        method = match.get("methodName")
        return {"path": f"/{service}/{method}"} if method else {"prefix": f"/{service}/"}
    path = match.get("path") or {}
    if path.get("exact"):
        return {"path": path["exact"]}
    if path.get("regex"):
        return {"safe_regex": {"regex": path["regex"]}}
    return {"prefix": match.get("prefix") or "/"}


def header_match(header: Json) -> Json:
    result: Json = {"name": header["name"]}
    if header.get("invert"):
        result["invert_match"] = True
    match = header.get("match")
    if not match:
        result["present_match"] = True
    elif "range" in match:
        result["range_match"] = match["range"]
    else:
        result["string_match"] = string_match(match)
    return result


def string_match(match: Json) -> Json:
    if "regex" in match:
        return {"safe_regex": {"regex": match["regex"]}}
    return {kind: match[kind] for kind in ("exact", "prefix", "suffix") if kind in match}


def retry_policy(policy: Json | None) -> Json:
    if policy is None:
        # App Mesh adds two hidden retries, also on 503, to a route without a policy. They would
        # hide an unhealthy canary from every count made here.
        return REFUSED_ONLY
    events = [
        RETRY_EVENTS.get(event, event)
        for kind in ("httpRetryEvents", "tcpRetryEvents", "grpcRetryEvents")
        for event in policy.get(kind) or []
    ]
    result = {"retry_on": ",".join(events), "num_retries": policy["maxRetries"]}
    if per_try := policy.get("perRetryTimeout"):
        result["per_try_timeout"] = duration(per_try)
    return result


def duration(value: Json) -> str:
    seconds = value["value"] / 1000 if value["unit"] == "ms" else float(value["value"])
    return f"{seconds:.3f}s"
