"""Router metrics: which of a router's own metrics count a side's requests, and its bad answers."""

from collections.abc import Iterable

from stepcanary.domain.identifiers import alb_name, alb_resource, lattice_id
from stepcanary.domain.measures import BY_THE_MINUTE, Measure, MeshSeries, Series
from stepcanary.domain.profile import AlbTraffic, AnyTraffic, AppMeshTraffic, LatticeTraffic
from stepcanary.domain.split import SideName


def errors_of(traffic: Iterable[AnyTraffic], side: SideName, mesh: MeshSeries) -> Measure:
    """Answers with a 5xx status, and connections that the targets did not take.

    Not all requests less those that went well: requests in flight weigh more on the small side.
    """
    requests, bad = [], []
    for each in traffic:
        match each:
            case AlbTraffic():
                place = _alb(each, side)
                requests.append(_series("AWS/ApplicationELB", "RequestCount", place))
                for metric in ("HTTPCode_Target_5XX_Count", "TargetConnectionErrorCount"):
                    bad.append(_series("AWS/ApplicationELB", metric, place))
            case LatticeTraffic():
                place = _lattice(each, side)
                requests.append(_series("AWS/VpcLattice", "TotalRequestCount", place))
                for metric in ("HTTPCode_5XX_Count", "ConnectionErrorCount"):
                    bad.append(_series("AWS/VpcLattice", metric, place))
            case AppMeshTraffic():
                place = _mesh(each, side)
                requests.append(
                    _series(mesh.namespace, f"{mesh.prefix}RequestCountPerTarget", place)
                )
                bad.append(
                    _series(mesh.namespace, f"{mesh.prefix}HTTPCode_Target_5XX_Count", place)
                )
    return Measure(requests=requests, bad=bad)


def slow_of(
    traffic: Iterable[AnyTraffic], side: SideName, slower_than_ms: float, mesh: MeshSeries
) -> Measure:
    """Answers that took longer than so many milliseconds, of those that were timed."""
    requests, bad = [], []
    for each in traffic:
        match each:
            case AlbTraffic():
                # In seconds.
                name, limit = ("AWS/ApplicationELB", "TargetResponseTime"), slower_than_ms / 1000
                place = _alb(each, side)
            case LatticeTraffic():
                name, limit = ("AWS/VpcLattice", "RequestTime"), slower_than_ms
                place = _lattice(each, side)
            case AppMeshTraffic():
                name, limit = (mesh.namespace, f"{mesh.prefix}TargetResponseTime"), slower_than_ms
                place = _mesh(each, side)
        requests.append(_series(*name, place, "SampleCount"))
        bad.append(_series(*name, place, f"TC({limit:g}:)"))
    return Measure(requests=requests, bad=bad)


ZONES = "abcdef"


def zones_of(region: str) -> list[str]:
    """The zones that a Region may have; metrics of one that it does not have are no data."""
    return [f"{region}{letter}" for letter in ZONES]


def in_zone(measure: Measure, zone: str) -> Measure | None:
    """What counts a side's answers of one zone; None where metrics do not tell."""
    if any(each.namespace not in BY_THE_MINUTE for each in (*measure.requests, *measure.bad)):
        return None

    def zoned(series: list[Series]) -> list[Series]:
        return [
            each.model_copy(update={"dimensions": {**each.dimensions, "AvailabilityZone": zone}})
            for each in series
        ]

    return Measure(requests=zoned(measure.requests), bad=zoned(measure.bad))


def times_of(traffic: Iterable[AnyTraffic], mesh: MeshSeries) -> list[tuple[AnyTraffic, Series]]:
    """For each route, what one in twenty of the primary's answers took longer than."""
    return [
        (
            each,
            slow_of([each], "primary", 1, mesh).requests[0].model_copy(update={"statistic": "p95"}),
        )
        for each in traffic
    ]


def milliseconds(traffic: AnyTraffic, value: float) -> float:
    """A load balancer's response times are in seconds, all others in milliseconds."""
    return value * 1_000 if isinstance(traffic, AlbTraffic) else value


def _series(
    namespace: str, metric: str, dimensions: dict[str, str], statistic: str = "Sum"
) -> Series:
    return Series(namespace=namespace, metric=metric, dimensions=dimensions, statistic=statistic)


def _alb(traffic: AlbTraffic, side: SideName) -> dict[str, str]:
    group = traffic.primary_target_group if side == "primary" else traffic.canary_target_group
    return {"LoadBalancer": alb_name(traffic.arn), "TargetGroup": alb_resource(group)}


def _lattice(traffic: LatticeTraffic, side: SideName) -> dict[str, str]:
    group = traffic.primary_target_group if side == "primary" else traffic.canary_target_group
    return {"TargetGroup": lattice_id(group)}


def _mesh(traffic: AppMeshTraffic, side: SideName) -> dict[str, str]:
    node = traffic.primary_node if side == "primary" else traffic.canary_node
    return {"Mesh": traffic.mesh, "TargetVirtualNode": node}
