"""ALB: the split is a forward action with two weighted target groups."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from stepcanary.aws import clients, members
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.identifiers import alb_name, alb_resource
from stepcanary.domain.model import Document
from stepcanary.domain.profile import AlbTraffic
from stepcanary.domain.split import SideName, Split
from stepcanary.errors import RequestRejected
from stepcanary.traffic.router import Dimensions, Reading, Tags
from stepcanary.traffic.target_groups import DEFAULT_WEIGHT, Pair, Weights, collect, left_out

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import ActionUnionTypeDef

MOST_GROUPS = 5
RULES_PER_CALL = 20
LONGEST_PINNED_SECONDS = 3_600
"""A release, and with it its lease, lasts that much longer."""
DEREGISTRATION_SECONDS = 300
"""The default of the attribute."""
SECRETS = ("ClientSecret", "UseExistingClientSecret")
"""Not in any answer, and to be sent with every write; see
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AuthenticateOidcActionConfig.html
"""


def forward_of(actions: list[Document], name: str) -> Document:
    """Raises `RequestRejected` when no action forwards."""
    for action in actions:
        if action["Type"] == "forward":
            return action
    kinds = ", ".join(action["Type"] for action in actions)
    raise RequestRejected(f"traffic: {name} does not forward, its action is {kinds}")


def normal(actions: list[Document], name: str) -> list[Document]:
    """Actions in the one form that all of AWS's answers for the same rule come to.

    `ForwardConfig.TargetGroups` is a dict of weights there; see `as_sent` for the way back.
    """
    ordered = sorted(actions, key=lambda action: action.get("Order", 0))
    return [_normal(action, name) for action in ordered]


def _normal(action: Document, name: str) -> Document:
    if action["Type"] == "authenticate-oidc":
        oidc = action["AuthenticateOidcConfig"]
        kept = {key: value for key, value in oidc.items() if key not in SECRETS}
        return {**action, "AuthenticateOidcConfig": kept}
    if action["Type"] != "forward":
        return action
    config = action.get("ForwardConfig", {})
    # AWS answers one group in both forms at once, and took either alone.
    groups = config.get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"]}]
    weights = [(g["TargetGroupArn"], g.get("Weight", DEFAULT_WEIGHT)) for g in groups]
    return {
        **{key: value for key, value in action.items() if key != "TargetGroupArn"},
        "ForwardConfig": {
            "TargetGroupStickinessConfig": {"Enabled": False},
            **config,
            "TargetGroups": collect(weights, name),
        },
    }


def as_sent(actions: list[Document]) -> list[Document]:
    """Normal actions as AWS takes them: all of them, since the list is replaced whole."""
    return [_as_sent(action) for action in actions]


def _as_sent(action: Document) -> Document:
    if action["Type"] == "authenticate-oidc":
        oidc = {**action["AuthenticateOidcConfig"], "UseExistingClientSecret": True}
        return {**action, "AuthenticateOidcConfig": oidc}
    if action["Type"] != "forward":
        return action
    weights: Weights = action["ForwardConfig"]["TargetGroups"]
    groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights.items()]
    sent = {**action, "ForwardConfig": {**action["ForwardConfig"], "TargetGroups": groups}}
    # Both forms are allowed for one group only; a plain rule goes back to what it was.
    return {**sent, "TargetGroupArn": groups[0]["TargetGroupArn"]} if len(groups) == 1 else sent


def _pinned_seconds(forward: Document) -> int:
    stickiness = forward["ForwardConfig"]["TargetGroupStickinessConfig"]
    return int(stickiness.get("DurationSeconds") or 0) if stickiness.get("Enabled") else 0


class AlbRouter:
    missing = frozenset({"ListenerNotFound", "RuleNotFound"})

    def __init__(self, traffic: AlbTraffic) -> None:
        t = self._traffic = traffic
        self._pair = Pair(t.primary_target_group, t.canary_target_group, t.rest_weight)

    @property
    def name(self) -> str:
        kind, _, path = alb_resource(self._traffic.arn).partition("/")
        return f"listener rule {path}" if kind == "listener-rule" else f"default action of {path}"

    @aws_failures
    def read(self) -> Reading:
        t = self._traffic
        if t.listener is not None:
            answer = clients.elbv2().describe_listeners(ListenerArns=[t.listener])
            found = cast("Document", answer["Listeners"][0])
            return self._reading(answer, "Listeners[0].DefaultActions", found["DefaultActions"])
        rules = clients.elbv2().describe_rules(RuleArns=[t.arn])
        return self._reading_of_rule(rules, 0)

    @aws_failures
    def tags(self) -> Tags:
        found = clients.elbv2().describe_tags(ResourceArns=[self._traffic.arn])
        tags = found["TagDescriptions"][0]["Tags"]
        return frozenset((tag["Key"], tag.get("Value", "")) for tag in tags)

    def _reading_of_rule(self, answer: Mapping[str, Any], number: int) -> Reading:
        rule: Document = answer["Rules"][number]
        if rule["IsDefault"]:
            raise RequestRejected(
                f"traffic: {self.name} is its listener's default rule; name the listener in the"
                " profile instead of listener_rule"
            )
        return self._reading(answer, f"Rules[{number}].Actions", rule["Actions"])

    def _reading(self, answer: Mapping[str, Any], part: str, found: list[Document]) -> Reading:
        """Of the actions, which are the part of the answer that is named."""
        actions = normal(found, self.name)
        weights = self._weights(actions)
        groups = forward_of(found, self.name).get("ForwardConfig", {}).get("TargetGroups", [])
        others = left_out(groups, "TargetGroupArn", "Weight")
        also = [(f"{part}[].ForwardConfig.TargetGroups[].{name}", text) for name, text in others]
        return Reading(
            self._pair.split_of(weights, self.name),
            {"actions": actions},
            rest_weight=self._pair.found_rest_weight(weights),
            pinned_seconds=_pinned_seconds(forward_of(actions, self.name)),
            unknown_values=members.unknown_values(answer, [part], also),
        )

    @classmethod
    @aws_failures
    def read_together(cls, traffics: Sequence[AlbTraffic]) -> list[Reading]:
        """Readings of rules, in their order, in one call for `RULES_PER_CALL` at most.

        Where one of them cannot be read, none is.
        """
        arns = list(dict.fromkeys(traffic.arn for traffic in traffics))
        answer = clients.elbv2().describe_rules(RuleArns=arns)
        numbers = {rule["RuleArn"]: number for number, rule in enumerate(answer["Rules"])}
        return [cls(t)._reading_of_rule(answer, numbers[t.arn]) for t in traffics]

    def _weights(self, actions: list[Document]) -> Weights:
        weights: Weights = forward_of(actions, self.name)["ForwardConfig"]["TargetGroups"]
        return weights

    @aws_failures
    def write(self, reading: Reading, split: Split) -> Document:
        actions = [self._with_split(action, split) for action in reading.document["actions"]]
        sent = cast("list[ActionUnionTypeDef]", as_sent(actions))
        t = self._traffic
        if t.listener is not None:
            clients.elbv2().modify_listener(ListenerArn=t.listener, DefaultActions=sent)
        else:
            clients.elbv2().modify_rule(RuleArn=t.arn, Actions=sent)
        return {"actions": actions}

    def _with_split(self, action: Document, split: Split) -> Document:
        if action["Type"] != "forward":
            return action
        config = action["ForwardConfig"]
        weights = self._pair.with_split(config["TargetGroups"], split)
        return {**action, "ForwardConfig": {**config, "TargetGroups": weights}}

    def check(self, reading: Reading) -> None:
        actions: list[Document] = reading.document["actions"]
        self._check_kinds(actions)
        forward = forward_of(actions, self.name)
        pinned = _pinned_seconds(forward)
        if pinned and not self._traffic.accept_stickiness:
            raise RequestRejected(
                f"traffic: {self.name} has target group stickiness: clients that were sent to the"
                f" canary stay on it at weight 0, after a revert too, until their {pinned} s end;"
                " switch it off, or set accept_stickiness in the profile"
            )
        if pinned > LONGEST_PINNED_SECONDS:
            raise RequestRejected(
                f"traffic: {self.name} pins clients for {pinned} s, and the canary's tasks have to"
                f" run on for so long after each release; {LONGEST_PINNED_SECONDS} s is the most"
            )
        self._pair.check_room(forward["ForwardConfig"]["TargetGroups"], MOST_GROUPS, self.name)
        if reading.rest_weight is not None:
            self._check_attached()

    def _check_kinds(self, actions: list[Document]) -> None:
        """What a kind of action needs with every write, as OIDC needs its secret, has to be known
        of it."""
        known = members.known_values(clients.elbv2(), "ActionTypeEnum")
        for action in actions:
            if action["Type"] not in known:
                raise RequestRejected(
                    f"traffic: {self.name} has an action of type {action['Type']}, which this stack"
                    " does not know; update the stack"
                )

    @aws_failures
    def _check_attached(self) -> None:
        """Targets of a group that no rule lists are `unused`, and never come to be healthy."""
        canary = self._traffic.canary_target_group
        groups = clients.elbv2().describe_target_groups(TargetGroupArns=[canary])["TargetGroups"]
        balancer = f":loadbalancer/{alb_name(self._traffic.arn)}"
        if not any(arn.endswith(balancer) for arn in groups[0].get("LoadBalancerArns", [])):
            raise RequestRejected(
                f"traffic: no rule of {alb_name(self._traffic.arn)} lists {canary}, so its targets"
                f" are never checked; add it with weight 0 to {self.name}"
            )

    @aws_failures
    def drain_seconds(self, _reading: Reading) -> int:
        """The deregistration delay is what its owner says that requests may take; see
        https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
        """
        found = clients.elbv2().describe_target_group_attributes(
            TargetGroupArn=self._traffic.canary_target_group
        )
        by_key = {each["Key"]: each["Value"] for each in found["Attributes"]}
        return int(by_key.get("deregistration_delay.timeout_seconds", DEREGISTRATION_SECONDS))

    @aws_failures
    def healthy_targets(self, side: SideName) -> int | None:
        found = clients.elbv2().describe_target_health(TargetGroupArn=self._group(side))
        states = [target["TargetHealth"]["State"] for target in found["TargetHealthDescriptions"]]
        return states.count("healthy")

    def dimensions(self, side: SideName) -> Dimensions:
        """What the load balancer answers by itself, as a 503, is in neither side's metrics."""
        return Dimensions(
            "AWS/ApplicationELB",
            {
                "LoadBalancer": alb_name(self._traffic.arn),
                "TargetGroup": alb_resource(self._group(side)),
            },
        )

    def _group(self, side: SideName) -> str:
        t = self._traffic
        return t.primary_target_group if side == "primary" else t.canary_target_group
