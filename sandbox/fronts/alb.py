"""ALB: a listener rule over two target groups, whose listener becomes Envoy's."""

from collections.abc import Iterator, Sequence

from moto.elbv2.models import FakeListener, elbv2_backends

from emulator.account import ACCOUNT, REGION
from emulator.refusals.elbv2 import groups_of
from sandbox.envoy import REFUSED_ONLY, pattern, weighted
from sandbox.fronts.balanced import Balanced
from sandbox.fronts.front import (
    OPTED_IN,
    SIDES,
    Attachment,
    ClientOf,
    Cluster,
    Json,
    Plan,
    Series,
)

PASSED = ("authenticate-oidc", "authenticate-cognito", "jwt-validation")
"""There is nobody to ask here, so everybody is let in."""


class Alb(Balanced):
    """The rule is the listener's first; what it does not match gets the default action, a 404."""

    def __init__(self) -> None:
        super().__init__()
        self._rule = ""

    def _place(self) -> Json:
        return {"router": "alb", "listener_rule": self._rule}

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
            Tags=[{"Key": key, "Value": value} for key, value in OPTED_IN.items()],
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

    def series(self, cluster: str) -> Series:
        balancer = self._rule.partition(":listener-rule/")[2].rsplit("/", 2)[0]
        return series_of(balancer, self._groups[cluster])

    def tracked(self, cluster: str) -> Json:
        return requests_per_target(self.series(cluster))

    def plan(self) -> Plan:
        return plan_of(list(elbv2_backends[ACCOUNT][REGION].load_balancers))


class LoadBalancer:
    """An application load balancer that somebody has made, by its ARN."""

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def series(self, cluster: str) -> Series:
        balancer = self._arn.partition(":loadbalancer/")[2]
        (group,) = [arn for arn, name in group_names().items() if name == cluster]
        return series_of(balancer, group)

    def tracked(self, cluster: str) -> Json:
        return requests_per_target(self.series(cluster))

    def plan(self) -> Plan:
        return plan_of([self._arn])


def split(client: ClientOf, traffic: Json) -> tuple[int, int]:
    """Weights of primary and canary in the rule or the listener that a profile names."""
    elb = client("elbv2")
    if rule := traffic.get("listener_rule"):
        actions = elb.describe_rules(RuleArns=[rule])["Rules"][0]["Actions"]
    else:
        found = elb.describe_listeners(ListenerArns=[traffic["listener"]])
        actions = found["Listeners"][0]["DefaultActions"]
    groups = actions[-1]["ForwardConfig"]["TargetGroups"]
    weights = {group["TargetGroupArn"]: group["Weight"] for group in groups}
    return weights[traffic["primary_target_group"]], weights[traffic["canary_target_group"]]


def series_of(balancer: str, group: str) -> Series:
    dimensions = {"LoadBalancer": balancer, "TargetGroup": group.rpartition(":")[2]}
    return Series(
        "AWS/ApplicationELB",
        dimensions,
        "RequestCount",
        "HTTPCode_Target_5XX_Count",
        "TargetResponseTime",
        "TargetConnectionErrorCount",
        in_ms=False,
    )


def requests_per_target(series: Series) -> Json:
    label = f"{series.dimensions['LoadBalancer']}/{series.dimensions['TargetGroup']}"
    metric = {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label}
    return {"PredefinedMetricSpecification": metric}


def group_names() -> dict[str, str]:
    groups = elbv2_backends[ACCOUNT][REGION].target_groups
    return {group.arn: group.name for group in list(groups.values())}


def plan_of(balancers: Sequence[str]) -> Plan:
    """Of all listeners of these load balancers, and of the groups that they lead to."""
    backend = elbv2_backends[ACCOUNT][REGION]
    names = group_names()
    listeners = [
        listener
        for arn in balancers
        if arn in backend.load_balancers
        for listener in list(backend.load_balancers[arn].listeners.values())
    ]
    routes = [route for listener in listeners for route in _routes(listener, names)]
    # Also groups of weight 0: whoever writes a weight finds the cluster there already.
    led_to = {
        names[arn]
        for listener in listeners
        for rule in listener.rules.values()
        for action in rule.actions
        if action.data["Type"] == "forward"
        for arn, _ in groups_of(action.data)
    }
    clusters = {
        group.name: Cluster(
            [(target["Id"], int(target["Port"])) for target in list(group.targets.values())]
        )
        for group in list(backend.target_groups.values())
        if names[group.arn] in led_to
    }
    return Plan(clusters, routes)


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
