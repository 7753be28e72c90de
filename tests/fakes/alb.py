"""A strict in-memory Application Load Balancer API, as far as rules and their target groups go.

It refuses what AWS refuses and moto accepts: weights over 999, a sixth group, `TargetGroupArn`
beside two groups, a default rule modified as a rule, an OIDC action without its secret. It answers
in AWS's form: defaults filled in, one group in both forms, never a secret.
"""

import copy
from typing import Any

from emulator.refusals.elbv2 import groups_of, refusal
from tests.fakes.service import Document, Refusal, Strict

ELB = "arn:aws:elasticloadbalancing:us-east-1:123456789012"
BALANCER = "app/shop/50dc6c495c0c9188"
LISTENER = f"{ELB}:listener/{BALANCER}/f2f7dc8efc522ab2"
RULE = f"{ELB}:listener-rule/{BALANCER}/f2f7dc8efc522ab2/9683b2d02a6cabee"
DEFAULT_RULE = f"{ELB}:listener-rule/{BALANCER}/f2f7dc8efc522ab2/0000000000000001"
SECRETS = ("ClientSecret", "UseExistingClientSecret")


def group(name: str) -> str:
    return f"{ELB}:targetgroup/{name}/73e2d6bc24d8a067"


class Alb(Strict):
    """One load balancer with one HTTPS listener, its default rule and one more.

    `targets` is the states of each target group's targets, `balancers` the load balancer that
    serves a group, if any.
    """

    service = "elbv2"
    invalid = "ValidationError"

    def __init__(self, groups: list[str]) -> None:
        super().__init__()
        self.targets: dict[str, list[str]] = {arn: [] for arn in groups}
        self.balancers: dict[str, str | None] = dict.fromkeys(groups, BALANCER)
        action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        self.actions: dict[str, list[Document]] = {RULE: [action], LISTENER: [action]}
        self.conditions: list[Document] = [{"Field": "path-pattern", "Values": ["/cart/*"]}]
        self.priority = "10"
        self.deregistration_seconds = 0
        self.transforms: list[Document] = []

    def put(self, arn: str, actions: list[Document]) -> None:
        """What somebody else wrote: checked, and kept with its secrets."""
        self._check(actions, [])
        self.actions[arn] = copy.deepcopy(actions)

    def weights(self, arn: str) -> dict[str, int]:
        forward = next(a for a in self._answered(arn) if a["Type"] == "forward")
        return {g["TargetGroupArn"]: g["Weight"] for g in forward["ForwardConfig"]["TargetGroups"]}

    def _answered(self, arn: str) -> list[Document]:
        answered = [_answered(action) for action in copy.deepcopy(self.actions[arn])]
        return sorted(answered, key=lambda action: action.get("Order", 0))

    def _rule(self, arn: str) -> Document:
        default = arn == DEFAULT_RULE
        if not default and arn not in self.actions:
            raise Refusal("RuleNotFound", "One or more rules not found")
        return {
            "RuleArn": arn,
            "Priority": "default" if default else self.priority,
            "Conditions": [] if default else copy.deepcopy(self.conditions),
            "Actions": self._answered(LISTENER if default else arn),
            "Transforms": [] if default else copy.deepcopy(self.transforms),
            "IsDefault": default,
        }

    def _listener(self, arn: str) -> Document:
        if arn not in self.actions:
            raise Refusal("ListenerNotFound", "One or more listeners not found")
        return {
            "ListenerArn": arn,
            "Port": 443,
            "Protocol": "HTTPS",
            "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
            "DefaultActions": self._answered(arn),
        }

    def _elbv2_DescribeRules(self, params: Document) -> Document:  # noqa: N802
        return {"Rules": [self._rule(arn) for arn in params["RuleArns"]]}

    def _elbv2_DescribeListeners(self, params: Document) -> Document:  # noqa: N802
        return {"Listeners": [self._listener(arn) for arn in params["ListenerArns"]]}

    def _elbv2_DescribeTags(self, params: Document) -> Document:  # noqa: N802
        return {"TagDescriptions": [self._tags(arn) for arn in params["ResourceArns"]]}

    def _tags(self, arn: str) -> Document:
        tags = [{"Key": key, "Value": value} for key, value in self.tags_of(arn).items()]
        return {"ResourceArn": arn, "Tags": tags}

    def _elbv2_ModifyRule(self, params: Document) -> Document:  # noqa: N802
        arn = params["RuleArn"]
        if arn == DEFAULT_RULE:
            raise Refusal("OperationNotPermitted", f"Default rule '{arn}' cannot be modified")
        self._rule(arn)
        if "Transforms" in params and "ResetTransforms" in params:
            raise Refusal("ValidationError", "Transforms or ResetTransforms, not both")
        self.conditions = params.get("Conditions", self.conditions)
        # Like every property they stay where they are not sent.
        kept = [] if params.get("ResetTransforms") else self.transforms
        self.transforms = params.get("Transforms", kept)
        self._write(arn, params.get("Actions"))
        return {"Rules": [self._rule(arn)]}

    def _elbv2_ModifyListener(self, params: Document) -> Document:  # noqa: N802
        arn = params["ListenerArn"]
        self._listener(arn)
        self._write(arn, params.get("DefaultActions"))
        return {"Listeners": [self._listener(arn)]}

    def _write(self, arn: str, actions: list[Document] | None) -> None:
        if actions is None:
            return
        self._check(actions, self.actions[arn])
        self.actions[arn] = [_with_secret(action, self.actions[arn]) for action in actions]

    def _check(self, actions: list[Document], before: list[Document]) -> None:
        if refused := refusal(actions, self.targets):
            raise Refusal(*refused)
        for action in actions:
            if action["Type"] == "authenticate-oidc":
                _with_secret(action, before)
            for arn, _ in groups_of(action) if action["Type"] == "forward" else []:
                if self.balancers.get(arn) not in (None, BALANCER):
                    raise Refusal("TargetGroupAssociationLimit", f"{arn} serves another balancer")

    def _elbv2_DescribeTargetHealth(self, params: Document) -> Document:  # noqa: N802
        return {
            "TargetHealthDescriptions": [
                {"Target": {"Id": f"10.0.0.{n}", "Port": 80}, "TargetHealth": {"State": state}}
                for n, state in enumerate(self._targets(params["TargetGroupArn"]))
            ]
        }

    def _elbv2_DescribeTargetGroups(self, params: Document) -> Document:  # noqa: N802
        for arn in params["TargetGroupArns"]:
            self._targets(arn)
        return {
            "TargetGroups": [
                {
                    "TargetGroupArn": arn,
                    "LoadBalancerArns": [f"{ELB}:loadbalancer/{b}"]
                    if (b := self.balancers[arn])
                    else [],
                }
                for arn in params["TargetGroupArns"]
            ]
        }

    def _elbv2_DescribeTargetGroupAttributes(self, params: Document) -> Document:  # noqa: N802
        self._targets(params["TargetGroupArn"])
        delay = {
            "Key": "deregistration_delay.timeout_seconds",
            "Value": str(self.deregistration_seconds),
        }
        return {"Attributes": [delay, {"Key": "stickiness.enabled", "Value": "false"}]}

    def _targets(self, arn: str) -> list[str]:
        if arn not in self.targets:
            raise Refusal("TargetGroupNotFound", "One or more target groups not found")
        return self.targets[arn]


def _with_secret(action: Document, before: list[Document]) -> Document:
    """An OIDC action with the secret that it gave, or that there was."""
    if action["Type"] != "authenticate-oidc":
        return copy.deepcopy(action)
    config: dict[str, Any] = copy.deepcopy(action["AuthenticateOidcConfig"])
    if config.pop("UseExistingClientSecret", False):
        known = [a.get("AuthenticateOidcConfig", {}) for a in before]
        config["ClientSecret"] = next((c["ClientSecret"] for c in known if c), None)
    if not config.get("ClientSecret"):
        raise Refusal("ValidationError", "A client secret must be specified")
    return {**action, "AuthenticateOidcConfig": config}


def _answered(action: Document) -> Document:
    if action["Type"] == "authenticate-oidc":
        defaults = {
            "Scope": "openid",
            "SessionCookieName": "AWSELBAuthSessionCookie",
            "SessionTimeout": 604_800,
            "OnUnauthenticatedRequest": "authenticate",
        }
        config = {**defaults, **action["AuthenticateOidcConfig"]}
        kept = {key: value for key, value in config.items() if key not in SECRETS}
        return {**action, "AuthenticateOidcConfig": kept}
    if action["Type"] != "forward":
        return action
    config = action.pop("ForwardConfig", {})
    arn = action.pop("TargetGroupArn", None)
    groups = config.get("TargetGroups") or [{"TargetGroupArn": arn}]
    # Nobody promises the order, so it is not the one that was sent.
    groups = [{"Weight": 1, **g} for g in sorted(groups, key=lambda g: str(g["TargetGroupArn"]))]
    stickiness = config.get("TargetGroupStickinessConfig", {"Enabled": False})
    answer = {**config, "TargetGroups": groups, "TargetGroupStickinessConfig": stickiness}
    if len(groups) == 1:
        action["TargetGroupArn"] = groups[0]["TargetGroupArn"]
    return {**action, "ForwardConfig": answer}
