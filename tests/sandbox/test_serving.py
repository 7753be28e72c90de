"""What takes requests is found, whoever made it, and what Envoy is to do for it."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from emulator.moto_gaps import appmesh, elbv2
from sandbox.fronts.mesh import Mesh
from sandbox.fronts.nlb import NetworkBalancer
from sandbox.metrics import Metrics
from sandbox.serving import Serving, reachable


def client(service: str) -> Any:
    return boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]


@pytest.fixture
def account() -> Iterator[None]:
    with appmesh.filled(), elbv2.filled(), reachable(), mock_aws():
        yield


def balancer(type: str, protocol: str) -> tuple[str, str]:
    """The ARNs of a load balancer and of its group, which has a target on port 12345."""
    elb, subnets = client("elbv2"), client("ec2").describe_subnets()["Subnets"][:2]
    made = elb.create_load_balancer(
        Name="web", Type=type, Subnets=[subnet["SubnetId"] for subnet in subnets]
    )["LoadBalancers"][0]
    vpc = subnets[0]["VpcId"]
    group = elb.create_target_group(
        Name="web", Protocol=protocol, Port=80, VpcId=vpc, TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    elb.create_listener(
        LoadBalancerArn=made["LoadBalancerArn"],
        Protocol=protocol,
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": "127.0.0.1", "Port": 12345}])
    return made["LoadBalancerArn"], group


@pytest.mark.usefixtures("account")
def test_a_network_load_balancer_passes_connections_on_to_its_targets() -> None:
    arn, _ = balancer("network", "TCP")
    plan = NetworkBalancer(arn).plan()
    assert plan.clusters["web"].endpoints == [("127.0.0.1", 12345)]
    assert plan.tcp == {"weighted_clusters": {"clusters": [{"name": "web", "weight": 1}]}}


@pytest.mark.usefixtures("account")
def test_what_is_made_is_served_at_its_name_until_it_is_gone() -> None:
    serving = Serving(Metrics())
    try:
        serving.look()
        assert serving.urls() == {}
        arn, _ = balancer("application", "HTTP")
        serving.look()
        (found,) = client("elbv2").describe_load_balancers()["LoadBalancers"]
        assert serving.urls() == {"web": f"http://{found['DNSName']}"}
        assert serving.admin_url(f"http://{found['DNSName']}").startswith("http://127.0.0.1:")
        client("elbv2").delete_load_balancer(LoadBalancerArn=arn)
        serving.look()
        assert serving.urls() == {}
    finally:
        serving.close()


@pytest.mark.usefixtures("account")
def test_the_envoy_beside_a_node_knows_its_backends_by_their_names() -> None:
    mesh = client("appmesh")
    mesh.create_mesh(meshName="m", spec={})
    listener = {"portMapping": {"port": 80, "protocol": "http"}}
    backends = [{"virtualService": {"virtualServiceName": "beta.internal"}}]
    for name, calls in (("alpha", {"backends": backends}), ("beta", {})):
        spec: Any = {"listeners": [listener], **calls}
        mesh.create_virtual_node(meshName="m", virtualNodeName=name, spec=spec)
    provider = {"provider": {"virtualNode": {"virtualNodeName": "beta"}}}
    mesh.create_virtual_service(meshName="m", virtualServiceName="beta.internal", spec=provider)
    (route,) = Mesh("m").backend_routes("alpha")
    (host,) = route["match"]["headers"]
    assert host["name"] == ":authority"
    assert host["string_match"]["safe_regex"]["regex"] == r"beta\.internal(:\d+)?"
    assert list(Mesh("m").backend_routes("beta")) == []

    serving = Serving(Metrics())
    arn = "arn:aws:appmesh:us-east-1:123456789012:mesh/m/virtualNode"
    alpha, beta = (
        [{"environment": [{"name": "APPMESH_RESOURCE_ARN", "value": f"{arn}/{node}"}]}]
        for node in ("alpha", "beta")
    )
    assert serving.proxy_of(alpha)["http_proxy"].startswith("http://127.0.0.1:")
    assert serving.proxy_of(alpha) == serving.proxy_of(alpha)
    assert serving.proxy_of(beta) == {}
