"""Which router serves which kind of traffic: the one list to extend."""

from collections.abc import Callable
from typing import Any

from canary.profile import AlbTraffic, AppMeshTraffic, LatticeTraffic, Traffic
from canary.traffic import TrafficRouter
from canary.traffic.alb import AlbRouter
from canary.traffic.appmesh import AppMeshRouter
from canary.traffic.lattice import LatticeRouter

ROUTERS: dict[type[Traffic], Callable[[Any], TrafficRouter]] = {
    AppMeshTraffic: AppMeshRouter,
    AlbTraffic: AlbRouter,
    LatticeTraffic: LatticeRouter,
}


def router_for(traffic: Traffic) -> TrafficRouter:
    return ROUTERS[type(traffic)](traffic)
