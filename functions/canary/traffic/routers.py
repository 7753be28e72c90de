"""Which router serves which kind of traffic: the one list to extend."""

from canary.profile import AlbTraffic, AppMeshTraffic, Traffic
from canary.traffic import TrafficRouter
from canary.traffic.alb import AlbRouter
from canary.traffic.appmesh import AppMeshRouter
from canary.traffic.lattice import LatticeRouter


def router_for(traffic: Traffic) -> TrafficRouter:
    if isinstance(traffic, AppMeshTraffic):
        return AppMeshRouter(traffic)
    if isinstance(traffic, AlbTraffic):
        return AlbRouter(traffic)
    return LatticeRouter(traffic)
