"""Which router serves which kind of traffic: the one list to extend."""

from canary.profile import Traffic
from canary.traffic import TrafficRouter
from canary.traffic.appmesh import AppMeshRouter


def router_for(traffic: Traffic) -> TrafficRouter:
    return AppMeshRouter(traffic)
