"""VPC Lattice: the rules of listeners, and the targets of target groups."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote

from moto.core.exceptions import JsonRESTError
from moto.vpclattice import models
from moto.vpclattice.exceptions import ResourceNotFoundException, ValidationException
from moto.vpclattice.models import (
    VPCLatticeBackend,
    VPCLatticeListener,
    VPCLatticeRule,
    VPCLatticeTargetGroup,
)
from moto.vpclattice.responses import VPCLatticeResponse
from moto.vpclattice.urls import url_paths

from emulator.refusals.vpc_lattice import id_of, refusal, stored, weights_of
from emulator.shapes import broken

Json = dict[str, Any]

PATH = re.compile(
    r"/services/(?P<serviceIdentifier>.+?)/listeners(/(?P<listenerIdentifier>.+?))?"
    r"(/rules(/(?P<ruleIdentifier>.+))?)?$"
)
GROUP_PATH = re.compile(r"/targetgroups/(?P<targetGroupIdentifier>.+?)(/\w+targets)?$")
SERVICE_PATH = re.compile(r"/services/(?P<serviceIdentifier>[^/]+)$")
NETWORK_PATH = re.compile(
    r"/servicenetworks/(?P<serviceNetworkIdentifier>[^/]+)$"
    r"|/servicenetworkvpcassociations/(?P<serviceNetworkVpcAssociationIdentifier>[^/]+)$"
    r"|/servicenetworkserviceassociations/(?P<serviceNetworkServiceAssociationIdentifier>[^/]+)$"
)
PATHS = (
    "{0}/services/(?P<serviceIdentifier>.+)/listeners/(?P<listenerIdentifier>.+)/rules/(?P<r>.+)$",
    "{0}/targetgroups/(?P<targetGroupIdentifier>.+)/(?P<verb>[a-z]+targets)$",
)
PAGE = 100


class ConflictException(JsonRESTError):
    code = 409

    def __init__(self, message: str) -> None:
        super().__init__("ConflictException", message)


@contextmanager
def filled() -> Iterator[None]:
    """AWS: refuses what breaks its model. moto: takes it; so the calls that it has are here too.

    AWS: the 17 characters of an id are hexadecimal. moto: cuts them out of a UUID with its hyphens.
    """
    calls = {
        name: _answering(name, getattr(_Calls, name)) for name in vars(_Calls) if name[0] != "_"
    }
    with (
        patch.multiple(VPCLatticeResponse, create=True, **calls),
        patch.dict(url_paths, dict.fromkeys(PATHS, VPCLatticeResponse.dispatch)),
        patch.object(models, "uuid", SimpleNamespace(uuid4=lambda: uuid.uuid4().hex)),
    ):
        yield


def _answering(name: str, call: Callable[[VPCLatticeBackend, Json], Json]) -> Any:
    operation = "".join(word.capitalize() for word in name.split("_"))

    def answer(self: VPCLatticeResponse) -> str:
        path = unquote(self.path)
        paths = (PATH, GROUP_PATH, SERVICE_PATH, NETWORK_PATH)
        found = next((found for each in paths if (found := each.search(path))), None)
        named = {k: v for k, v in found.groupdict().items() if v} if found else {}
        query = {k: v for k in ("maxResults", "nextToken") if (v := self.querystring.get(k))}
        queried = {k: int(v[0]) if k == "maxResults" else v[0] for k, v in query.items()}
        params = {**queried, **(json.loads(self.body) if self.body else {}), **named}
        if violations := broken("vpc-lattice", operation, params):
            raise ValidationException("; ".join(violations))
        return json.dumps(call(self.backend, params), default=str)

    return answer


class _Calls:
    """The calls, as methods of moto's response class."""

    @staticmethod
    def create_listener(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: refuses a default action on an unknown target group. moto: takes it."""
        return backend.create_listener(
            id_of(params["serviceIdentifier"]),
            params["name"],
            params["protocol"],
            params.get("port"),
            _checked(params["defaultAction"], backend),
            params.get("clientToken", ""),
            params.get("tags"),
        ).to_dict()

    @staticmethod
    def get_listener(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: finds a listener by id or ARN. moto: by what is last in the path."""
        return _listener(backend, params).to_dict()

    @staticmethod
    def update_listener(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: writes the default action. moto: lacks the call."""
        listener = _listener(backend, params)
        listener.default_action = _checked(params["defaultAction"], backend)
        listener.last_updated_at = _now()
        return listener.to_dict()

    @staticmethod
    def create_rule(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: refuses a second rule of one priority, and puts the rule's ARN below the listener's.

        moto: does neither.
        """
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
        rule.created_at = rule.last_updated_at = _now()  # type: ignore[attr-defined]
        backend.tag_resource(rule.arn, params.get("tags") or {})
        return _rule_view(rule)

    @staticmethod
    def get_rule(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: answers the default rule too. moto: lacks the call."""
        if found := _default_rule(backend, params):
            return found
        rule = _rule(backend, params)
        return {**_rule_view(rule), **_times(rule)}

    @staticmethod
    def list_rules(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: lists the default rule too. moto: lacks the call."""
        listener = _listener(backend, params)
        rules = [r for r in backend.rules.values() if r.listener_identifier == listener.id]
        kept = ("arn", "id", "name", "isDefault", "priority", "createdAt", "lastUpdatedAt")
        views = [{**_rule_view(rule), **_times(rule)} for rule in rules]
        views.append(_default_view(listener))
        return {"items": [{k: v for k, v in view.items() if k in kept} for view in views]}

    @staticmethod
    def update_rule(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: keeps what is not named, and refuses the default rule. moto: lacks the call."""
        if _default_rule(backend, params):
            raise ValidationException("a default rule is updated by its listener")
        rule = _rule(backend, params)
        if "action" in params:
            rule.action = _checked(params["action"], backend)
        rule.match = params.get("match", rule.match)
        rule.priority = params.get("priority", rule.priority)
        rule.last_updated_at = _now()  # type: ignore[attr-defined]
        return _rule_view(rule)

    @staticmethod
    def delete_rule(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: deletes what it has made, but the default rule. moto: deletes nothing."""
        del backend.rules[_rule(backend, params).id]
        return {}

    @staticmethod
    def delete_listener(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: deletes its rules too."""
        listener = _listener(backend, params)
        for rule in [r for r in backend.rules.values() if r.listener_identifier == listener.id]:
            del backend.rules[rule.id]
        del backend.listeners[listener.id]
        return {}

    @staticmethod
    def delete_target_group(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: refuses to delete a group that requests may go to."""
        group = _group(backend, params)
        if _is_used(backend, group):
            raise ConflictException("the target group is in use")
        del backend.target_groups[group.id]
        return {"id": group.id, "arn": group.arn, "status": "DELETE_IN_PROGRESS"}

    @staticmethod
    def delete_service(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: refuses to delete a service that a network has."""
        service = backend.get_service(id_of(params["serviceIdentifier"]))
        associations = backend.service_network_service_associations.values()
        if service.id in {id_of(each.service_id) for each in associations}:
            raise ConflictException("the service has associations")
        del backend.services[service.id]
        return {"id": service.id, "arn": service.arn, "status": "DELETE_IN_PROGRESS"}

    @staticmethod
    def delete_service_network(backend: VPCLatticeBackend, params: Json) -> Json:
        network = backend.get_service_network(id_of(params["serviceNetworkIdentifier"]))
        del backend.service_networks[network.id]
        return {}

    @staticmethod
    def delete_service_network_vpc_association(backend: VPCLatticeBackend, params: Json) -> Json:
        id = id_of(params["serviceNetworkVpcAssociationIdentifier"])
        del backend.service_network_vpc_associations[id]
        return {"id": id, "status": "DELETE_IN_PROGRESS"}

    @staticmethod
    def delete_service_network_service_association(
        backend: VPCLatticeBackend, params: Json
    ) -> Json:
        id = id_of(params["serviceNetworkServiceAssociationIdentifier"])
        del backend.service_network_service_associations[id]
        return {"id": id, "status": "DELETE_IN_PROGRESS"}

    @staticmethod
    def get_target_group(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: names the services that use the group. moto: never does."""
        group = _group(backend, params)
        used = _is_used(backend, group)
        services = [service.arn for service in backend.services.values()] if used else []
        return {**group.to_dict(), "serviceArns": services}

    @staticmethod
    def register_targets(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: takes targets into a group. moto: lacks the call."""
        group = _group(backend, params)
        for target in params["targets"]:
            targets_of(group)[target["id"], _port(group, target)] = "HEALTHY"
        return {"successful": params["targets"], "unsuccessful": []}

    @staticmethod
    def deregister_targets(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: takes targets out of a group. moto: lacks the call."""
        group = _group(backend, params)
        for target in params["targets"]:
            targets_of(group).pop((target["id"], _port(group, target)), None)
        return {"successful": params["targets"], "unsuccessful": []}

    @staticmethod
    def list_targets(backend: VPCLatticeBackend, params: Json) -> Json:
        """AWS: answers targets with their status, in pages. moto: lacks the call."""
        start = int(params.get("nextToken") or 0)
        stop = start + int(params.get("maxResults") or PAGE)
        found = sorted(targets_of(_group(backend, params)).items())
        items = [{"id": id, "port": port, "status": s} for (id, port), s in found[start:stop]]
        return {"items": items, **({"nextToken": str(stop)} if stop < len(found) else {})}


def _listener(backend: VPCLatticeBackend, params: Json) -> VPCLatticeListener:
    return backend.get_listener(
        id_of(params["serviceIdentifier"]), id_of(params["listenerIdentifier"])
    )


def _rule(backend: VPCLatticeBackend, params: Json) -> VPCLatticeRule:
    listener, id = _listener(backend, params), id_of(params["ruleIdentifier"])
    rule = backend.rules.get(id)
    if rule is None or rule.listener_identifier != listener.id:
        raise ResourceNotFoundException(f"Rule {id} not found")
    return rule


def _default_rule(backend: VPCLatticeBackend, params: Json) -> Json | None:
    view = _default_view(_listener(backend, params))
    return view if view["id"] == id_of(params["ruleIdentifier"]) else None


def _default_view(listener: VPCLatticeListener) -> Json:
    id = f"rule-{listener.id.removeprefix('listener-')}"
    action = listener.default_action
    times = {"createdAt": listener.createdAt, "lastUpdatedAt": listener.last_updated_at}
    return {
        "arn": f"{listener.arn}/rule/{id}",
        "id": id,
        "isDefault": True,
        "action": action,
        **times,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _times(rule: Any) -> Json:
    return {"createdAt": rule.created_at, "lastUpdatedAt": rule.last_updated_at}


def _rule_view(rule: VPCLatticeRule) -> Json:
    kept = ("arn", "id", "name", "priority", "action", "match")
    return {"isDefault": False, **{k: v for k, v in rule.to_dict().items() if k in kept}}


def _group(backend: VPCLatticeBackend, params: Json) -> VPCLatticeTargetGroup:
    return backend.get_target_group(id_of(params["targetGroupIdentifier"]))


def _is_used(backend: VPCLatticeBackend, group: VPCLatticeTargetGroup) -> bool:
    actions = [rule.action for rule in backend.rules.values()]
    actions += [listener.default_action for listener in backend.listeners.values()]
    return any("forward" in action and group.id in weights_of(action) for action in actions)


def _port(group: VPCLatticeTargetGroup, target: Json) -> int:
    return int(target.get("port") or group.config["port"])


def _checked(action: Json, backend: VPCLatticeBackend) -> Json:
    if refused := refusal(action, backend.target_groups):
        code, message = refused
        raise (ValidationException if code == "ValidationException" else ResourceNotFoundException)(
            message
        )
    return stored(action)


def targets_of(group: VPCLatticeTargetGroup) -> dict[tuple[str, int], str]:
    """Status by address and port."""
    targets: dict[tuple[str, int], str] = group.__dict__.setdefault("targets", {})
    return targets
