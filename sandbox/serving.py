"""Serving: an Envoy for everything in the account that takes requests from outside.

That is each load balancer and each Lattice service, whoever made it. Its DNS name is a port of
this machine, so that what AWS answers can be asked. A node of a mesh that calls others has an
Envoy too, which catches what its tasks send.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from moto.appmesh.models import appmesh_backends
from moto.elbv2.models import ELBv2Backend, elbv2_backends
from moto.vpclattice.models import VPCLatticeBackend, vpclattice_backends

from emulator.account import ACCOUNT, REGION
from sandbox.fronts.alb import LoadBalancer
from sandbox.fronts.appmesh import Proxies
from sandbox.fronts.front import Counted
from sandbox.fronts.lattice import LatticeService
from sandbox.fronts.mesh import Mesh
from sandbox.fronts.nlb import NetworkBalancer
from sandbox.gateway import Gateway
from sandbox.metrics import Metrics
from sandbox.ports import HOST, free_port
from sandbox.timers import Ticks

NODE = "/virtualNode/"
SERVED = ("AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::VpcLattice::Service")


@contextmanager
def reachable() -> Iterator[None]:
    """AWS: a DNS name leads to what it is the name of. Here its host is this machine, with a port.

    Only what is made while this is open has such a name, and is served.
    """
    make_balancer = ELBv2Backend.create_load_balancer
    make_service = VPCLatticeBackend.create_service

    def create_load_balancer(self: ELBv2Backend, *args: Any, **kwargs: Any) -> Any:
        made = make_balancer(self, *args, **kwargs)
        made.dns_name = f"{HOST}:{free_port()}"
        return made

    def create_service(self: VPCLatticeBackend, *args: Any, **kwargs: Any) -> Any:
        made = make_service(self, *args, **kwargs)
        made.dns_entry.domain_name = f"{HOST}:{free_port()}"
        return made

    with (
        patch.object(ELBv2Backend, "create_load_balancer", create_load_balancer),
        patch.object(VPCLatticeBackend, "create_service", create_service),
    ):
        yield


@dataclass(frozen=True, slots=True)
class Place:
    """Something to serve: what it is known by, its name for people, its port, and its work."""

    key: str
    name: str
    port: int
    counted: Counted


class Serving:
    """Looks at what there is, tick by tick: starts an Envoy for what is new, ends one when what it
    served is gone."""

    def __init__(self, meter: Metrics, *, tick: float = 0.2) -> None:
        self._meter = meter
        self._lock = threading.Lock()
        self._served: dict[str, Gateway] = {}
        self._names: dict[str, str] = {}
        self._beside: dict[tuple[str, str], int] = {}
        """By mesh and node, the port of the Envoy beside its tasks."""
        self._ticks = Ticks("what serves requests", self.look, tick)

    def start(self) -> None:
        self._ticks.start()

    def close(self) -> None:
        self._ticks.close()
        with self._lock:
            for gateway in self._served.values():
                gateway.close()
            self._served.clear()

    def look(self) -> None:
        """Serve what there is now; when this ends, whatever there was before it is served."""
        with self._lock:
            wanted = {each.key: each for each in (*_outside(), *self._inside())}
            for key in self._served.keys() - wanted.keys():
                gateway = self._served.pop(key)
                self._meter.forget(gateway)
                gateway.close()
            for key in wanted.keys() - self._served.keys():
                new = wanted[key]
                gateway = Gateway(new.counted, port=new.port)
                gateway.start()
                self._meter.count(gateway, new.counted)
                self._served[key], self._names[key] = gateway, new.name

    def urls(self) -> dict[str, str]:
        """Where requests come in, by the name of the load balancer or the Lattice service."""
        with self._lock:
            return {
                self._names[key]: gateway.url
                for key, gateway in self._served.items()
                if NODE not in key
            }

    def admin_url(self, url: str) -> str:
        """The admin page of the Envoy that serves this URL."""
        with self._lock:
            (found,) = [each for each in self._served.values() if each.url == url]
        return found.admin_url

    def proxy_of(self, containers: list[dict[str, Any]]) -> dict[str, str]:
        """The variables that send a task's requests through the Envoy beside it, if it has one."""
        for container in containers:
            for variable in container.get("environment", []):
                if variable["name"] == "APPMESH_RESOURCE_ARN" and NODE in variable["value"]:
                    mesh, node = variable["value"].partition(":mesh/")[2].split(NODE)
                    if Mesh(mesh).backends(node):
                        port = self._beside.setdefault((mesh, node), free_port())
                        return {"http_proxy": f"http://{HOST}:{port}"}
        return {}

    def _inside(self) -> Iterator[Place]:
        for mesh in list(appmesh_backends[ACCOUNT][REGION].meshes):
            for node in list(appmesh_backends[ACCOUNT][REGION].meshes[mesh].virtual_nodes):
                if Mesh(mesh).backends(node):
                    port = self._beside.setdefault((mesh, node), free_port())
                    yield Place(f"{mesh}{NODE}{node}", node, port, Proxies(mesh, node=node))


def _outside() -> Iterator[Place]:
    for balancer in list(elbv2_backends[ACCOUNT][REGION].load_balancers.values()):
        if port := _port(balancer.dns_name):
            is_network = balancer.type == "network"
            counted = (NetworkBalancer if is_network else LoadBalancer)(balancer.arn)
            yield Place(balancer.arn, balancer.name, port, counted)
    for service in list(vpclattice_backends[ACCOUNT][REGION].services.values()):
        if port := _port(service.dns_entry.domain_name):
            yield Place(service.arn, service.name, port, LatticeService(service.id))


def _port(name: str) -> int | None:
    host, _, port = name.partition(":")
    return int(port) if host == HOST else None
