"""A strict in-memory Application Auto Scaling, which scales the fake's ECS services as well.

It follows the traffic: a side with half of it gets half of the tasks that it had with all of it.
"""

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from tests.fakes.clock import VirtualClock
from tests.fakes.ecs import Ecs
from tests.fakes.service import Document, Refusal

TICK_SECONDS = 60.0
DIMENSION = "ecs:service:DesiredCount"
FLAGS = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")


class Scaling(Ecs):
    """`scalable` has the targets by ECS service, `actions` their scheduled actions."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.scalable: dict[str, Document] = {}
        self.actions: dict[str, list[Document]] = {}
        self.intended: dict[str, tuple[int, int]] = {}
        """The bounds that each target would have if nobody had held a service at a floor."""
        self.share_of: Callable[[str], float] = lambda _service: 1.0
        """What part of all traffic a service has."""

    def scale_by_traffic(self, service: str, minimum: int, maximum: int, late: float = 0) -> None:
        """From here on autoscaling gives the service what its share of the traffic needs, of as
        many tasks as it has now. It goes by metrics that come so many seconds late."""
        self._add_target(service, minimum, maximum)
        self._tick(service, max(1, self.services[service].desired), late)

    def _add_target(self, service: str, minimum: int, maximum: int) -> None:
        self.intended[service] = (minimum, maximum)
        self.scalable[service] = {
            "MinCapacity": minimum,
            "MaxCapacity": maximum,
            "SuspendedState": dict.fromkeys(FLAGS, False),
        }

    def bounds(self, service: str) -> tuple[int, int]:
        target = self.scalable[service]
        return target["MinCapacity"], target["MaxCapacity"]

    def set_bounds(self, service: str, minimum: int, maximum: int) -> None:
        """Somebody sets others."""
        if target := self.scalable.get(service):
            self.intended[service] = (minimum, maximum)
            target.update(MinCapacity=minimum, MaxCapacity=maximum)
            self._go_within(service)

    def _go_within(self, service: str) -> None:
        minimum, maximum = self.bounds(service)
        self.set_desired(service, max(minimum, min(maximum, self.services[service].desired)))

    def _tick(self, service: str, full: int, late: float) -> None:
        def tick() -> None:
            self._tick(service, full, late)
            wanted = math.ceil(full * self.share_of(service))
            if late:
                self.clock.after(late, lambda: self._follow_traffic(service, wanted))
            else:
                self._follow_traffic(service, wanted)

        self.clock.after(TICK_SECONDS, tick)

    def _follow_traffic(self, service: str, wanted: int) -> None:
        target, here = self.scalable.get(service), self.services[service]
        if target is None:
            return
        wanted = max(target["MinCapacity"], min(target["MaxCapacity"], wanted))
        suspended = target["SuspendedState"]
        if wanted < here.desired:
            # ECS suspends scale-in while it deploys.
            deploying = any(d["rolloutState"] == "IN_PROGRESS" for d in here["deployments"])
            if deploying or suspended["DynamicScalingInSuspended"]:
                return
        elif suspended["DynamicScalingOutSuspended"] or wanted == here.desired == 0:
            return
        self.set_desired(service, wanted)

    def act_at(self, service: str, seconds: float, minimum: int, maximum: int) -> None:
        """A scheduled action that sets other bounds, once."""
        at = self.clock.now() + timedelta(seconds=seconds)
        self.actions.setdefault(service, []).append(
            {
                "ScheduledActionName": f"action-{len(self.actions)}",
                "Schedule": f"at({at:%Y-%m-%dT%H:%M:%S})",
                "ScalableTargetAction": {"MinCapacity": minimum, "MaxCapacity": maximum},
                "CreationTime": self.clock.now(),
            }
        )
        self.clock.after(seconds, lambda: self._act(service, minimum, maximum))

    def _act(self, service: str, minimum: int, maximum: int) -> None:
        self.intended[service] = (minimum, maximum)
        target = self.scalable.get(service)
        if target is None or target["SuspendedState"]["ScheduledScalingSuspended"]:
            return
        target.update(MinCapacity=minimum, MaxCapacity=maximum)
        self._go_within(service)

    def _service_of(self, resource: str) -> str:
        kind, _, name = resource.partition("/")
        if kind != "service" or not name.startswith("example/"):
            raise Refusal("ValidationException", f"Unsupported resource {resource}")
        return name.partition("/")[2]

    def _as_described(self, service: str) -> Document:
        return {
            **self.scalable[service],
            "SuspendedState": dict(self.scalable[service]["SuspendedState"]),
            "ServiceNamespace": "ecs",
            "ResourceId": f"service/example/{service}",
            "ScalableDimension": DIMENSION,
            "RoleARN": "arn:aws:iam::123456789012:role/autoscaling",
            "CreationTime": datetime(2026, 1, 1),  # noqa: DTZ001
        }

    def _application_autoscaling_DescribeScalableTargets(  # noqa: N802
        self, params: Document
    ) -> Document:
        wanted = [self._service_of(resource) for resource in params["ResourceIds"]]
        return {"ScalableTargets": [self._as_described(s) for s in wanted if s in self.scalable]}

    def _application_autoscaling_DescribeScheduledActions(  # noqa: N802
        self, params: Document
    ) -> Document:
        service = self._service_of(params["ResourceId"])
        return {"ScheduledActions": [dict(action) for action in self.actions.get(service, [])]}

    def _application_autoscaling_RegisterScalableTarget(  # noqa: N802
        self, params: Document
    ) -> Document:
        """What is not sent stays what it was. The service goes within the bounds at once, also
        where none is sent."""
        service = self._service_of(params["ResourceId"])
        before = self.scalable.get(service)
        if before is None and not {"MinCapacity", "MaxCapacity"} <= params.keys():
            raise Refusal("ValidationException", "MinCapacity and MaxCapacity are required")
        target = before or {"SuspendedState": dict.fromkeys(FLAGS, False)}
        changed: Document = {k: params[k] for k in ("MinCapacity", "MaxCapacity") if k in params}
        suspended = {**target["SuspendedState"], **params.get("SuspendedState", {})}
        target = {**target, **changed, "SuspendedState": suspended}
        if target["MinCapacity"] > target["MaxCapacity"]:
            raise Refusal("ValidationException", "Maximum capacity cannot be less than minimum")
        self.scalable[service] = target
        self._go_within(service)
        return {"ScalableTargetARN": f"arn:aws:application-autoscaling:::{service}"}
