"""The ALB router sends exactly these requests, and names every refusal."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from stepcanary.aws import clients
from stepcanary.domain.profile import AlbTraffic
from stepcanary.domain.split import Split
from stepcanary.errors import AwsRefused, AwsUnavailable, RequestRejected
from stepcanary.traffic.alb import AlbRouter
from stepcanary.traffic.factory import read_of, read_together
from stepcanary.traffic.shift import Known, force, shift

ELB = "arn:aws:elasticloadbalancing:us-east-1:123456789012"
RULE = f"{ELB}:listener-rule/app/shop/1/2/3"
LISTENER = f"{ELB}:listener/app/shop/1/2"
A, B, OTHER = (f"{ELB}:targetgroup/{name}/9" for name in ("a", "b", "other"))
OFF = {"Enabled": False}
AT_REST = Known(weight=0, target=0, version=None)
OIDC = {
    "Issuer": "https://id.example.com",
    "AuthorizationEndpoint": "https://id.example.com/authorize",
    "TokenEndpoint": "https://id.example.com/token",
    "UserInfoEndpoint": "https://id.example.com/userinfo",
    "ClientId": "checkout",
    "Scope": "openid",
}
JWT = {"JwksEndpoint": "https://id.example.com/jwks", "Issuer": "https://id.example.com"}


def router(*, rest_weight: int | None = None, **changed: Any) -> AlbRouter:
    where = {"listener_rule": RULE} if "listener" not in changed else {}
    return AlbRouter(
        AlbTraffic(
            router="alb",
            primary_target_group=A,
            canary_target_group=B,
            rest_weight=rest_weight,
            **{**where, **changed},
        )
    )


@pytest.fixture
def stubber(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = boto3.client("elbv2", region_name="us-east-1")
    monkeypatch.setattr(clients, "elbv2", lambda: client)
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


def forward(*weights: tuple[str, int], **more: Any) -> dict[str, Any]:
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights]
    config = {"TargetGroups": groups, "TargetGroupStickinessConfig": OFF}
    return {"Type": "forward", "ForwardConfig": config, **more}


def plain(*, weight: int = 1) -> dict[str, Any]:
    """As AWS answers it, in both forms."""
    return forward((A, weight), TargetGroupArn=A)


def describe(stubber: Stubber, *actions: dict[str, Any], default: bool = False) -> None:
    rule = {"RuleArn": RULE, "Priority": "9", "Actions": list(actions), "IsDefault": default}
    stubber.add_response("describe_rules", {"Rules": [rule]}, {"RuleArns": [RULE]})


def modify(stubber: Stubber, *actions: dict[str, Any]) -> None:
    stubber.add_response("modify_rule", {"Rules": []}, {"RuleArn": RULE, "Actions": list(actions)})


def test_a_shift_is_read_write_read_and_nothing_else_changes(stubber: Stubber) -> None:
    def login(**more: Any) -> dict[str, Any]:
        config = {**OIDC, **more}
        return {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": config}

    before = forward((OTHER, 7), (B, 0), (A, 200), Order=2)
    after = forward((OTHER, 7), (B, 10), (A, 190), Order=2)
    describe(stubber, login(), before)
    modify(stubber, login(UseExistingClientSecret=True), after)
    describe(stubber, login(), after)
    assert shift(router(), AT_REST, 5).split == Split(primary=190, canary=10)


def test_a_plain_rule_gets_a_second_group_and_total_of_100(stubber: Stubber) -> None:
    describe(stubber, plain())
    modify(stubber, forward((A, 95), (B, 5)))
    describe(stubber, forward((A, 95), (B, 5)))
    assert shift(router(rest_weight=1), AT_REST, 5).split == Split(primary=95, canary=5)


def test_a_plain_rule_is_plain_again_at_rest(stubber: Stubber) -> None:
    describe(stubber, forward((A, 5), (B, 95)))
    modify(stubber, plain())
    describe(stubber, plain())
    assert force(router(rest_weight=1), 0).now.split == Split(primary=100, canary=0)


def test_a_rule_that_listed_the_canary_lists_it_again_at_rest(stubber: Stubber) -> None:
    describe(stubber, forward((A, 5), (B, 95)))
    modify(stubber, forward((A, 100), (B, 0)))
    describe(stubber, forward((A, 100), (B, 0)))
    force(router(), 0)


def test_a_group_that_somebody_added_keeps_the_lone_weight_from_coming_back(
    stubber: Stubber,
) -> None:
    """A primary of weight 1 beside it would lose nearly all traffic."""
    describe(stubber, forward((A, 5), (B, 95), (OTHER, 50)))
    modify(stubber, forward((A, 100), (OTHER, 50)))
    describe(stubber, forward((A, 100), (OTHER, 50)))
    force(router(rest_weight=1), 0)


def test_a_default_action_is_modified_with_its_listener(stubber: Stubber) -> None:
    def listener(action: dict[str, Any]) -> dict[str, Any]:
        return {"Listeners": [{"ListenerArn": LISTENER, "DefaultActions": [action]}]}

    params = {"ListenerArns": [LISTENER]}
    sent = {"ListenerArn": LISTENER, "DefaultActions": [forward((A, 50), (B, 50), Order=1)]}
    stubber.add_response("describe_listeners", listener(plain() | {"Order": 1}), params)
    stubber.add_response("modify_listener", {"Listeners": []}, sent)
    stubber.add_response("describe_listeners", listener(forward((B, 50), (A, 50), Order=1)), params)
    assert shift(router(listener=LISTENER), AT_REST, 50).split == Split(50, 50)


@pytest.mark.parametrize(
    "answer",
    [
        {"Type": "forward", "TargetGroupArn": A},
        {"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": A}]}},
        {**plain(), "TargetGroupArn": A},
        forward((A, 1)),
    ],
    ids=["short", "long", "both", "long, with defaults"],
)
def test_every_way_to_say_plain_is_the_same(stubber: Stubber, answer: dict[str, Any]) -> None:
    describe(stubber, answer)
    reading = router().read()
    assert (reading.split, reading.rest_weight) == (Split(100, 0), 1)
    describe(stubber, plain())
    assert router().read() == reading


def test_the_order_of_an_answer_is_no_difference(stubber: Stubber) -> None:
    token = {"Type": "jwt-validation", "Order": 1, "JwtValidationConfig": JWT}
    describe(stubber, token, forward((A, 90), (B, 10), Order=2))
    reading = router().read()
    describe(stubber, forward((B, 10), (A, 90), Order=2), token)
    assert router().read() == reading


def test_a_default_rule_is_rejected(stubber: Stubber) -> None:
    describe(stubber, plain(), default=True)
    with pytest.raises(RequestRejected, match="name the listener in the profile"):
        router().read()


def test_a_canary_that_no_rule_lists_is_asked_about(stubber: Stubber) -> None:
    describe(stubber, plain())
    served = {"TargetGroups": [{"LoadBalancerArns": [f"{ELB}:loadbalancer/app/shop/1"]}]}
    stubber.add_response("describe_target_groups", served, {"TargetGroupArns": [B]})
    router().check(router().read())


@pytest.mark.parametrize(("side", "group"), [("primary", A), ("canary", B)])
def test_healthy_targets(stubber: Stubber, side: Any, group: str) -> None:
    states = ["healthy", "initial", "healthy", "draining", "unhealthy.draining", "unused"]
    found = {"TargetHealthDescriptions": [{"TargetHealth": {"State": s}} for s in states]}
    stubber.add_response("describe_target_health", found, {"TargetGroupArn": group})
    assert router().healthy_targets(side) == 2


def test_dimensions() -> None:
    for either in (router(), router(listener=LISTENER)):
        assert either.dimensions("canary").values == {
            "LoadBalancer": "app/shop/1",
            "TargetGroup": "targetgroup/b/9",
        }


def test_names() -> None:
    assert router().name == "listener rule app/shop/1/2/3"
    assert router(listener=LISTENER).name == "default action of app/shop/1/2"


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("RuleNotFound", 400, AwsRefused),
        ("ValidationError", 400, AwsRefused),
        ("AccessDenied", 403, AwsRefused),
        ("UnsupportedProtocol", 400, AwsRefused),
        ("Throttling", 400, AwsUnavailable),
        ("RequestLimitExceeded", 503, AwsUnavailable),
        ("InternalFailure", 500, AwsUnavailable),
        ("ServiceUnavailable", 503, AwsUnavailable),
    ],
)
def test_every_error_is_named(
    stubber: Stubber, code: str, status: int, expected: type[Exception]
) -> None:
    stubber.add_client_error("describe_rules", code, "message", status)
    with pytest.raises(expected, match=f"DescribeRules: {code}: message"):
        router().read()


@pytest.mark.parametrize(
    "code",
    [
        "IncompatibleProtocols",
        "InvalidLoadBalancerAction",
        "OperationNotPermitted",
        "TargetGroupAssociationLimit",
        "TargetGroupNotFound",
        "TooManyActions",
        "TooManyRegistrationsForTargetId",
        "TooManyUniqueTargetGroupsPerLoadBalancer",
    ],
)
def test_a_limit_is_no_reason_to_try_again(stubber: Stubber, code: str) -> None:
    describe(stubber, plain())
    stubber.add_client_error("modify_rule", code, "message", 400)
    with pytest.raises(AwsRefused, match=code):
        shift(router(), AT_REST, 5)


def traffic_of(number: int) -> AlbTraffic:
    return AlbTraffic(
        router="alb",
        listener_rule=f"{ELB}:listener-rule/app/shop/1/2/{number}",
        primary_target_group=A,
        canary_target_group=B,
    )


def rule_of(traffic: AlbTraffic, weight: int) -> dict[str, Any]:
    actions = [forward((A, 100 - weight), (B, weight))]
    return {"RuleArn": traffic.arn, "IsDefault": False, "Actions": actions}


def test_rules_of_many_releases_are_read_twenty_at_a_time(stubber: Stubber) -> None:
    traffics = [traffic_of(number) for number in range(23)]
    for some in (traffics[:20], traffics[20:]):
        # In an order of its own.
        rules = [rule_of(traffic, int(traffic.arn[-1])) for traffic in reversed(some)]
        asked = {"RuleArns": [traffic.arn for traffic in some]}
        stubber.add_response("describe_rules", {"Rules": rules}, asked)
    found = read_together(traffics)
    assert {arn: reading.split.canary for arn, reading in found.items()} == {
        traffic.arn: int(traffic.arn[-1]) for traffic in traffics
    }


def test_where_one_rule_is_gone_each_is_read_by_itself(stubber: Stubber) -> None:
    here, gone = traffic_of(1), traffic_of(2)
    stubber.add_client_error("describe_rules", "RuleNotFound")
    together = read_together([here, gone])
    assert together == {}
    stubber.add_response("describe_rules", {"Rules": [rule_of(here, 5)]}, {"RuleArns": [here.arn]})
    assert read_of(here, together).split == Split(95, 5)


def test_what_is_no_rule_is_read_by_itself(stubber: Stubber) -> None:
    default = AlbTraffic(
        router="alb", listener=LISTENER, primary_target_group=A, canary_target_group=B
    )
    assert read_together([default]) == {}
    answer = {"Listeners": [{"DefaultActions": [forward((A, 100), (B, 0))]}]}
    stubber.add_response("describe_listeners", answer, {"ListenerArns": [LISTENER]})
    assert read_of(default, {}).split.at_rest
