"""Application Auto Scaling: scalable targets, policies and scheduled actions, as AWS checks them.

What scales is not here: whoever plays the service reads them, and calls `set_capacity`.
"""

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import (
    ApplicationAutoscalingBackend,
    FakeApplicationAutoscalingPolicy,
    FakeScalableTarget,
    FakeScheduledAction,
)
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.cloudwatch.models import Alarm, cloudwatch_backends
from moto.core.exceptions import JsonRESTError
from moto.ecs.exceptions import ClusterNotFoundException
from moto.ecs.models import Service

from emulator.moto_gaps.ecs import lock
from emulator.schedule_expression import parse_expression

Json = dict[str, Any]

DESIRED_COUNT = "ecs:service:DesiredCount"
RESUMED = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}
HIGH_PERIODS, LOW_PERIODS = 3, 15
"""After so many periods above the target capacity is added, and below it taken away."""
LOW_SHARE = 0.9
"""How far below the target a metric has to be for that."""
LABEL = re.compile(r"(?P<LoadBalancer>app/[^/]+/[^/]+)/(?P<TargetGroup>targetgroup/[^/]+/[^/]+)")
UTILIZATION = {
    "ECSServiceAverageCPUUtilization": "CPUUtilization",
    "ECSServiceAverageMemoryUtilization": "MemoryUtilization",
}


class ObjectNotFoundException(JsonRESTError):
    def __init__(self, message: str) -> None:
        super().__init__("ObjectNotFoundException", message)


@dataclass(frozen=True, slots=True)
class Metric:
    """What a target tracking policy keeps near its target."""

    namespace: str
    name: str
    dimensions: dict[str, str]
    statistic: str


@contextmanager
def filled() -> Iterator[None]:
    backend, response = ApplicationAutoscalingBackend, ApplicationAutoScalingResponse
    register, deregister = backend.register_scalable_target, backend.deregister_scalable_target
    put_policy, delete_policy = backend.put_scaling_policy, backend.delete_scaling_policy
    put_action, delete_action = backend.put_scheduled_action, backend.delete_scheduled_action

    def register_scalable_target(
        self: ApplicationAutoscalingBackend,
        namespace: str,
        r_id: str,
        dimension: str,
        min_capacity: int | None,
        max_capacity: int | None,
        role_arn: str,
        suspended_state: Any,
    ) -> FakeScalableTarget:
        """AWS: a new target needs both bounds, which have to be in order; of the suspended state
        it keeps what a request leaves out, and it brings the capacity of the resource within the
        bounds at once, also where the request names none. moto: checks no bound, replaces the
        suspended state, changes no capacity, and lets ECS's error through where no cluster is.
        """
        known: Any = self.targets.get(dimension, {}).get(r_id)
        low = known.min_capacity if known and min_capacity is None else min_capacity
        high = known.max_capacity if known and max_capacity is None else max_capacity
        if low is None or high is None:
            raise AWSValidationException(
                "MinCapacity and MaxCapacity are required to register a new scalable target"
            )
        _check_bounds(low, high)
        before: Json = known.suspended_state if known else RESUMED
        suspended: Any = {**before, **(suspended_state or {})}
        try:
            target = register(self, namespace, r_id, dimension, low, high, role_arn, suspended)
        except ClusterNotFoundException as error:
            raise AWSValidationException(f"ECS service doesn't exist: {r_id}") from error
        bring_within_bounds(self, target, "the scalable target was registered")
        return target

    def deregister_scalable_target(
        self: ApplicationAutoscalingBackend, namespace: str, r_id: str, dimension: str
    ) -> None:
        """AWS: says that it does not know a target, and deletes the policies and the scheduled
        actions of one. moto: calls it invalid, and keeps them.
        """
        _require_target(self, namespace, r_id, dimension, "found")
        deregister(self, namespace, r_id, dimension)
        for key, policy in list(self.policies.items()):
            if (policy.resource_id, policy.scalable_dimension) == (r_id, dimension):
                policy.delete_alarms(self.account_id, self.region_name)
                del self.policies[key]
        self.scheduled_actions = [
            action
            for action in self.scheduled_actions
            if (action.resource_id, action.scalable_dimension) != (r_id, dimension)
        ]

    def put_scaling_policy(
        self: ApplicationAutoscalingBackend,
        policy_name: str,
        service_namespace: str,
        resource_id: str,
        scalable_dimension: str,
        policy_body: Json,
        policy_type: str | None,
    ) -> FakeApplicationAutoscalingPolicy:
        """AWS: only for a registered target; a policy tracks exactly one metric, and keeps its ARN
        when it is put again. moto: for any resource and any metric, and each time with a new ARN
        and more alarms.
        """
        place = (service_namespace, resource_id, scalable_dimension)
        _require_target(self, *place, "registered")
        if policy_type == "TargetTrackingScaling":
            _check_tracking(policy_body)
        key = FakeApplicationAutoscalingPolicy.formulate_key(*place, policy_name)
        older = self.policies.get(key)
        policy = put_policy(self, policy_name, *place, policy_body, policy_type)
        if older is not None:
            for each in (older, policy):
                each.delete_alarms(self.account_id, self.region_name)
            policy.policy_arn, policy.creation_time = older.policy_arn, older.creation_time
            policy.alarms = []
            policy.create_alarms()
        return policy

    def delete_scaling_policy(
        self: ApplicationAutoscalingBackend,
        policy_name: str,
        service_namespace: str,
        resource_id: str,
        scalable_dimension: str,
    ) -> None:
        """AWS: says that it does not know a policy. moto: calls it invalid."""
        place = (service_namespace, resource_id, scalable_dimension)
        key = FakeApplicationAutoscalingPolicy.formulate_key(*place, policy_name)
        if key not in self.policies:
            raise _not_found("scaling policy", "found", *place)
        delete_policy(self, policy_name, *place)

    def put_scheduled_action(
        self: ApplicationAutoscalingBackend,
        service_namespace: str,
        schedule: str,
        timezone: str,
        scheduled_action_name: str,
        resource_id: str,
        scalable_dimension: str,
        start_time: Any,
        end_time: Any,
        scalable_target_action: Any,
    ) -> None:
        """AWS: only for a registered target, and with a schedule that it can read. moto: takes
        any."""
        place = (service_namespace, resource_id, scalable_dimension)
        _require_target(self, *place, "registered")
        known = _action(self, scheduled_action_name, *place)
        if schedule is None and known is None:
            raise AWSValidationException("Schedule is required to create a scheduled action")
        try:
            zone = timezone or (known.timezone if known else None)
            parse_expression(schedule or str(known and known.schedule), zone)
        except ValueError as error:
            raise AWSValidationException(f"Schedule expression is invalid: {error}") from error
        capacities = scalable_target_action or {}
        _check_bounds(capacities.get("MinCapacity", 0), capacities.get("MaxCapacity", 2**31))
        names = (scheduled_action_name, resource_id, scalable_dimension)
        times = (start_time, end_time, scalable_target_action)
        put_action(self, service_namespace, schedule, timezone, *names, *times)

    def delete_scheduled_action(
        self: ApplicationAutoscalingBackend,
        service_namespace: str,
        scheduled_action_name: str,
        resource_id: str,
        scalable_dimension: str,
    ) -> None:
        """AWS: says that it does not know an action. moto: deletes nothing, and says nothing."""
        place = (service_namespace, resource_id, scalable_dimension)
        if _action(self, scheduled_action_name, *place) is None:
            raise _not_found("scheduled action", "found", *place)
        delete_action(self, service_namespace, scheduled_action_name, *place[1:])

    def describe_scaling_policies(
        self: ApplicationAutoscalingBackend,
        service_namespace: str,
        resource_id: str | None,
        scalable_dimension: str | None,
        max_results: int | None,
        next_token: str | None,
    ) -> tuple[str | None, list[FakeApplicationAutoscalingPolicy]]:
        """AWS: the policies of this resource. moto: also those of one whose id begins this one's,
        as `example1` begins `example10`."""
        found = [
            policy
            for policy in self.policies.values()
            if policy.service_namespace == service_namespace
            and resource_id in (None, policy.resource_id)
            and scalable_dimension in (None, policy.scalable_dimension)
        ]
        first = int(next_token or 0)
        last = first + (max_results or 50)
        return (str(last) if last < len(found) else None), found[first:last]

    def generate_ecs_alarms(self: FakeApplicationAutoscalingPolicy) -> list[Alarm]:
        """AWS: a policy has an alarm above its target, and one below unless it may not scale in,
        on the metric that it tracks. moto: they are on CPU or memory, with one threshold."""
        configuration = self.target_tracking_scaling_policy_configuration or {}
        metric = metric_of(self.resource_id, configuration)
        if metric is None:
            return []
        target = float(configuration["TargetValue"])
        sides = [("High", "GreaterThanThreshold", HIGH_PERIODS, target)]
        if not configuration.get("DisableScaleIn"):
            sides.append(("Low", "LessThanThreshold", LOW_PERIODS, target * LOW_SHARE))
        dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions.items()]
        return [
            cloudwatch_backends[self.account_id][self.region_name].put_metric_alarm(
                name=f"TargetTracking-{self.resource_id}-Alarm{side}-{uuid.uuid4()}",
                namespace=metric.namespace,
                metric_name=metric.name,
                metric_data_queries=[],
                comparison_operator=comparison,
                evaluation_periods=periods,
                period=60,
                threshold=threshold,
                statistic=metric.statistic,
                description=f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy"
                f" {self.policy_arn}.",
                dimensions=dimensions,
                alarm_actions=[self.policy_arn],
            )
            for side, comparison, periods, threshold in sides
        ]

    def describe_scaling_activities(self: ApplicationAutoScalingResponse) -> str:
        """AWS: keeps what was scaled and why, the newest first. moto: lacks the call."""
        wanted = {
            name: self._get_param(name)
            for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")
            if self._get_param(name)
        }
        kept = activities_of(self.applicationautoscaling_backend)
        found = [
            activity
            for activity in reversed(kept)
            if all(activity[name] == value for name, value in wanted.items())
        ]
        return json.dumps({"ScalingActivities": found})

    with (
        patch.multiple(
            backend,
            register_scalable_target=register_scalable_target,
            deregister_scalable_target=deregister_scalable_target,
            put_scaling_policy=put_scaling_policy,
            delete_scaling_policy=delete_scaling_policy,
            describe_scaling_policies=describe_scaling_policies,
            put_scheduled_action=put_scheduled_action,
            delete_scheduled_action=delete_scheduled_action,
        ),
        patch.object(FakeApplicationAutoscalingPolicy, "_generate_ecs_alarms", generate_ecs_alarms),
        patch.object(
            response, "describe_scaling_activities", describe_scaling_activities, create=True
        ),
    ):
        yield


def targets_of(backend: ApplicationAutoscalingBackend) -> list[FakeScalableTarget]:
    """The ECS services that are scalable targets."""
    return list(backend.targets.get(DESIRED_COUNT, {}).values())


def service_of(
    backend: ApplicationAutoscalingBackend, target: FakeScalableTarget
) -> Service | None:
    """The ECS service of a target; None if it is not active."""
    _, cluster, name = target.resource_id.split("/")
    service = backend.ecs_backend.services.get(f"{cluster}:{name}")
    return service if service is not None and service.status == "ACTIVE" else None


def bring_within_bounds(
    backend: ApplicationAutoscalingBackend, target: FakeScalableTarget, cause: str
) -> None:
    """Scale to the nearest capacity that the target's bounds allow, if they do not allow this."""
    service = service_of(backend, target)
    if service is None:
        return
    low, high = int(target.min_capacity or 0), int(target.max_capacity or 0)
    capacity = min(max(service.desired_count, low), high)
    if capacity != service.desired_count:
        set_capacity(backend, target, capacity, cause)


def set_capacity(
    backend: ApplicationAutoscalingBackend, target: FakeScalableTarget, capacity: int, cause: str
) -> None:
    """Give an ECS service another desired count, and keep why."""
    _, cluster, name = target.resource_id.split("/")
    with lock:
        backend.ecs_backend.update_service(
            {"cluster": cluster, "service": name, "desired_count": capacity}
        )
    now = datetime.now(UTC).timestamp()
    activities_of(backend).append(
        {
            "ActivityId": str(uuid.uuid4()),
            "ServiceNamespace": target.service_namespace,
            "ResourceId": target.resource_id,
            "ScalableDimension": target.scalable_dimension,
            "Description": f"Setting desired count to {capacity}.",
            "Cause": cause,
            "StartTime": now,
            "EndTime": now,
            "StatusCode": "Successful",
            "StatusMessage": f"Successfully set desired count to {capacity}.",
        }
    )


def activities_of(backend: ApplicationAutoscalingBackend) -> list[Json]:
    """What was scaled, oldest first."""
    activities: list[Json] = vars(backend).setdefault("scaling_activities", [])
    return activities


def metric_of(resource_id: str, configuration: Json) -> Metric | None:
    """The metric of a target tracking policy; None for metric math, which nobody evaluates here."""
    if customized := configuration.get("CustomizedMetricSpecification"):
        if "MetricName" not in customized:
            return None
        dimensions = {d["Name"]: d["Value"] for d in customized.get("Dimensions", [])}
        name = customized["MetricName"]
        return Metric(customized["Namespace"], name, dimensions, customized["Statistic"])
    predefined = configuration["PredefinedMetricSpecification"]
    kind = predefined["PredefinedMetricType"]
    if kind == "ALBRequestCountPerTarget":
        label = LABEL.fullmatch(predefined["ResourceLabel"])
        assert label is not None
        return Metric("AWS/ApplicationELB", "RequestCountPerTarget", label.groupdict(), "Sum")
    _, cluster, service = resource_id.split("/")
    place = {"ClusterName": cluster, "ServiceName": service}
    return Metric("AWS/ECS", UTILIZATION[kind], place, "Average") if kind in UTILIZATION else None


def _check_tracking(configuration: Json) -> None:
    predefined = configuration.get("PredefinedMetricSpecification")
    if bool(predefined) == bool(configuration.get("CustomizedMetricSpecification")):
        raise AWSValidationException(
            "Exactly one of a predefined and a customized metric is needed"
        )
    if predefined and predefined["PredefinedMetricType"] == "ALBRequestCountPerTarget":
        label = predefined.get("ResourceLabel") or ""
        if not LABEL.fullmatch(label):
            raise AWSValidationException(f"The resource label {label!r} names no target group")


def _check_bounds(low: int, high: int) -> None:
    if low < 0 or high < low:
        raise AWSValidationException(
            f"Minimum capacity {low} has to be from 0 to the maximum capacity {high}"
        )


def _require_target(
    backend: ApplicationAutoscalingBackend, namespace: str, r_id: str, dimension: str, known: str
) -> None:
    if r_id not in backend.targets.get(dimension, {}):
        raise _not_found("scalable target", known, namespace, r_id, dimension)


def _not_found(
    kind: str, known: str, namespace: str, r_id: str, dimension: str
) -> ObjectNotFoundException:
    return ObjectNotFoundException(
        f"No {kind} {known} for service namespace: {namespace}, resource ID: {r_id},"
        f" scalable dimension: {dimension}"
    )


def _action(
    backend: ApplicationAutoscalingBackend, name: str, namespace: str, r_id: str, dimension: str
) -> FakeScheduledAction | None:
    found = backend.describe_scheduled_actions([name], namespace, r_id, dimension)  # type: ignore[arg-type]
    return found[0] if found else None
