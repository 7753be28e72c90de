"""Elastic Load Balancing: targets on one address, and rules that AWS refuses."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.elbv2.exceptions import ELBClientError
from moto.elbv2.models import ELBv2Backend, FakeAction, FakeHealthStatus, FakeTargetGroup

from emulator.refusals.elbv2 import refusal

Json = dict[str, Any]

WRITES = ("create_rule", "modify_rule", "create_listener", "modify_listener")


@contextmanager
def filled() -> Iterator[None]:
    def register(self: FakeTargetGroup, targets: list[Json]) -> None:
        """AWS: address and port are a target. moto: the address alone is."""
        for target in targets:
            port = int(target.get("Port") or self.port)
            self.targets[f"{target['Id']}:{port}"] = {"Id": target["Id"], "Port": port}

    def deregister(self: FakeTargetGroup, targets: list[Json]) -> None:
        """AWS: ignores what is not registered. moto: refuses it."""
        for target in targets:
            self.targets.pop(f"{target['Id']}:{target.get('Port') or self.port}", None)

    def health_for(self: FakeTargetGroup, target: Json, _ec2: Any) -> FakeHealthStatus:
        """AWS: says `unused` of what is not registered. moto: `unavailable`, if it never was."""
        port = target.get("Port") or self.port
        if f"{target['Id']}:{port}" in self.targets:
            return FakeHealthStatus(target["Id"], str(port), str(self.health_check_port), "healthy")
        reason = ("unused", "Target.NotRegistered", "Target is not registered to the target group")
        return FakeHealthStatus(target["Id"], str(port), str(self.health_check_port), *reason)

    def checked(name: str) -> Any:
        """AWS: refuses what `refusals.elbv2` says. moto: takes it."""
        plain = getattr(ELBv2Backend, name)

        def check(self: ELBv2Backend, *args: Any, **kwargs: Any) -> Any:
            for value in [*args, *kwargs.values()]:
                actions = [a.data if isinstance(a, FakeAction) else a for a in _actions_in(value)]
                if actions and (refused := refusal(actions, self.target_groups)):
                    raise ELBClientError(*refused)
            return plain(self, *args, **kwargs)

        return check

    with (
        patch.multiple(
            FakeTargetGroup, register=register, deregister=deregister, health_for=health_for
        ),
        patch.multiple(ELBv2Backend, **{name: checked(name) for name in WRITES}),
    ):
        yield


def _actions_in(value: Any) -> list[Any]:
    """The argument, if it is a list of actions."""
    actions = value if isinstance(value, list) else []
    typed = [a for a in actions if isinstance(a, FakeAction) or "Type" in a]
    return typed if len(typed) == len(actions) else []
