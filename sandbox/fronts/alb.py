"""ALB: a listener rule over two target groups, whose listener becomes Envoy's."""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import (
    ELBv2Backend,
    FakeAction,
    FakeHealthStatus,
    FakeListener,
    FakeTargetGroup,
    elbv2_backends,
)

from sandbox.ecs import ACCOUNT, REGION
from sandbox.envoy import REFUSED_ONLY, pattern, weighted
from sandbox.fronts import SIDES, Attachment, ClientOf, Cluster, Entry, Json, Plan, Series

MOST_GROUPS = 5
MOST_WEIGHT = 999
LAST = ("forward", "redirect", "fixed-response")
PASSED = ("authenticate-oidc", "authenticate-cognito", "jwt-validation")
"""There is nobody to ask here, so everybody is let in."""


class Alb:
    """The rule is the listener's first; what it does not match gets the default action, a 404."""

    def __init__(self) -> None:
        self._rule = ""
        self._groups: dict[str, str] = {}

    @property
    def traffic(self) -> Json:
        return {
            "router": "alb",
            "listener_rule": self._rule,
            "primary_target_group": self._groups["example1"],
            "canary_target_group": self._groups["example2"],
            # The sandbox's one Envoy follows at once.
            "settle_seconds": 1,
        }

    def install(self) -> Callable[[], None]:
        return fill_moto()

    def entries(self) -> Sequence[Entry]:
        return [self]

    def create(self, client: ClientOf, ports: Sequence[int]) -> dict[str, Attachment]:
        subnets = client("ec2").describe_subnets()["Subnets"][:2]
        elb = client("elbv2")
        balancer = elb.create_load_balancer(
            Name="shop", Subnets=[subnet["SubnetId"] for subnet in subnets]
        )["LoadBalancers"][0]["LoadBalancerArn"]
        for name in SIDES:
            self._groups[name] = elb.create_target_group(
                Name=name,
                Protocol="HTTP",
                Port=8080,
                VpcId=subnets[0]["VpcId"],
                TargetType="ip",
                HealthCheckPath="/health",
            )["TargetGroups"][0]["TargetGroupArn"]
        listener = elb.create_listener(
            LoadBalancerArn=balancer,
            Protocol="HTTP",
            Port=ports[0],
            DefaultActions=[
                {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
            ],
        )["Listeners"][0]["ListenerArn"]
        weights = zip(self._groups.values(), (100, 0), strict=True)
        groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights]
        self._rule = elb.create_rule(
            ListenerArn=listener,
            Priority=10,
            Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
            Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
        )["Rules"][0]["RuleArn"]
        return {
            name: Attachment(
                {
                    "loadBalancers": [
                        {"targetGroupArn": arn, "containerName": "app", "containerPort": 8080}
                    ]
                },
                SIDES[name],
            )
            for name, arn in self._groups.items()
        }

    def split(self, client: ClientOf) -> tuple[int, int]:
        rule = client("elbv2").describe_rules(RuleArns=[self._rule])["Rules"][0]
        groups = rule["Actions"][-1]["ForwardConfig"]["TargetGroups"]
        weights = {group["TargetGroupArn"]: group["Weight"] for group in groups}
        return weights[self._groups["example1"]], weights[self._groups["example2"]]

    def series(self, cluster: str) -> Series:
        balancer = self._rule.partition(":listener-rule/")[2].rsplit("/", 2)[0]
        group = self._groups[cluster].rpartition(":")[2]
        dimensions = {"LoadBalancer": balancer, "TargetGroup": group}
        return Series("AWS/ApplicationELB", dimensions, "RequestCount", "HTTPCode_Target_5XX_Count")

    def plan(self) -> Plan:
        backend = elbv2_backends[ACCOUNT][REGION]
        listeners = [
            listener
            for balancer in list(backend.load_balancers.values())
            for listener in list(balancer.listeners.values())
        ]
        clusters = {
            group.name: Cluster(
                [(target["Id"], int(target["Port"])) for target in list(group.targets.values())]
            )
            for group in list(backend.target_groups.values())
        }
        names = {group.arn: group.name for group in list(backend.target_groups.values())}
        return Plan(clusters, [r for listener in listeners for r in _routes(listener, names)])


def _routes(listener: FakeListener, names: dict[str, str]) -> Iterator[Json]:
    rules = list(listener.rules.values())
    for rule in sorted(rules, key=lambda rule: (rule.is_default, rule.priority)):
        does = _action([action.data for action in rule.actions], names)
        for match in _matches(rule.conditions):
            yield {"match": match, **does}


def _action(actions: list[Json], names: dict[str, str]) -> Json:
    *before, last = sorted(actions, key=lambda action: int(action.get("Order", 0)))
    assert all(action["Type"] in PASSED for action in before)
    if last["Type"] == "fixed-response":
        return {"direct_response": {"status": int(last["FixedResponseConfig"]["StatusCode"])}}
    if last["Type"] == "redirect":
        config = last["RedirectConfig"]
        moved = "FOUND" if config["StatusCode"] == "HTTP_302" else "MOVED_PERMANENTLY"
        return {"redirect": {"path_redirect": config.get("Path", "/"), "response_code": moved}}
    weights = {names[arn]: weight for arn, weight in groups_of(last)}
    return weighted(weights, retry_policy=REFUSED_ONLY)


def _matches(conditions: list[Json]) -> list[Json]:
    """Envoy's matches, any of which will do; all conditions of a rule have to hold."""
    paths: list[Json] = [{"prefix": "/"}]
    headers: list[Json] = []
    for condition in conditions:
        field = condition["Field"]
        config = next((v for k, v in condition.items() if k.endswith("Config")), condition)
        if field == "path-pattern":
            paths = [{"safe_regex": {"regex": pattern(value)}} for value in config["Values"]]
        elif field == "host-header":
            headers.append(_any_of(":authority", config["Values"]))
        elif field == "http-header":
            headers.append(_any_of(config["HttpHeaderName"], config["Values"]))
        elif field == "http-request-method":
            headers.append(_any_of(":method", config["Values"]))
        else:
            raise NotImplementedError(f"the sandbox knows no condition {field}")
    return [{**path, "headers": headers} for path in paths]


def _any_of(header: str, values: list[str]) -> Json:
    regex = "|".join(f"({pattern(value)})" for value in values)
    return {"name": header, "string_match": {"safe_regex": {"regex": regex}}}


def groups_of(action: Json) -> list[tuple[str, int]]:
    """ARN and weight of each group of a forward action, in whichever form it is."""
    groups = action.get("ForwardConfig", {}).get("TargetGroups")
    if not groups:
        return [(action["TargetGroupArn"], 1)] if "TargetGroupArn" in action else []
    return [(group["TargetGroupArn"], int(group.get("Weight", 1))) for group in groups]


def refusal(actions: list[Json], known: Collection[str]) -> tuple[str, str] | None:
    """The code and the message with which AWS refuses a list of actions, which moto does not."""
    orders = [action.get("Order") for action in actions]
    if len(actions) > 1 and (None in orders or len(set(orders)) < len(orders)):
        return "ValidationError", "each of several actions needs an Order of its own"
    in_order = sorted(actions, key=lambda action: int(action.get("Order", 0)))
    ends = [action["Type"] in LAST for action in in_order]
    if not ends or not ends[-1] or any(ends[:-1]):
        return "InvalidLoadBalancerAction", "one action must end the list, and only one"
    forwards = [action for action in actions if action["Type"] == "forward"]
    return next((told for action in forwards if (told := _forward_refusal(action, known))), None)


def _forward_refusal(action: Json, known: Collection[str]) -> tuple[str, str] | None:
    given = groups_of(action)
    arns = [arn for arn, _ in given]
    stickiness = action.get("ForwardConfig", {}).get("TargetGroupStickinessConfig", {})
    enabled = str(stickiness.get("Enabled", False)).lower() == "true"
    if action.get("TargetGroupArn") and arns != [action["TargetGroupArn"]]:
        return "ValidationError", "TargetGroupArn and ForwardConfig must agree"
    if not 0 < len(arns) <= MOST_GROUPS or len(set(arns)) < len(arns):
        return "ValidationError", f"1 to {MOST_GROUPS} target groups, each once"
    if not all(0 <= weight <= MOST_WEIGHT for _, weight in given):
        return "ValidationError", f"Weight must be within 0..{MOST_WEIGHT}"
    if enabled and not 1 <= int(stickiness.get("DurationSeconds", 0)) <= 604_800:
        return "ValidationError", "DurationSeconds must be within 1..604800"
    gone = [arn for arn in arns if arn not in known]
    if gone:
        return "TargetGroupNotFound", f"Target groups '{gone[0]}' not found"
    return None


def fill_moto() -> Callable[[], None]:
    """Let moto's ELB tell targets of one address apart, and refuse the actions that AWS refuses."""
    replaced: list[tuple[Any, str, Any]] = []

    def replace(target: Any, name: str, by: Any) -> None:
        replaced.append((target, name, getattr(target, name)))
        setattr(target, name, by)

    def register(self: FakeTargetGroup, targets: list[Json]) -> None:
        for target in targets:
            port = int(target.get("Port") or self.port)
            self.targets[f"{target['Id']}:{port}"] = {"Id": target["Id"], "Port": port}

    def deregister(self: FakeTargetGroup, targets: list[Json]) -> None:
        for target in targets:
            self.targets.pop(f"{target['Id']}:{target.get('Port') or self.port}", None)

    def health_for(self: FakeTargetGroup, target: Json, _ec2: Any) -> FakeHealthStatus:
        port = target.get("Port") or self.port
        if f"{target['Id']}:{port}" in self.targets:
            return FakeHealthStatus(target["Id"], str(port), str(self.health_check_port), "healthy")
        told = ("unused", "Target.NotRegistered", "Target is not registered to the target group")
        return FakeHealthStatus(target["Id"], str(port), str(self.health_check_port), *told)

    def checked(name: str) -> Any:
        plain = getattr(ELBv2Backend, name)

        def check(self: ELBv2Backend, *args: Any, **kwargs: Any) -> Any:
            for value in [*args, *kwargs.values()]:
                actions = [a.data if isinstance(a, FakeAction) else a for a in _actions_in(value)]
                if actions and (told := refusal(actions, self.target_groups)):
                    raise ELBClientError(*told)
            return plain(self, *args, **kwargs)

        return check

    replace(FakeTargetGroup, "register", register)
    replace(FakeTargetGroup, "deregister", deregister)
    replace(FakeTargetGroup, "health_for", health_for)
    for name in ("create_rule", "modify_rule", "create_listener", "modify_listener"):
        replace(ELBv2Backend, name, checked(name))

    def restore() -> None:
        for target, name, by in reversed(replaced):
            setattr(target, name, by)

    return restore


def _actions_in(value: Any) -> list[Any]:
    """The argument, if it is a list of actions."""
    actions = value if isinstance(value, list) else []
    typed = [a for a in actions if isinstance(a, FakeAction) or "Type" in a]
    return typed if len(typed) == len(actions) else []
