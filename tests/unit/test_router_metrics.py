"""Router metrics: the published names and dimensions of each router, for both sides."""

import pytest

from stepcanary.domain.judging import Judging
from stepcanary.domain.measures import Series
from stepcanary.domain.profile import AlbTraffic, AnyTraffic, AppMeshTraffic, LatticeTraffic
from stepcanary.domain.router_metrics import errors_of, milliseconds, slow_of, times_of

ELB = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:"
ALB = AlbTraffic(
    router="alb",
    listener_rule=f"{ELB}listener-rule/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee",
    primary_target_group=f"{ELB}targetgroup/shop-primary/73e2d6bc24d8a067",
    canary_target_group=f"{ELB}targetgroup/shop-canary/73e2d6bc24d8a068",
)
LATTICE = LatticeTraffic(
    router="lattice",
    service="svc-0e7f4c1a2b3d5968f",
    listener="listener-0e7f4c1a2b3d5968f",
    primary_target_group="tg-0e7f4c1a2b3d5968f",
    canary_target_group="tg-1e7f4c1a2b3d5968f",
)
MESH = AppMeshTraffic(
    router="appmesh",
    mesh="shop",
    virtual_router="shop",
    route="shop",
    primary_node="shop-primary",
    canary_node="shop-canary",
)

MESH_NAMES = Judging().mesh


def shown(series: list[Series]) -> list[str]:
    return [f"{s.namespace} {s.metric} {s.statistic} {s.dimensions}" for s in series]


@pytest.mark.parametrize(
    ("traffic", "namespace", "place", "requests", "bad"),
    [
        (
            ALB,
            "AWS/ApplicationELB",
            {
                "LoadBalancer": "app/shop/50dc6c495c0c9188",
                "TargetGroup": "targetgroup/shop-canary/73e2d6bc24d8a068",
            },
            "RequestCount",
            ["HTTPCode_Target_5XX_Count", "TargetConnectionErrorCount"],
        ),
        (
            LATTICE,
            "AWS/VpcLattice",
            {"TargetGroup": "tg-1e7f4c1a2b3d5968f"},
            "TotalRequestCount",
            ["HTTPCode_5XX_Count", "ConnectionErrorCount"],
        ),
        (
            MESH,
            "Envoy",
            {"Mesh": "shop", "TargetVirtualNode": "shop-canary"},
            "envoy_appmesh_RequestCountPerTarget",
            ["envoy_appmesh_HTTPCode_Target_5XX_Count"],
        ),
    ],
    ids=["alb", "lattice", "appmesh"],
)
def test_errors_are_counted_by_the_routers_own_metrics(
    traffic: AnyTraffic, namespace: str, place: dict[str, str], requests: str, bad: list[str]
) -> None:
    found = errors_of([traffic], "canary", MESH_NAMES)
    assert shown(found.requests) == [f"{namespace} {requests} Sum {place}"]
    assert shown(found.bad) == [f"{namespace} {name} Sum {place}" for name in bad]
    other = errors_of([traffic], "primary", MESH_NAMES)
    assert other.requests[0].dimensions != found.requests[0].dimensions


def test_slow_answers_are_counted_above_a_limit_in_the_routers_unit() -> None:
    for traffic, limit in ((ALB, "TC(0.4:)"), (LATTICE, "TC(400:)"), (MESH, "TC(400:)")):
        found = slow_of([traffic], "canary", 400, MESH_NAMES)
        assert [each.statistic for each in found.bad] == [limit]
        assert [each.statistic for each in found.requests] == ["SampleCount"]
    assert milliseconds(ALB, 0.4) == milliseconds(LATTICE, 400) == 400


def test_several_routes_are_summed() -> None:
    found = errors_of([ALB, LATTICE], "canary", MESH_NAMES)
    assert (len(found.requests), len(found.bad)) == (2, 4)
    times = times_of([ALB, LATTICE], MESH_NAMES)
    assert [series.statistic for _, series in times] == ["p95", "p95"]
