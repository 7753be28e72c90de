"""Factory: which router serves which kind of traffic: the one list to extend."""

from collections.abc import Callable
from typing import Any

from stepcanary.domain.profile import AlbTraffic, AppMeshTraffic, LatticeTraffic, Traffic
from stepcanary.traffic.alb import AlbRouter
from stepcanary.traffic.appmesh import AppMeshRouter
from stepcanary.traffic.lattice import LatticeRouter
from stepcanary.traffic.router import TrafficRouter

ROUTERS: dict[type[Traffic], Callable[[Any], TrafficRouter]] = {
    AppMeshTraffic: AppMeshRouter,
    AlbTraffic: AlbRouter,
    LatticeTraffic: LatticeRouter,
}


def router_for(traffic: Traffic) -> TrafficRouter:
    return ROUTERS[type(traffic)](traffic)
