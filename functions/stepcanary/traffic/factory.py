"""Factory: which router serves which kind of traffic: the one list to extend."""

from collections.abc import Callable, Sequence
from typing import Any

from stepcanary.domain.profile import AlbTraffic, AppMeshTraffic, LatticeTraffic, Traffic
from stepcanary.errors import AwsRefused, AwsUnavailable, RequestRejected
from stepcanary.traffic.alb import RULES_PER_CALL, AlbRouter
from stepcanary.traffic.appmesh import AppMeshRouter
from stepcanary.traffic.lattice import LatticeRouter
from stepcanary.traffic.router import Reading, TrafficRouter

ROUTERS: dict[type[Traffic], Callable[[Any], TrafficRouter]] = {
    AppMeshTraffic: AppMeshRouter,
    AlbTraffic: AlbRouter,
    LatticeTraffic: LatticeRouter,
}


def router_for(traffic: Traffic) -> TrafficRouter:
    return ROUTERS[type(traffic)](traffic)


def read_together(traffics: Sequence[Traffic]) -> dict[str, Reading]:
    """Those that one call answers for many, by the ARN of the rule; the others are read one by one.

    Only ELB reads many rules at a time, and it has the least to spare.
    """
    rules = [t for t in traffics if isinstance(t, AlbTraffic) and t.listener_rule]
    found: dict[str, Reading] = {}
    for first in range(0, len(rules), RULES_PER_CALL):
        some = rules[first : first + RULES_PER_CALL]
        try:
            readings = AlbRouter.read_together(some)
        except (AwsRefused, AwsUnavailable, RequestRejected):
            continue
        found |= {traffic.arn: reading for traffic, reading in zip(some, readings, strict=True)}
    return found


def read_of(traffic: Traffic, together: dict[str, Reading]) -> Reading:
    """From what was read together, or else by itself."""
    if isinstance(traffic, AlbTraffic) and traffic.arn in together:
        return together[traffic.arn]
    return router_for(traffic).read()
