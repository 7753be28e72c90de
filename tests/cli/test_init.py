"""A profile is proposed by what divides the requests, and not where that is unclear."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepcanary.domain.request import parse_profile
from stepcanary_cli.connecting import Connection
from stepcanary_cli.outcomes import Exit
from tests.cli.conftest import Command

LB = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
GROUPS = [f"{LB}:targetgroup/{name}/0123456789abcdef" for name in ("blue", "green")]
LISTENER = f"{LB}:listener/app/shop/0123456789abcdef/0123456789abcdef"
RULE = f"{LB}:listener-rule/app/shop/0123456789abcdef/0123456789abcdef/0123456789abcdef"
LATTICE = "arn:aws:vpc-lattice:eu-west-1:123456789012"
L_SERVICE = f"{LATTICE}:service/svc-0123456789abcdef0"
L_LISTENER = f"{L_SERVICE}/listener/listener-0123456789abcdef0"
L_RULE = f"{L_LISTENER}/rule/rule-0123456789abcdef0"
L_GROUPS = [f"{LATTICE}:targetgroup/tg-0123456789abcdef{n}" for n in (0, 1)]
OPTED_IN = {"key": "stepcanary", "value": "managed"}


class ClusterNotFound(ClientError):
    """As the SDK makes one of the service's model."""


class Account:
    """Answers AWS's calls, by service and method."""

    def __init__(self) -> None:
        self.rules: list[dict[str, Any]] = []
        self.lattice_default: list[str] = []
        self.lattice_rule: list[str] = []
        self.tagged = False
        self.mesh = ""

    def services(self, cluster: str, **_: Any) -> Any:
        if cluster == "elsewhere":
            error: Any = {"Error": {"Code": "ClusterNotFoundException", "Message": "Not found."}}
            raise ClusterNotFound(error, "DescribeServices")
        return {
            "services": [
                {
                    "serviceName": name,
                    "serviceArn": f"arn:aws:ecs:eu-west-1:123456789012:service/shop/{name}",
                    "status": "ACTIVE",
                    "taskDefinition": f"{name}:1",
                    "tags": [OPTED_IN] if self.tagged else [],
                    "loadBalancers": [{"targetGroupArn": group}] if self.rules else [],
                    "deployments": [
                        {"vpcLatticeConfigurations": [{"targetGroupArn": lattice}]}
                        if self.lattice_default or self.lattice_rule
                        else {}
                    ],
                }
                for name, group, lattice in zip(("one", "two"), GROUPS, L_GROUPS, strict=True)
            ]
        }

    def calls(self) -> dict[str, Callable[..., Any]]:
        tags = [{"Key": "stepcanary", "Value": "managed"}] if self.tagged else []
        node = f"mesh/{self.mesh}/virtualNode/one" if self.mesh else "b"
        environment = [{"name": "APPMESH_RESOURCE_ARN", "value": node}]
        definition = {"containerDefinitions": [{"environment": environment}]}
        return {
            "describe_services": self.services,
            "describe_task_definition": lambda **_: {"taskDefinition": definition},
            "describe_target_groups": lambda **_: {"TargetGroups": [{"LoadBalancerArns": ["lb"]}]},
            "describe_tags": lambda **_: {"TagDescriptions": [{"Tags": tags}]},
            "get_target_group": lambda **_: {"serviceArns": [L_SERVICE]},
            "get_listener": lambda **_: {"defaultAction": forward(self.lattice_default)},
            "get_rule": lambda **_: {"action": forward(self.lattice_rule)},
            "list_tags_for_resource": lambda **_: {"tags": {}},
        }

    def paginate(self, operation: str, **_: Any) -> list[Any]:
        if operation == "list_virtual_routers":
            error: Any = {"Error": {"Code": "NotFoundException", "Message": "No such mesh."}}
            raise ClientError(error, "ListVirtualRouters")
        return [self.pages()[operation]]

    def pages(self) -> dict[str, Any]:
        return {
            "describe_listeners": {"Listeners": [{"ListenerArn": LISTENER}]},
            "describe_rules": {"Rules": self.rules},
            "list_listeners": {"items": [{"arn": L_LISTENER}]},
            "list_rules": {"items": [{"arn": L_RULE}, {"arn": "default", "isDefault": True}]},
        }

    def client(self, _service: str) -> Any:
        made = type("Client", (), {n: staticmethod(call) for n, call in self.calls().items()})
        made.exceptions = type("", (), {"ClusterNotFoundException": ClusterNotFound})  # type: ignore[attr-defined]

        def paginator(name: str) -> Any:
            paginate = staticmethod(partial(self.paginate, name))
            return type("Paginator", (), {"paginate": paginate})

        made.get_paginator = staticmethod(paginator)  # type: ignore[attr-defined]
        return made


def forward(groups: list[str]) -> Any:
    return {
        "forward": {"targetGroups": [{"targetGroupIdentifier": g, "weight": 1} for g in groups]}
    }


def rule(*groups: str, default: bool = False) -> dict[str, Any]:
    listed = [{"TargetGroupArn": group, "Weight": 1} for group in groups]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": listed}}
    return {"RuleArn": RULE, "IsDefault": default, "Actions": [{"Type": "jwt"}, action]}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    made = Account()
    monkeypatch.setattr(Connection, "client", lambda _self, service: made.client(service))
    return made


def propose(command: Command, *words: str) -> Any:
    done = command("init", "one", "two", "--cluster", "shop", "--json", *words)
    assert done.code == 0, done.err
    parse_profile(json.dumps(done.json["profile"]), "the proposal")
    return done.json


@pytest.mark.parametrize(
    ("default", "named"), [(False, {"listener_rule": RULE}), (True, {"listener": LISTENER})]
)
def test_a_rule_or_a_listener(
    account: Account, command: Command, default: bool, named: dict[str, str]
) -> None:
    account.rules = [rule(*GROUPS, default=default), rule(GROUPS[0])]
    found = propose(command, "--service", "checkout", "--alarm", "5xx")
    groups = {"primary_target_group": GROUPS[0], "canary_target_group": GROUPS[1]}
    assert found["profile"] == {
        "cluster": "shop",
        "primary": "one",
        "canary": "two",
        "traffic": [{"router": "alb", **named, **groups}],
        "alarms": ["5xx"],
    }
    one, two, route, put = found["commands"]
    assert one.endswith("service/shop/one --tags key=stepcanary,value=managed")
    assert two.startswith("aws ecs tag-resource")
    [arn] = named.values()
    assert route == (
        f"aws elbv2 add-tags --resource-arns {arn} --tags Key=stepcanary,Value=managed"
    )
    assert "--name /stepcanary/profiles/checkout " in put
    assert put.endswith("file://checkout.json")


def test_what_is_opted_in_needs_no_tag(account: Account, command: Command) -> None:
    account.rules, account.tagged = [rule(*GROUPS)], True
    assert [each.split()[1] for each in propose(command)["commands"]] == ["ssm"]


@pytest.mark.parametrize(
    ("where", "named"), [("lattice_rule", {"rule": L_RULE}), ("lattice_default", {})]
)
def test_lattice(account: Account, command: Command, where: str, named: dict[str, str]) -> None:
    setattr(account, where, L_GROUPS)
    found = propose(command)
    assert found["profile"]["traffic"] == [
        {
            "router": "lattice",
            "service": L_SERVICE,
            "listener": L_LISTENER,
            **named,
            "primary_target_group": L_GROUPS[0],
            "canary_target_group": L_GROUPS[1],
        }
    ]
    arn = named.get("rule", L_LISTENER)
    assert f"aws vpc-lattice tag-resource --resource-arn {arn} " in found["commands"][2]


def test_what_is_unclear_is_named(account: Account, command: Command) -> None:
    account.rules = [rule(*GROUPS), rule(*GROUPS, default=True)]
    done = command("init", "one", "two", "--cluster", "shop")
    assert done.code == Exit.MISUSE
    assert f"with --route those that a release is to move together: {RULE}, {LISTENER}" in done.err
    [chosen] = propose(command, "--route", LISTENER)["profile"]["traffic"]
    assert chosen["listener"] == LISTENER
    both = propose(command, "--route", LISTENER, "--route", RULE)["profile"]["traffic"]
    assert len(both) == 2
    other = command("init", "one", "two", "--route", "other")
    assert f"--route other: does not divide them; these do: {RULE}, {LISTENER}" in other.err


@pytest.mark.parametrize(
    ("rules", "words", "text"),
    [
        ([], ("one", "two"), "nothing divides requests between one and two"),
        ([rule(GROUPS[0])], ("one", "two"), "nothing divides requests between one and two"),
        ([], ("one", "three"), "there is no ECS service three in cluster default"),
        (
            [],
            ("one", "two", "--cluster", "elsewhere"),
            "there is no ECS cluster elsewhere; name that of both with --cluster",
        ),
        ([rule(*GROUPS)], ("one", "one"), "primary and canary must be two ECS services"),
        (
            [rule(*GROUPS)],
            ("one", "two", "--cluster", "shop", "--service", "-x;y"),
            "--service is not valid. service: must be like checkout",
        ),
    ],
)
def test_what_cannot_be_proposed(
    account: Account,
    command: Command,
    rules: list[Any],
    words: tuple[str, ...],
    text: str,
) -> None:
    account.rules = rules
    done = command("init", *words)
    assert (done.code, done.out) == (Exit.MISUSE, "")
    assert text in done.err


def test_a_mesh_that_is_gone_leaves_the_other_routers(account: Account, command: Command) -> None:
    account.mesh = "shop"
    left_out = "App Mesh was left out: AWS refuses ListVirtualRouters: NotFoundException"
    nothing = command("init", "one", "two")
    assert nothing.code == Exit.MISUSE
    assert left_out in nothing.err
    assert "nothing divides requests" in nothing.err
    account.rules = [rule(*GROUPS)]
    done = command("init", "one", "two")
    assert left_out in done.err
    assert parse_profile(done.out, "the proposal").traffic[0].router == "alb"


def test_the_json_is_alone_on_standard_output(account: Account, command: Command) -> None:
    account.rules = [rule(*GROUPS)]
    done = command("init", "one", "two")
    assert parse_profile(done.out, "the proposal").primary == "one"
    assert "no alarm judges the canary" in done.err
    assert "save it as one.json" in done.err
