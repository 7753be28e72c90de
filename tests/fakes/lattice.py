"""A strict in-memory VPC Lattice API, as far as rules and their target groups go.

It refuses what AWS refuses: whatever breaks the service model (weights over 999, an eleventh
group, ids of another form), unknown groups, a default rule updated as a rule. It answers in AWS's
form: groups by id with their weights filled in, targets in pages.
"""

import copy

from emulator.refusals.vpc_lattice import refusal, stored
from tests.fakes.service import Document, Refusal, Strict

LATTICE = "arn:aws:vpc-lattice:us-east-1:123456789012"
SERVICE = "svc-0e7f4c1a2b3d5968f"
LISTENER = "listener-0b1c2d3e4f5a69788"
RULE = "rule-0a9b8c7d6e5f41302"
DEFAULT_RULE = "rule-0000000000000000d"
SERVICE_ARN = f"{LATTICE}:service/{SERVICE}"
LISTENER_ARN = f"{SERVICE_ARN}/listener/{LISTENER}"
RULE_ARN = f"{LISTENER_ARN}/rule/{RULE}"
PAGE = 2


def group_arn(id: str) -> str:
    return f"{LATTICE}:targetgroup/{id}"


def _id(identifier: str) -> str:
    return identifier.rpartition("/")[2]


class Lattice(Strict):
    """One service with one listener, its default action and one rule.

    `targets` is the states of each target group's targets, by id; `used` the groups of a service.
    """

    service = "vpc-lattice"
    invalid = "ValidationException"

    def __init__(self, groups: list[str]) -> None:
        super().__init__()
        self.targets: dict[str, list[str]] = {id: [] for id in groups}
        self.used = set(groups)
        self.actions: dict[str, Document] = {
            RULE: {"fixedResponse": {"statusCode": 404}},
            DEFAULT_RULE: {"fixedResponse": {"statusCode": 404}},
        }
        self.match: Document = {"httpMatch": {"pathMatch": {"match": {"prefix": "/cart"}}}}
        self.priority = 10
        self.protocol = "HTTPS"

    def put(self, rule: str, action: Document) -> None:
        """What somebody else wrote."""
        self.actions[rule] = self._checked(action)

    def weights(self, rule: str) -> dict[str, int]:
        groups = self.actions[rule]["forward"]["targetGroups"]
        return {g["targetGroupIdentifier"]: g["weight"] for g in groups}

    def _checked(self, action: Document) -> Document:
        if refused := refusal(action, self.targets):
            raise Refusal(*refused, status=404 if "NotFound" in refused[0] else 400)
        return stored(action)

    def _find_listener(self, params: Document) -> None:
        named = (_id(params["serviceIdentifier"]), _id(params["listenerIdentifier"]))
        if named != (SERVICE, LISTENER) or DEFAULT_RULE not in self.actions:
            raise Refusal("ResourceNotFoundException", f"no listener {named}", 404)

    def _find_rule(self, params: Document) -> str:
        self._find_listener(params)
        id = _id(params["ruleIdentifier"])
        if id not in self.actions:
            raise Refusal("ResourceNotFoundException", f"no rule {id}", 404)
        return id

    def _rule(self, id: str) -> Document:
        rule = {
            "arn": f"{LISTENER_ARN}/rule/{id}",
            "id": id,
            "name": "checkout",
            "isDefault": id == DEFAULT_RULE,
            "action": copy.deepcopy(self.actions[id]),
        }
        if id == DEFAULT_RULE:
            return rule
        return {**rule, "match": copy.deepcopy(self.match), "priority": self.priority}

    def _listener(self) -> Document:
        return {
            "arn": LISTENER_ARN,
            "id": LISTENER,
            "name": "https",
            "protocol": self.protocol,
            "port": 443,
            "serviceArn": SERVICE_ARN,
            "serviceId": SERVICE,
            "defaultAction": copy.deepcopy(self.actions[DEFAULT_RULE]),
        }

    def _vpc_lattice_GetRule(self, params: Document) -> Document:  # noqa: N802
        return self._rule(self._find_rule(params))

    def _vpc_lattice_GetListener(self, params: Document) -> Document:  # noqa: N802
        self._find_listener(params)
        return self._listener()

    def _vpc_lattice_ListTagsForResource(self, params: Document) -> Document:  # noqa: N802
        return {"tags": self.tags_of(params["resourceArn"])}

    def _vpc_lattice_UpdateRule(self, params: Document) -> Document:  # noqa: N802
        id = self._find_rule(params)
        if id == DEFAULT_RULE:
            raise Refusal("ValidationException", "a default rule is updated by its listener")
        self.match = params.get("match", self.match)
        self.priority = params.get("priority", self.priority)
        if "action" in params:
            self.actions[id] = self._checked(params["action"])
        return self._rule(id)

    def _vpc_lattice_UpdateListener(self, params: Document) -> Document:  # noqa: N802
        self._find_listener(params)
        self.actions[DEFAULT_RULE] = self._checked(params["defaultAction"])
        return self._listener()

    def _targets(self, id: str) -> list[str]:
        if id not in self.targets:
            raise Refusal("ResourceNotFoundException", f"no target group {id}", 404)
        return self.targets[id]

    def _vpc_lattice_ListTargets(self, params: Document) -> Document:  # noqa: N802
        states = self._targets(_id(params["targetGroupIdentifier"]))
        start = int(params.get("nextToken", "0"))
        items = [
            {"id": f"10.0.0.{n}", "port": 80, "status": states[n]}
            for n in range(start, min(start + PAGE, len(states)))
        ]
        more = {"nextToken": str(start + PAGE)} if start + PAGE < len(states) else {}
        return {"items": items, **more}

    def _vpc_lattice_GetTargetGroup(self, params: Document) -> Document:  # noqa: N802
        id = _id(params["targetGroupIdentifier"])
        self._targets(id)
        return {
            "id": id,
            "arn": group_arn(id),
            "serviceArns": [SERVICE_ARN] if id in self.used else [],
        }
