"""ALB rules and default actions, as people write them."""

import copy
from typing import Any, ClassVar

from stepcanary.domain.profile import AlbTraffic, Traffic
from stepcanary.domain.split import SideName, Split
from tests.adapters.stands.stand import Route, Stand, Unfit, answer
from tests.fakes.alb import BALANCER, DEFAULT_RULE, LISTENER, RULE, Alb, group
from tests.fakes.service import Document

A, B = group("checkout-a"), group("checkout-b")
OTHERS = [group(name) for name in ("legacy", "batch", "mobile", "partner")]
OFF = {"Enabled": False}
DEFAULT = {"listener": LISTENER, "listener_rule": None}


def weighted(*weights: tuple[str, int]) -> list[Document]:
    return [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights]


def forward(
    *weights: tuple[str, int], order: int | None = None, sticky: Document | None = None
) -> Document:
    config: Document = {"TargetGroups": weighted(*weights)}
    if sticky:
        config["TargetGroupStickinessConfig"] = sticky
    action = {"Type": "forward", "ForwardConfig": config}
    return {**action, "Order": order} if order else action


OIDC: dict[str, Any] = {
    "Type": "authenticate-oidc",
    "Order": 1,
    "AuthenticateOidcConfig": {
        "Issuer": "https://id.example.com",
        "AuthorizationEndpoint": "https://id.example.com/authorize",
        "TokenEndpoint": "https://id.example.com/token",
        "UserInfoEndpoint": "https://id.example.com/userinfo",
        "ClientId": "checkout",
        "ClientSecret": "s3cret",
        "AuthenticationRequestExtraParams": {"prompt": "login"},
        "SessionTimeout": 3600,
    },
}
COGNITO = {
    "Type": "authenticate-cognito",
    "Order": 1,
    "AuthenticateCognitoConfig": {
        "UserPoolArn": "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Ab1",
        "UserPoolClientId": "3n4b5urk1ft4fl3mg5e62d9ado",
        "UserPoolDomain": "shop",
        "Scope": "openid email",
        "OnUnauthenticatedRequest": "allow",
    },
}
JWT = {
    "Type": "jwt-validation",
    "Order": 10,
    "JwtValidationConfig": {
        "JwksEndpoint": "https://id.example.com/jwks",
        "Issuer": "https://id.example.com",
        "AdditionalClaims": [
            {"Format": "space-separated-values", "Name": "scope", "Values": ["pay"]}
        ],
    },
}
TRANSFORMS = [
    {
        "Type": "url-rewrite",
        "UrlRewriteConfig": {"Rewrites": [{"Regex": "^/v1/(.*)$", "Replace": "/$1"}]},
    },
    {
        "Type": "host-header-rewrite",
        "HostHeaderRewriteConfig": {
            "Rewrites": [{"Regex": "^shop\\.(.*)$", "Replace": "checkout.$1"}]
        },
    },
]
ROUTES = {
    "two groups": Route([forward((A, 100), (B, 0))], Split(100, 0)),
    "canary listed first, as CloudFormation wrote it": Route(
        [forward((B, 0), (A, 100), order=1, sticky=OFF)], Split(100, 0)
    ),
    "plain": Route([{"Type": "forward", "TargetGroupArn": A}], Split(100, 0)),
    "plain, in both forms": Route(
        [{"Type": "forward", "TargetGroupArn": A, "Order": 1, **forward((A, 1), sticky=OFF)}],
        Split(100, 0),
    ),
    "one weighted group": Route([forward((A, 50))], Split(100, 0)),
    "plain behind a login": Route(
        [COGNITO, {"Type": "forward", "TargetGroupArn": A, "Order": 2}], Split(100, 0)
    ),
    "login by OIDC": Route([OIDC, forward((A, 100), (B, 0), order=2)], Split(100, 0)),
    "login by Cognito, listed last": Route(
        [forward((A, 100), (B, 0), order=2), COGNITO],
        Split(100, 0),
        world={"conditions": [{"Field": "host-header", "Values": ["shop.example.com"]}]},
    ),
    "tokens checked": Route(
        [JWT, forward((A, 100), (B, 0), order=20)],
        Split(100, 0),
        world={
            "priority": "1",
            "conditions": [
                {
                    "Field": "http-header",
                    "HttpHeaderConfig": {"HttpHeaderName": "X-Beta", "Values": ["1", "yes"]},
                },
                {"Field": "source-ip", "SourceIpConfig": {"Values": ["192.0.2.0/24"]}},
            ],
        },
    ),
    "sticky, and accepted": Route(
        [forward((A, 100), (B, 0), sticky={"Enabled": True, "DurationSeconds": 3600})],
        Split(100, 0),
        {"accept_stickiness": True},
    ),
    "sticky once": Route(
        [forward((A, 100), (B, 0), sticky={"Enabled": False, "DurationSeconds": 600})],
        Split(100, 0),
    ),
    "another version keeps its share": Route(
        [forward((OTHERS[0], 300), (A, 700), (B, 0))], Split(700, 0)
    ),
    "five groups": Route(
        [forward((OTHERS[0], 10), (A, 60), (OTHERS[1], 0), (B, 0), (OTHERS[2], 30))],
        Split(60, 0),
    ),
    "fifth group to come": Route(
        [forward((OTHERS[0], 10), (A, 60), (OTHERS[1], 20), (OTHERS[2], 10))], Split(60, 0)
    ),
    "per mille": Route([forward((A, 999), (B, 0))], Split(999, 0)),
    "paths and hosts rewritten": Route(
        [forward((A, 100), (B, 0), order=1)],
        Split(100, 0),
        world={"transforms": TRANSFORMS},
    ),
    "tokens checked before paths are rewritten": Route(
        [JWT, {"Type": "forward", "TargetGroupArn": A, "Order": 20}],
        Split(100, 0),
        world={"transforms": TRANSFORMS[:1]},
    ),
    "default action, tokens checked": Route(
        [JWT, forward((B, 0), (A, 100), order=20)], Split(100, 0), DEFAULT
    ),
    "default action": Route([forward((A, 100), (B, 0))], Split(100, 0), DEFAULT),
    "plain default action": Route(
        [{"Type": "forward", "TargetGroupArn": A, "Order": 1}], Split(100, 0), DEFAULT
    ),
    "default action behind a login": Route(
        [OIDC, forward((B, 0), (A, 10), order=2)], Split(10, 0), DEFAULT
    ),
    "by method and query": Route(
        [forward((A, 100), (B, 0), order=1)],
        Split(100, 0),
        world={
            "priority": "50000",
            "conditions": [
                {
                    "Field": "http-request-method",
                    "HttpRequestMethodConfig": {"Values": ["GET", "HEAD"]},
                },
                {
                    "Field": "query-string",
                    "QueryStringConfig": {"Values": [{"Key": "lang", "Value": "de"}]},
                },
                {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/shop.Cart/*"]}},
            ],
        },
    ),
}

UNFIT = {
    "no primary": Unfit(
        [forward((OTHERS[0], 100), (B, 0))], problem=f"does not forward to {A}; mend the profile"
    ),
    "canary alone": Unfit(
        [{"Type": "forward", "TargetGroupArn": B}], problem=f"does not forward to {A}"
    ),
    "redirect": Unfit(
        [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Path": "/new"}}],
        problem="does not forward, its action is redirect",
    ),
    "maintenance page behind a login": Unfit(
        [
            COGNITO,
            {"Type": "fixed-response", "Order": 2, "FixedResponseConfig": {"StatusCode": "503"}},
        ],
        problem="its action is authenticate-cognito, fixed-response",
        traffic=DEFAULT,
    ),
    "no room": Unfit(
        [forward(*((arn, 10) for arn in OTHERS), (A, 60))],
        problem="forwards to 5 target groups already, and AWS allows 5: there is no room",
    ),
    "sticky, accepted, and too long": Unfit(
        [forward((A, 100), (B, 0), sticky={"Enabled": True, "DurationSeconds": 3_601})],
        traffic={"accept_stickiness": True},
        problem="3600 s is the most",
    ),
    "sticky": Unfit(
        [forward((A, 100), (B, 0), sticky={"Enabled": True, "DurationSeconds": 86_400})],
        problem="stay on it at weight 0, after a revert too, until their 86400 s end",
    ),
    "canary nowhere": Unfit(
        [{"Type": "forward", "TargetGroupArn": A}],
        problem="no rule of app/shop/50dc6c495c0c9188 lists",
        world={"balancers": {B: None}},
    ),
    "canary at another load balancer": Unfit(
        [forward((A, 60), (OTHERS[0], 40))],
        problem="so its targets are never checked; add it with weight 0",
        world={"balancers": {A: BALANCER, OTHERS[0]: BALANCER, B: "app/blog/50dc6c495c0c9189"}},
    ),
    "a default rule by its own ARN": Unfit(
        [forward((A, 100), (B, 0))],
        problem="is its listener's default rule; name the listener",
        traffic={"listener_rule": DEFAULT_RULE},
    ),
    "moved": Unfit([forward((A, 80), (B, 20))], problem="is not at rest, its weights are 80:20"),
    "too coarse": Unfit([forward((A, 1), (B, 0))], problem="too few to express 5 %"),
}


class AlbStand(Stand):
    services = ("elbv2",)
    writes = ("ModifyRule", "ModifyListener")
    routes = ROUTES
    unfit = UNFIT
    profile: ClassVar[dict[str, Any]] = {
        "router": "alb",
        "listener_rule": RULE,
        "primary_target_group": A,
        "canary_target_group": B,
    }
    primary, canary = A, B
    refused = (
        ("AccessDenied", 403),
        ("OperationNotPermitted", 400),
        ("TargetGroupAssociationLimit", 400),
        ("TargetGroupNotFound", 400),
    )
    unavailable = (("Throttling", 400), ("ServiceUnavailable", 503), ("InternalFailure", 500))
    namespace = "AWS/ApplicationELB"

    def __init__(self) -> None:
        self.fake: Alb = Alb([A, B, *OTHERS])

    def _arn(self, traffic: Traffic) -> str:
        assert isinstance(traffic, AlbTraffic)
        return traffic.arn

    def put(self, traffic: Traffic, document: Any) -> None:
        arn = self._arn(traffic)
        self.fake.put(LISTENER if arn == DEFAULT_RULE else arn, document)

    def remove(self) -> None:
        self.fake.actions.clear()

    def described(self, traffic: Traffic) -> Document:
        arn = self._arn(traffic)
        if arn == LISTENER:
            listeners = answer("elbv2", "describe_listeners", ListenerArns=[arn])["Listeners"]
            found: Document = listeners[0]
            found["Actions"] = found.pop("DefaultActions")
            return found
        rule: Document = answer("elbv2", "describe_rules", RuleArns=[arn])["Rules"][0]
        return rule

    def weights(self, traffic: Traffic) -> dict[str, int]:
        return self.fake.weights(self._arn(traffic))

    def without_pair(self, described: Document) -> Document:
        rest = copy.deepcopy(described)
        for action in rest["Actions"]:
            if action["Type"] == "forward":
                action.pop("TargetGroupArn", None)
                config = action["ForwardConfig"]
                groups = config["TargetGroups"]
                config["TargetGroups"] = [g for g in groups if g["TargetGroupArn"] not in (A, B)]
        return rest

    def write_foreign(self, traffic: Traffic, primary: int, canary: int) -> None:
        others = {k: v for k, v in self.weights(traffic).items() if k not in (A, B)}
        weights = {**others, A: primary, B: canary}
        actions = copy.deepcopy(self.fake.actions[self._arn(traffic)])
        for action in actions:
            if action["Type"] == "forward":
                action.pop("TargetGroupArn", None)
                config = action.setdefault("ForwardConfig", {})
                config["TargetGroups"] = weighted(*weights.items())
        self.fake.put(self._arn(traffic), actions)

    def add_member(self, traffic: Traffic) -> str:
        arn = self._arn(traffic)
        for action in self.fake.actions[arn]:
            if action["Type"] == "forward":
                action.setdefault("ForwardConfig", {})["CrossZone"] = {"Enabled": "false"}
        part = "Listeners[].DefaultActions" if arn == LISTENER else "Rules[].Actions"
        return f"{part}[].ForwardConfig.CrossZone"

    def has_member(self, traffic: Traffic) -> bool:
        actions = self.fake.actions[self._arn(traffic)]
        return any("CrossZone" in action.get("ForwardConfig", {}) for action in actions)

    def set_targets(self, side: SideName, healthy: int, others: int) -> None:
        bad = ("initial", "unhealthy", "draining", "unused", "unhealthy.draining")
        states = ["healthy"] * healthy + [bad[n % len(bad)] for n in range(others)]
        self.fake.targets[A if side == "primary" else B] = states
