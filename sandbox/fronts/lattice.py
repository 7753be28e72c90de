"""VPC Lattice: a listener's rule over two target groups, and the calls that moto lacks for it."""

import copy
import json
import re
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import moto.vpclattice.urls
from moto.vpclattice import models
from moto.vpclattice.exceptions import ResourceNotFoundException, ValidationException
from moto.vpclattice.models import (
    VPCLatticeBackend,
    VPCLatticeListener,
    VPCLatticeRule,
    VPCLatticeTargetGroup,
    vpclattice_backends,
)
from moto.vpclattice.responses import VPCLatticeResponse

from sandbox.ecs import ACCOUNT, REGION
from sandbox.envoy import REFUSED_ONLY, equals, weighted
from sandbox.fronts import SIDES, Attachment, ClientOf, Cluster, Entry, Json, Plan, Series
from sandbox.shapes import broken

PATH = re.compile(
    r"/services/(?P<serviceIdentifier>.+?)/listeners(/(?P<listenerIdentifier>.+?))?"
    r"(/rules(/(?P<ruleIdentifier>.+))?)?$"
)
GROUP_PATH = re.compile(r"/targetgroups/(?P<targetGroupIdentifier>.+?)(/\w+targets)?$")
PAGE = 100
PROTOCOL = "HTTP"


class Lattice:
    """One service with one listener; what its rule does not match gets a 404."""

    def __init__(self) -> None:
        self._service = self._listener = self._rule = ""
        self._groups: dict[str, str] = {}

    @property
    def traffic(self) -> Json:
        return {
            "router": "lattice",
            "service": self._service,
            "listener": self._listener,
            "rule": self._rule,
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
        lattice = client("vpc-lattice")
        vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
        self._service = lattice.create_service(name="shop", authType="NONE")["id"]
        arns: dict[str, str] = {}
        for name in SIDES:
            group = lattice.create_target_group(
                name=name,
                type="IP",
                config={
                    "protocol": PROTOCOL,
                    "port": 8080,
                    "vpcIdentifier": vpc,
                    "healthCheck": {"enabled": True, "path": "/health"},
                },
            )
            self._groups[name], arns[name] = group["id"], group["arn"]
        self._listener = lattice.create_listener(
            serviceIdentifier=self._service,
            name="http",
            protocol=PROTOCOL,
            port=ports[0],
            defaultAction={"fixedResponse": {"statusCode": 404}},
        )["id"]
        weights = zip(self._groups.values(), (100, 0), strict=True)
        groups = [{"targetGroupIdentifier": id, "weight": weight} for id, weight in weights]
        self._rule = lattice.create_rule(
            serviceIdentifier=self._service,
            listenerIdentifier=self._listener,
            name="shop",
            priority=10,
            match={"httpMatch": {"pathMatch": {"match": {"prefix": "/"}}}},
            action={"forward": {"targetGroups": groups}},
        )["id"]
        role = f"arn:aws:iam::{ACCOUNT}:role/ecsInfrastructureRole"
        return {
            name: Attachment(
                {
                    "vpcLatticeConfigurations": [
                        {"roleArn": role, "targetGroupArn": arns[name], "portName": "http"}
                    ]
                },
                desired,
            )
            for name, desired in SIDES.items()
        }

    def split(self, client: ClientOf) -> tuple[int, int]:
        rule = client("vpc-lattice").get_rule(
            serviceIdentifier=self._service,
            listenerIdentifier=self._listener,
            ruleIdentifier=self._rule,
        )
        weights = weights_of(rule["action"])
        return weights[self._groups["example1"]], weights[self._groups["example2"]]

    def series(self, cluster: str) -> Series:
        dimensions = {"TargetGroup": self._groups[cluster]}
        return Series("AWS/VpcLattice", dimensions, "TotalRequestCount", "HTTPCode_5XX_Count")

    def plan(self) -> Plan:
        backend = vpclattice_backends[ACCOUNT][REGION]
        groups = list(backend.target_groups.values())
        names = {group.id: group.name for group in groups}
        clusters = {
            group.name: Cluster(sorted(targets_of(group)), http2=_speaks_http2(group))
            for group in groups
        }
        listeners = list(backend.listeners.values())
        return Plan(clusters, [r for each in listeners for r in _routes(backend, each, names)])


def _routes(
    backend: VPCLatticeBackend, listener: VPCLatticeListener, names: dict[str, str]
) -> Iterator[Json]:
    rules = [r for r in list(backend.rules.values()) if r.listener_identifier == listener.id]
    for rule in sorted(rules, key=lambda rule: rule.priority):
        yield {"match": _match(rule.match.get("httpMatch", {})), **_does(rule.action, names)}
    yield {"match": {"prefix": "/"}, **_does(listener.default_action, names)}


def _does(action: Json, names: dict[str, str]) -> Json:
    if "fixedResponse" in action:
        return {"direct_response": {"status": action["fixedResponse"]["statusCode"]}}
    weights = {names[id]: weight for id, weight in weights_of(action).items()}
    return weighted(weights, retry_policy=REFUSED_ONLY)


def _match(http: Json) -> Json:
    path = http.get("pathMatch", {}).get("match", {"prefix": "/"})
    headers = [
        {"name": header["name"], "string_match": header["match"]}
        for header in http.get("headerMatches", [])
    ]
    if method := http.get("method"):
        headers.append(equals(":method", method))
    return {"path" if kind == "exact" else kind: value for kind, value in path.items()} | {
        "headers": headers
    }


def weights_of(action: Json) -> dict[str, int]:
    """By the target group's id; a group that says no weight has Lattice's own."""
    groups = action["forward"]["targetGroups"]
    default = 100 if len(groups) == 1 else 1
    return {_id(g["targetGroupIdentifier"]): g.get("weight", default) for g in groups}


def targets_of(group: VPCLatticeTargetGroup) -> dict[tuple[str, int], str]:
    """Status by address and port."""
    targets: dict[tuple[str, int], str] = group.__dict__.setdefault("targets", {})
    return targets


def _speaks_http2(group: VPCLatticeTargetGroup) -> bool:
    return group.config.get("protocolVersion") in ("HTTP2", "GRPC")


def _id(identifier: str) -> str:
    return identifier.rpartition("/")[2]


def refusal(action: Json, known: Collection[str]) -> tuple[str, str] | None:
    """The code and the message with which Lattice refuses an action that its model allows."""
    if "fixedResponse" in action:
        wrong = action["fixedResponse"]["statusCode"] not in (404, 500)
        return ("ValidationException", "statusCode must be 404 or 500") if wrong else None
    weights = weights_of(action)
    if len(weights) < len(action["forward"]["targetGroups"]):
        return "ValidationException", "a target group is given twice"
    gone = [id for id in weights if id not in known]
    return ("ResourceNotFoundException", f"Target group {gone[0]} not found") if gone else None


def stored(action: Json) -> Json:
    """The action as Lattice answers it: groups by id, with their weights.

    Nobody promises the order, so it is not the one that was sent.
    """
    if "fixedResponse" in action:
        return copy.deepcopy(action)
    weights = sorted(weights_of(action).items())
    groups = [{"targetGroupIdentifier": id, "weight": weight} for id, weight in weights]
    return {"forward": {"targetGroups": groups}}


def _checked(action: Json, backend: VPCLatticeBackend) -> Json:
    if told := refusal(action, backend.target_groups):
        code, message = told
        raise (ValidationException if code == "ValidationException" else ResourceNotFoundException)(
            message
        )
    return stored(action)


class _Calls:
    """The calls, as methods of moto's response class; each is checked against Lattice's model."""

    @staticmethod
    def create_listener(backend: VPCLatticeBackend, params: Json) -> Json:
        return backend.create_listener(
            _id(params["serviceIdentifier"]),
            params["name"],
            params["protocol"],
            params.get("port"),
            _checked(params["defaultAction"], backend),
            params.get("clientToken", ""),
            params.get("tags"),
        ).to_dict()

    @staticmethod
    def get_listener(backend: VPCLatticeBackend, params: Json) -> Json:
        return _listener(backend, params).to_dict()

    @staticmethod
    def update_listener(backend: VPCLatticeBackend, params: Json) -> Json:
        listener = _listener(backend, params)
        listener.default_action = _checked(params["defaultAction"], backend)
        listener.last_updated_at = datetime.now(UTC).isoformat()
        return listener.to_dict()

    @staticmethod
    def create_rule(backend: VPCLatticeBackend, params: Json) -> Json:
        listener = _listener(backend, params)
        others = [r for r in backend.rules.values() if r.listener_identifier == listener.id]
        if params["priority"] in {rule.priority for rule in others}:
            raise ValidationException("another rule of the listener has this priority")
        rule = backend.create_rule(
            _checked(params["action"], backend),
            params.get("clientToken", ""),
            listener.id,
            params["match"],
            params["name"],
            params["priority"],
            listener.service_identifier,
            params.get("tags") or {},
        )
        rule.arn = f"{listener.arn}/rule/{rule.id}"
        return _rule_view(rule)

    @staticmethod
    def get_rule(backend: VPCLatticeBackend, params: Json) -> Json:
        if found := _default_rule(backend, params):
            return found
        return _rule_view(_rule(backend, params))

    @staticmethod
    def list_rules(backend: VPCLatticeBackend, params: Json) -> Json:
        listener = _listener(backend, params)
        rules = [r for r in backend.rules.values() if r.listener_identifier == listener.id]
        kept = ("arn", "id", "name", "isDefault", "priority")
        views = [*map(_rule_view, rules), _default_view(listener)]
        return {"items": [{k: v for k, v in view.items() if k in kept} for view in views]}

    @staticmethod
    def update_rule(backend: VPCLatticeBackend, params: Json) -> Json:
        if _default_rule(backend, params):
            raise ValidationException("a default rule is updated by its listener")
        rule = _rule(backend, params)
        if "action" in params:
            rule.action = _checked(params["action"], backend)
        rule.match = params.get("match", rule.match)
        rule.priority = params.get("priority", rule.priority)
        return _rule_view(rule)

    @staticmethod
    def get_target_group(backend: VPCLatticeBackend, params: Json) -> Json:
        group = _group(backend, params)
        actions = [rule.action for rule in backend.rules.values()]
        actions += [listener.default_action for listener in backend.listeners.values()]
        used = any("forward" in action and group.id in weights_of(action) for action in actions)
        services = [service.arn for service in backend.services.values()] if used else []
        return {**group.to_dict(), "serviceArns": services}

    @staticmethod
    def register_targets(backend: VPCLatticeBackend, params: Json) -> Json:
        group = _group(backend, params)
        for target in params["targets"]:
            targets_of(group)[target["id"], _port(group, target)] = "HEALTHY"
        return {"successful": params["targets"], "unsuccessful": []}

    @staticmethod
    def deregister_targets(backend: VPCLatticeBackend, params: Json) -> Json:
        group = _group(backend, params)
        for target in params["targets"]:
            targets_of(group).pop((target["id"], _port(group, target)), None)
        return {"successful": params["targets"], "unsuccessful": []}

    @staticmethod
    def list_targets(backend: VPCLatticeBackend, params: Json) -> Json:
        start = int(params.get("nextToken") or 0)
        stop = start + int(params.get("maxResults") or PAGE)
        found = sorted(targets_of(_group(backend, params)).items())
        items = [{"id": id, "port": port, "status": s} for (id, port), s in found[start:stop]]
        return {"items": items, **({"nextToken": str(stop)} if stop < len(found) else {})}


def _listener(backend: VPCLatticeBackend, params: Json) -> VPCLatticeListener:
    return backend.get_listener(_id(params["serviceIdentifier"]), _id(params["listenerIdentifier"]))


def _rule(backend: VPCLatticeBackend, params: Json) -> VPCLatticeRule:
    listener, id = _listener(backend, params), _id(params["ruleIdentifier"])
    rule = backend.rules.get(id)
    if rule is None or rule.listener_identifier != listener.id:
        raise ResourceNotFoundException(f"Rule {id} not found")
    return rule


def _default_rule(backend: VPCLatticeBackend, params: Json) -> Json | None:
    view = _default_view(_listener(backend, params))
    return view if view["id"] == _id(params["ruleIdentifier"]) else None


def _default_view(listener: VPCLatticeListener) -> Json:
    id = f"rule-{listener.id.removeprefix('listener-')}"
    action = listener.default_action
    return {"arn": f"{listener.arn}/rule/{id}", "id": id, "isDefault": True, "action": action}


def _rule_view(rule: VPCLatticeRule) -> Json:
    kept = ("arn", "id", "name", "priority", "action", "match")
    return {"isDefault": False, **{k: v for k, v in rule.to_dict().items() if k in kept}}


def _group(backend: VPCLatticeBackend, params: Json) -> VPCLatticeTargetGroup:
    return backend.get_target_group(_id(params["targetGroupIdentifier"]))


def _port(group: VPCLatticeTargetGroup, target: Json) -> int:
    return int(target.get("port") or group.config["port"])


def fill_moto() -> Callable[[], None]:
    """Give moto's Lattice the calls that it lacks, AWS's ids and checks; the answer undoes it."""
    names = [name for name in vars(_Calls) if not name.startswith("_")]
    before = {name: vars(VPCLatticeResponse).get(name) for name in names}
    for name in names:
        setattr(VPCLatticeResponse, name, _answering(name, getattr(_Calls, name)))
    paths = [
        "{0}/services/(?P<serviceIdentifier>.+)/listeners/(?P<listenerIdentifier>.+)/rules/(?P<r>.+)$",
        "{0}/targetgroups/(?P<targetGroupIdentifier>.+)/(?P<verb>[a-z]+targets)$",
    ]
    moto.vpclattice.urls.url_paths.update(dict.fromkeys(paths, VPCLatticeResponse.dispatch))
    plain = vars(models)["uuid"]
    # moto cuts the ids out of a UUID with its hyphens, which no id of AWS has.
    vars(models)["uuid"] = SimpleNamespace(uuid4=lambda: uuid.uuid4().hex)

    def restore() -> None:
        for name, by in before.items():
            if by is None:
                delattr(VPCLatticeResponse, name)
            else:
                setattr(VPCLatticeResponse, name, by)
        for path in paths:
            del moto.vpclattice.urls.url_paths[path]
        vars(models)["uuid"] = plain

    return restore


def _answering(name: str, call: Callable[[VPCLatticeBackend, Json], Json]) -> Any:
    operation = "".join(word.capitalize() for word in name.split("_"))

    def answer(self: VPCLatticeResponse) -> str:
        path = unquote(self.path)
        found = PATH.search(path) or GROUP_PATH.search(path)
        named = {k: v for k, v in found.groupdict().items() if v} if found else {}
        query = {k: v for k in ("maxResults", "nextToken") if (v := self.querystring.get(k))}
        asked = {k: int(v[0]) if k == "maxResults" else v[0] for k, v in query.items()}
        params = {**asked, **(json.loads(self.body) if self.body else {}), **named}
        if told := broken("vpc-lattice", operation, params):
            raise ValidationException("; ".join(told))
        return json.dumps(call(self.backend, params), default=str)

    return answer
