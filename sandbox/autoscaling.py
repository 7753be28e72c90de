"""Application Auto Scaling: scales ECS services by what their policies and scheduled actions say.

Policies scale when the alarms fire that they have put, which `metrics.py` evaluates.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.applicationautoscaling.models import (
    FakeApplicationAutoscalingPolicy,
    FakeScalableTarget,
    FakeScheduledAction,
    applicationautoscaling_backends,
)
from moto.cloudwatch.models import cloudwatch_backends
from moto.ecs.models import Service as EcsService

from emulator.account import ACCOUNT, REGION
from emulator.moto_gaps.alarm_evaluation import datapoints
from emulator.moto_gaps.applicationautoscaling import (
    bring_within_bounds,
    service_of,
    set_capacity,
    targets_of,
)
from emulator.schedule_expression import parse_expression
from sandbox.target_tracking import Reading, Service, capacity_for
from sandbox.timers import Ticks

COOLDOWN = 300
"""Seconds, where a policy does not say."""

log = logging.getLogger(__name__)


@dataclass
class Cooldown:
    """Until when a target is not scaled again, in epoch seconds; `base` is what ran before."""

    out_until: float = 0.0
    in_until: float = 0.0
    base: int = 0


class AutoScaling:
    """Looks at every scalable target, tick by tick.

    `seconds_per_period` is how long a minute of the alarms lasts, and of cooldowns. Scheduled
    actions are on the clock of the machine.
    """

    def __init__(
        self,
        *,
        account: str = ACCOUNT,
        region: str = REGION,
        tick: float = 0.5,
        seconds_per_period: float = 60.0,
    ) -> None:
        self._backend = applicationautoscaling_backends[account][region]
        self._cloudwatch = cloudwatch_backends[account][region]
        self._seconds_per_period = seconds_per_period
        self._looked = datetime.now(UTC)
        self._cooldowns: dict[str, Cooldown] = {}
        self._outside: dict[str, str] = {}
        """Targets that a scheduled action left outside their new bounds, and its name."""
        self._ticks = Ticks("autoscaling", lambda: self.look(datetime.now(UTC)), tick)

    def start(self) -> None:
        self._ticks.start()

    def close(self) -> None:
        self._ticks.close()

    def look(self, now: datetime) -> None:
        """Scale what is due since the last look."""
        after, self._looked = self._looked, now
        for target in targets_of(self._backend):
            service = service_of(self._backend, target)
            if service is not None:
                self._run_actions(target, service, after, now)
                self._track(target, service, now.timestamp())

    def _run_actions(
        self, target: FakeScalableTarget, service: EcsService, after: datetime, now: datetime
    ) -> None:
        suspended: Any = target.suspended_state
        for action in list(self._backend.scheduled_actions):
            ours = (action.resource_id, action.scalable_dimension) == (
                target.resource_id,
                target.scalable_dimension,
            )
            if not ours or not _is_due(action, after, now):
                continue
            if suspended["ScheduledScalingSuspended"]:
                continue
            _set_bounds(target, action)
            self._outside[target.resource_id] = action.scheduled_action_name
        name = self._outside.get(target.resource_id)
        if name is None:
            return
        too_many = service.desired_count > int(target.max_capacity or 0)
        if too_many and _is_deploying(service):
            return
        bring_within_bounds(self._backend, target, f"scheduled action name {name} was triggered")
        del self._outside[target.resource_id]

    def _track(self, target: FakeScalableTarget, service: EcsService, now: float) -> None:
        policies = [
            policy
            for policy in list(self._backend.policies.values())
            if policy.resource_id == target.resource_id and policy.alarms
        ]
        found = [(policy, self._read(policy, now)) for policy in policies]
        readings = [reading for _, reading in found if reading is not None]
        # One policy whose metric has no data scales nothing in.
        blind = len(readings) < len(policies)
        cooldown = self._cooldowns.setdefault(target.resource_id, Cooldown())
        suspended: Any = target.suspended_state
        wanted = capacity_for(
            Service(
                desired=service.desired_count,
                running=service.running_count,
                minimum=int(target.min_capacity or 0),
                maximum=int(target.max_capacity or 0),
                base=cooldown.base if now < cooldown.out_until else None,
                may_scale_out=not suspended["DynamicScalingOutSuspended"],
                may_scale_in=not suspended["DynamicScalingInSuspended"]
                and not blind
                and not _is_deploying(service)
                and now >= cooldown.in_until,
            ),
            readings,
        )
        if wanted == service.desired_count:
            return
        policy = next(
            policy
            for policy, reading in found
            if reading and (reading.high if wanted > service.desired_count else reading.low)
        )
        if wanted > service.desired_count:
            if now >= cooldown.out_until:
                cooldown.base = service.running_count
            cooldown.out_until = now + self._seconds(policy, "ScaleOutCooldown")
            cooldown.in_until = 0.0
        else:
            cooldown.in_until = now + self._seconds(policy, "ScaleInCooldown")
        cause = f"monitor alarm in state ALARM triggered policy {policy.policy_name}"
        set_capacity(self._backend, target, wanted, cause)
        log.info("%s scaled to %s: %s", target.resource_id, wanted, cause)

    def _read(self, policy: FakeApplicationAutoscalingPolicy, now: float) -> Reading | None:
        """None where the metric has had no data lately."""
        fires = {
            side: alarm.state_value == "ALARM"
            for alarm in policy.alarms
            for side in ("High", "Low")
            if f"-Alarm{side}-" in alarm.name
        }
        points = datapoints(self._cloudwatch, policy.alarms[0], now, self._seconds_per_period)
        values = [point for point in points if point is not None]
        if not values:
            return None
        configuration: Any = policy.target_tracking_scaling_policy_configuration
        target = float(configuration["TargetValue"])
        return Reading(values[-1], target, fires["High"], fires.get("Low"))

    def _seconds(self, policy: FakeApplicationAutoscalingPolicy, name: str) -> float:
        configuration: Any = policy.target_tracking_scaling_policy_configuration
        return float(configuration.get(name, COOLDOWN)) * self._seconds_per_period / 60


def _is_deploying(service: EcsService) -> bool:
    """While an ECS deployment is in progress nothing is scaled in."""
    return any(each["rolloutState"] == "IN_PROGRESS" for each in service.deployments)


def _is_due(action: FakeScheduledAction, after: datetime, now: datetime) -> bool:
    start, end = _moment(action.start_time), _moment(action.end_time)
    if (end and end < now) or (start and now < start):
        return False
    if start and after < start:
        # It runs at its start, and then as its schedule says.
        return True
    created = datetime.fromtimestamp(action.creation_time, UTC)
    expression = parse_expression(action.schedule, action.timezone)
    return expression.is_due(max(after, created), now, start or created)


def _moment(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC)


def _set_bounds(target: FakeScalableTarget, action: FakeScheduledAction) -> None:
    """Give the target the bounds that the action names, unless they would be out of order."""
    named: Any = action.scalable_target_action or {}
    low = named.get("MinCapacity", target.min_capacity)
    high = named.get("MaxCapacity", target.max_capacity)
    if low > high:
        log.warning("%s: %s is above %s", action.scheduled_action_name, low, high)
        return
    target.min_capacity, target.max_capacity = low, high
