"""The fronts: what they refuse as AWS does, and what Envoy is told to do about the rest."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from emulator.moto_gaps import appmesh, elbv2, vpc_lattice
from sandbox import article
from sandbox.fronts.alb import Alb
from sandbox.fronts.chain import Chain
from sandbox.fronts.front import Front, Json
from sandbox.fronts.lattice import Lattice
from sandbox.fronts.names import FRONTS, split


def client(service: str) -> Any:
    return boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]


def created(front: Front) -> Iterator[Any]:
    with appmesh.filled(), elbv2.filled(), vpc_lattice.filled(), mock_aws():
        article.create(client, front, [8080, 8081][: len(front.entries())])
        yield front


@pytest.fixture
def alb() -> Iterator[Alb]:
    yield from created(Alb())


@pytest.fixture
def lattice() -> Iterator[Lattice]:
    yield from created(Lattice())


@pytest.fixture
def chain() -> Iterator[Chain]:
    yield from created(Chain())


def code_of(call: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**params)
    code: str = refused.value.response["Error"]["Code"]
    return code


def lattice_rule(front: Lattice) -> Json:
    named = front.traffic
    return {
        "serviceIdentifier": named["service"],
        "listenerIdentifier": named["listener"],
        "ruleIdentifier": named["rule"],
    }


def forward(*groups: tuple[str, int]) -> Json:
    pairs = [{"targetGroupIdentifier": id, "weight": weight} for id, weight in groups]
    return {"forward": {"targetGroups": pairs}}


@pytest.mark.parametrize("router", FRONTS)
def test_an_environment_starts_at_rest(router: str) -> None:
    for front in created(FRONTS[router]()):
        assert split(client, front.traffic) == (100, 0)
        plan = front.plan()
        assert set(plan.clusters) == {"example1", "example2"}
        assert [cluster.endpoints for cluster in plan.clusters.values()] == [[], []]
        action = plan.routes[0]["route"]["weighted_clusters"]
        assert action["clusters"] == [{"name": "example1", "weight": 100}]


def test_lattice_has_ids_as_aws_has_them(lattice: Lattice) -> None:
    named = lattice_rule(lattice)
    service = client("vpc-lattice")
    rule = service.get_rule(**named)
    by_arn = service.get_rule(**{**named, "ruleIdentifier": rule["arn"]})
    assert by_arn["id"] == rule["id"] == named["ruleIdentifier"]
    rules = service.list_rules(
        serviceIdentifier=named["serviceIdentifier"], listenerIdentifier=named["listenerIdentifier"]
    )["items"]
    assert [rule["isDefault"] for rule in rules] == [False, True]
    default = service.get_rule(**{**named, "ruleIdentifier": rules[1]["id"]})
    assert default["action"] == {"fixedResponse": {"statusCode": 404}}


def test_lattice_refuses_what_aws_refuses(lattice: Lattice) -> None:
    service, named = client("vpc-lattice"), lattice_rule(lattice)
    first, second = (lattice.traffic[f"{side}_target_group"] for side in ("primary", "canary"))
    before = service.get_rule(**named)
    many = [(f"tg-{n:017d}", 1) for n in range(11)]
    default = {**named, "ruleIdentifier": f"rule-{named['listenerIdentifier'][9:]}"}
    for action in (forward((first, 1000), (second, 0)), forward(*many)):
        assert code_of(service.update_rule, **named, action=action) == "ValidationException"
    wrong = {**named, "ruleIdentifier": "rule-14d155b8-d394-4530"}
    assert code_of(service.get_rule, **wrong) == "ValidationException"
    unknown = forward(("tg-00000000000000000", 1))
    assert code_of(service.update_rule, **named, action=unknown) == "ResourceNotFoundException"
    known = forward((first, 1))
    assert code_of(service.update_rule, **default, action=known) == "ValidationException"
    gone = {**named, "ruleIdentifier": "rule-00000000000000000"}
    assert code_of(service.update_rule, **gone, action=known) == "ResourceNotFoundException"
    assert service.get_rule(**named)["action"] == before["action"]


def test_lattice_updates_keep_what_they_do_not_name(lattice: Lattice) -> None:
    service, named = client("vpc-lattice"), lattice_rule(lattice)
    first, second = (lattice.traffic[f"{side}_target_group"] for side in ("primary", "canary"))
    before = service.get_rule(**named)
    service.update_rule(**named, action=forward((first, 95), (second, 5)))
    after = service.get_rule(**named)
    assert (after["match"], after["priority"]) == (before["match"], before["priority"])
    assert split(client, lattice.traffic) == (95, 5)
    listener = {k: named[k] for k in ("serviceIdentifier", "listenerIdentifier")}
    service.update_listener(**listener, defaultAction=forward((second, 1)))
    assert service.get_listener(**listener)["defaultAction"] == forward((second, 1))
    *_, default = lattice.plan().routes
    assert default["route"]["weighted_clusters"]["clusters"] == [{"name": "example2", "weight": 1}]


def test_lattice_targets_come_in_pages(lattice: Lattice) -> None:
    service, group = client("vpc-lattice"), lattice.traffic["primary_target_group"]
    targets = [{"id": "127.0.0.1", "port": port} for port in range(9000, 9150)]
    service.register_targets(targetGroupIdentifier=group, targets=targets[:100])
    service.register_targets(targetGroupIdentifier=group, targets=targets[100:])
    pages = service.get_paginator("list_targets").paginate(targetGroupIdentifier=group)
    assert [item["port"] for page in pages for item in page["items"]] == list(range(9000, 9150))
    service.deregister_targets(targetGroupIdentifier=group, targets=targets[:100])
    assert len(lattice.plan().clusters["example1"].endpoints) == 50


def test_the_load_balancer_refuses_what_aws_refuses(alb: Alb) -> None:
    elb, named = client("elbv2"), {"RuleArn": alb.traffic["listener_rule"]}
    first, second = (alb.traffic[f"{side}_target_group"] for side in ("primary", "canary"))

    def weighted(*weights: int, **more: Any) -> list[Json]:
        groups = [
            {"TargetGroupArn": arn, "Weight": weight}
            for arn, weight in zip((first, second), weights, strict=False)
        ]
        return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}, **more}]

    assert code_of(elb.modify_rule, **named, Actions=weighted(1000, 0)) == "ValidationError"
    both = weighted(100, 0, TargetGroupArn=first)
    assert code_of(elb.modify_rule, **named, Actions=both) == "ValidationError"
    gone = [{"Type": "forward", "TargetGroupArn": first.replace("example1", "gone")}]
    assert code_of(elb.modify_rule, **named, Actions=gone) == "TargetGroupNotFound"
    assert split(client, alb.traffic) == (100, 0)
    elb.modify_rule(**named, Actions=weighted(95, 5))
    assert split(client, alb.traffic) == (95, 5)


def test_targets_of_one_address_are_told_apart(alb: Alb) -> None:
    elb, group = client("elbv2"), alb.traffic["primary_target_group"]
    targets = [{"Id": "127.0.0.1", "Port": port} for port in (9000, 9001)]
    elb.register_targets(TargetGroupArn=group, Targets=targets)
    elb.deregister_targets(TargetGroupArn=group, Targets=targets[:1])
    health = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert [(t["Target"]["Port"], t["TargetHealth"]["State"]) for t in health] == [
        (9001, "healthy")
    ]
    description = elb.describe_target_health(TargetGroupArn=group, Targets=targets[:1])
    assert description["TargetHealthDescriptions"][0]["TargetHealth"]["State"] == "unused"


def test_rules_reach_envoy_in_their_order(alb: Alb) -> None:
    elb = client("elbv2")
    listener = elb.describe_listeners(
        LoadBalancerArn=elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    )["Listeners"][0]["ListenerArn"]
    elb.create_rule(
        ListenerArn=listener,
        Priority=5,
        Conditions=[
            {"Field": "path-pattern", "Values": ["/cart/*"]},
            {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.example.com"]}},
            {
                "Field": "http-request-method",
                "HttpRequestMethodConfig": {"Values": ["GET", "HEAD"]},
            },
        ],
        Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
    )
    cart, everything, default = alb.plan().routes
    assert cart["match"]["safe_regex"]["regex"] == "/cart/.*"
    host, method = cart["match"]["headers"]
    assert method["string_match"]["safe_regex"]["regex"] == "(GET)|(HEAD)"
    assert host == {
        "name": ":authority",
        "string_match": {"safe_regex": {"regex": r"(.*\.example\.com)"}},
    }
    assert cart["direct_response"] == {"status": 503}
    assert "route" in everything
    assert default["direct_response"] == {"status": 404}


def test_no_gateway_leads_to_the_split_of_the_chain(chain: Chain) -> None:
    gateway, sidecar = (entry.plan() for entry in chain.entries())
    clusters = [route["route"]["weighted_clusters"]["clusters"] for route in gateway.routes]
    assert clusters == [[{"name": "alpha", "weight": 100}]]
    clusters = [route["route"]["weighted_clusters"]["clusters"] for route in sidecar.routes]
    assert clusters == [[{"name": "example1", "weight": 100}]]
