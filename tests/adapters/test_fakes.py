"""The fakes refuse what AWS refuses: a router that passes them sends nothing of the kind."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.adapters.stands.alb import OIDC, OTHERS, A, B, forward
from tests.adapters.stands.lattice import forward as to
from tests.adapters.stands.stand import answer, connect
from tests.fakes import alb, lattice

SIXTH = alb.group("sixth")
GROUP, OTHER = "tg-0f9cb5af0bb75ab50", "tg-0594385e7ae170b9c"
MANY = [f"tg-0000000000000{n:04d}" for n in range(9)]
PLAIN = {"Type": "forward", "TargetGroupArn": A}
LOGIN = {**OIDC, "AuthenticateOidcConfig": dict(OIDC["AuthenticateOidcConfig"])}
del LOGIN["AuthenticateOidcConfig"]["ClientSecret"]
PAGE = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}


@pytest.fixture(autouse=True)
def clouds(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, alb.Alb([A, B, *OTHERS, SIXTH]), "elbv2")
    connect(monkeypatch, lattice.Lattice([GROUP, OTHER, *MANY]), "vpc_lattice")


@pytest.mark.parametrize(
    ("actions", "code"),
    [
        ([forward((A, 1000), (B, 0))], "ValidationError"),
        ([forward((A, -1), (B, 0))], "ValidationError"),
        ([forward(*((arn, 1) for arn in (A, B, *OTHERS)))], "ValidationError"),
        ([forward((A, 1), (A, 1))], "ValidationError"),
        ([{**forward((A, 1), (B, 1)), "TargetGroupArn": A}], "ValidationError"),
        ([{**forward((B, 1)), "TargetGroupArn": A}], "ValidationError"),
        ([{"Type": "forward"}], "ValidationError"),
        ([forward((A, 1), sticky={"Enabled": True})], "ValidationError"),
        ([forward((alb.group("unknown"), 1))], "TargetGroupNotFound"),
        ([LOGIN, {**PLAIN, "Order": 2}], "ValidationError"),
        (
            [
                {
                    **LOGIN,
                    "AuthenticateOidcConfig": {
                        "UseExistingClientSecret": True,
                        **LOGIN["AuthenticateOidcConfig"],
                    },
                },
                {**PLAIN, "Order": 2},
            ],
            "ValidationError",
        ),
        ([OIDC, PLAIN], "ValidationError"),
        ([OIDC], "InvalidLoadBalancerAction"),
        ([{**PLAIN, "Order": 1}, {**PAGE, "Order": 2}], "InvalidLoadBalancerAction"),
        ([{**PLAIN, "Order": 50_001}], "ValidationError"),
        ([{**PLAIN, "Type": "teapot"}], "ValidationError"),
    ],
)
def test_the_load_balancer_refuses(actions: list[Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        answer("elbv2", "modify_rule", RuleArn=alb.RULE, Actions=actions)
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"operation": "modify_rule", "RuleArn": alb.DEFAULT_RULE}, "OperationNotPermitted"),
        ({"operation": "modify_rule", "RuleArn": f"{alb.RULE}0"}, "RuleNotFound"),
        ({"operation": "modify_listener", "ListenerArn": "x"}, "ListenerNotFound"),
        ({"operation": "describe_rules", "RuleArns": ["x"]}, "RuleNotFound"),
        ({"operation": "describe_listeners", "ListenerArns": ["x"]}, "ListenerNotFound"),
        ({"operation": "describe_target_health", "TargetGroupArn": "x"}, "TargetGroupNotFound"),
    ],
)
def test_the_load_balancer_does_not_know(call: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        answer("elbv2", **call)
    assert refused.value.response["Error"]["Code"] == code


def test_the_load_balancer_never_tells_a_secret() -> None:
    actions = [OIDC, {**PLAIN, "Order": 2}]
    answer("elbv2", "modify_rule", RuleArn=alb.RULE, Actions=actions)
    rule = answer("elbv2", "describe_rules", RuleArns=[alb.RULE])["Rules"][0]
    assert "ecret" not in str(rule)
    assert rule["Actions"][0]["AuthenticateOidcConfig"]["Scope"] == "openid"
    forwarded = rule["Actions"][1]
    assert forwarded["TargetGroupArn"] == A
    assert forwarded["ForwardConfig"] == {
        "TargetGroups": [{"TargetGroupArn": A, "Weight": 1}],
        "TargetGroupStickinessConfig": {"Enabled": False},
    }


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (to((GROUP, 1000), (OTHER, 0)), "ValidationException"),
        (to(*((id, 1) for id in (GROUP, OTHER, *MANY))), "ValidationException"),
        (to((GROUP, 1), (lattice.group_arn(GROUP), 1)), "ValidationException"),
        (to(("tg-14d155b8-d394-453", 1)), "ValidationException"),
        (to(("tg-0000000000000000z", 1)), "ResourceNotFoundException"),
        ({"fixedResponse": {"statusCode": 200}}, "ValidationException"),
    ],
)
def test_lattice_refuses(action: dict[str, Any], code: str) -> None:
    where = {"serviceIdentifier": lattice.SERVICE, "listenerIdentifier": lattice.LISTENER}
    for operation, more in (
        ("update_rule", {"ruleIdentifier": lattice.RULE, "action": action}),
        ("update_listener", {"defaultAction": action}),
    ):
        with pytest.raises(ClientError) as refused:
            answer("vpc_lattice", operation, **where, **more)
        assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (lattice.DEFAULT_RULE, "ValidationException"),
        ("rule-00000000000000009", "ResourceNotFoundException"),
        ("rule-14d155b8-d394-453", "ValidationException"),
    ],
)
def test_lattice_updates_no_such_rule(rule: str, code: str) -> None:
    where = {"serviceIdentifier": lattice.SERVICE, "listenerIdentifier": lattice.LISTENER}
    with pytest.raises(ClientError) as refused:
        answer("vpc_lattice", "update_rule", **where, ruleIdentifier=rule, action=to((GROUP, 1)))
    assert refused.value.response["Error"]["Code"] == code
