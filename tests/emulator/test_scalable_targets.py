"""Application Auto Scaling's API: what it keeps, what it refuses, and what registering does."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from emulator.moto_gaps import applicationautoscaling, cloudwatch, ecs

NAMED: Any = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/example/web",
    "ScalableDimension": "ecs:service:DesiredCount",
}
LABEL = "app/shop/50dc6c495c0c9188/targetgroup/web/943f017f100becff"
PER_TARGET = {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": LABEL}
TRACKING = {"TargetValue": 60.0, "PredefinedMetricSpecification": PER_TARGET}
BOUNDS = {"MinCapacity": 1, "MaxCapacity": 4}


class Cloud:
    """A cluster whose services `web` and `web2` have two tasks each."""

    def __init__(self) -> None:
        self.scaling: Any = boto3.client("application-autoscaling", region_name="us-east-1")
        self.ecs: Any = boto3.client("ecs", region_name="us-east-1")
        self.cloudwatch: Any = boto3.client("cloudwatch", region_name="us-east-1")
        self.ecs.create_cluster(clusterName="example")
        self.ecs.register_task_definition(
            family="web", containerDefinitions=[{"name": "app", "image": "shop:v1", "memory": 64}]
        )
        for name in ("web", "web2"):
            self.ecs.create_service(
                cluster="example", serviceName=name, taskDefinition="web", desiredCount=2
            )

    def register(self, **more: Any) -> None:
        self.scaling.register_scalable_target(**{**NAMED, **more})

    def target(self) -> dict[str, Any]:
        answer = self.scaling.describe_scalable_targets(
            ServiceNamespace="ecs", ResourceIds=[NAMED["ResourceId"]]
        )
        [target] = answer["ScalableTargets"]
        return dict(target)

    def put_policy(self, name: str = "track", **more: Any) -> Any:
        request = {
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": TRACKING,
        }
        return self.scaling.put_scaling_policy(**{**NAMED, "PolicyName": name, **request, **more})

    def policies(self, **more: Any) -> list[str]:
        answer = self.scaling.describe_scaling_policies(ServiceNamespace="ecs", **more)
        return [policy["PolicyName"] for policy in answer["ScalingPolicies"]]

    def put_action(self, name: str = "morning", **more: Any) -> None:
        request = {"Schedule": "rate(1 day)", "ScalableTargetAction": {"MinCapacity": 3}}
        self.scaling.put_scheduled_action(
            **{**NAMED, "ScheduledActionName": name, **request, **more}
        )

    def actions(self) -> list[str]:
        answer = self.scaling.describe_scheduled_actions(ServiceNamespace="ecs")
        return [action["ScheduledActionName"] for action in answer["ScheduledActions"]]

    def desired(self) -> int:
        answer = self.ecs.describe_services(cluster="example", services=["web"])
        count: int = answer["services"][0]["desiredCount"]
        return count

    def alarms(self) -> list[dict[str, Any]]:
        answer = self.cloudwatch.describe_alarms(AlarmNamePrefix="TargetTracking-service/example/")
        return list(answer["MetricAlarms"])


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with (
        ecs.filled(),
        cloudwatch.filled(lambda *_: None),
        applicationautoscaling.filled(),
        mock_aws(),
    ):
        yield Cloud()


def refusal(call: Callable[..., object], **request: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**request)
    code: str = refused.value.response["Error"]["Code"]
    return code


def test_what_a_request_leaves_out_is_kept(cloud: Cloud) -> None:
    cloud.register(**BOUNDS, SuspendedState={"ScheduledScalingSuspended": True})
    cloud.register(SuspendedState={"DynamicScalingInSuspended": True})
    target = cloud.target()
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    assert target["SuspendedState"] == {
        "DynamicScalingInSuspended": True,
        "DynamicScalingOutSuspended": False,
        "ScheduledScalingSuspended": True,
    }
    cloud.register(MinCapacity=2)
    cloud.register(SuspendedState={"DynamicScalingInSuspended": False})
    target = cloud.target()
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 4)
    assert target["SuspendedState"]["ScheduledScalingSuspended"]
    assert not target["SuspendedState"]["DynamicScalingInSuspended"]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({}, {"MinCapacity": 1}),
        ({}, {"MinCapacity": 3, "MaxCapacity": 2}),
        ({}, {"MinCapacity": -1, "MaxCapacity": 2}),
        (BOUNDS, {"MinCapacity": 5}),
        (BOUNDS, {"MaxCapacity": 0}),
    ],
)
def test_bounds_have_to_be_in_order(
    cloud: Cloud, first: dict[str, int], then: dict[str, int]
) -> None:
    if first:
        cloud.register(**first)
    assert refusal(cloud.register, **then) == "ValidationException"
    if first:
        assert cloud.target()["MinCapacity"] == 1


@pytest.mark.parametrize("place", ["service/example/nobody", "service/nowhere/web"])
def test_a_target_is_a_service_that_exists(cloud: Cloud, place: str) -> None:
    assert refusal(cloud.register, **BOUNDS, ResourceId=place) == "ValidationException"


def test_registering_brings_the_capacity_within_the_bounds(cloud: Cloud) -> None:
    cloud.register(**BOUNDS)
    assert cloud.desired() == 2
    cloud.register(MinCapacity=3)
    assert cloud.desired() == 3
    cloud.ecs.update_service(cluster="example", service="web", desiredCount=9)
    cloud.register(SuspendedState={"DynamicScalingInSuspended": True})
    assert cloud.desired() == 4
    cloud.ecs.update_service(cluster="example", service="web", desiredCount=1)
    cloud.register()
    assert cloud.desired() == 3
    answer = cloud.scaling.describe_scaling_activities(**NAMED)
    done = [activity["Description"] for activity in answer["ScalingActivities"]]
    assert done == [f"Setting desired count to {n}." for n in (3, 4, 3)]


def test_what_has_no_target_is_not_found(cloud: Cloud) -> None:
    scaling, unknown = cloud.scaling, "ObjectNotFoundException"
    assert refusal(cloud.put_policy) == unknown
    assert refusal(cloud.put_action) == unknown
    assert refusal(scaling.deregister_scalable_target, **NAMED) == unknown
    cloud.register(**BOUNDS)
    assert refusal(scaling.delete_scaling_policy, **NAMED, PolicyName="track") == unknown
    missing = {**NAMED, "ScheduledActionName": "morning"}
    assert refusal(scaling.delete_scheduled_action, **missing) == unknown


def test_deregistering_deletes_what_belongs_to_the_target(cloud: Cloud) -> None:
    other = "service/example/web2"
    for place in (NAMED["ResourceId"], other):
        cloud.register(**BOUNDS, ResourceId=place)
        cloud.put_policy(ResourceId=place)
        cloud.put_action(ResourceId=place)
    assert cloud.policies(ResourceId=other) == ["track"]
    assert len(cloud.alarms()) == 4
    cloud.scaling.deregister_scalable_target(**NAMED)
    assert cloud.policies() == ["track"]
    assert cloud.actions() == ["morning"]
    assert cloud.policies(ResourceId=NAMED["ResourceId"]) == []
    assert len(cloud.alarms()) == 2


def test_a_policy_has_alarms_on_its_metric(cloud: Cloud) -> None:
    cloud.register(**BOUNDS)
    first = cloud.put_policy()
    changed = {**TRACKING, "TargetValue": 80.0, "DisableScaleIn": True}
    assert len(first["Alarms"]) == 2
    low, high = sorted(cloud.alarms(), key=lambda alarm: alarm["Threshold"])
    assert (high["Threshold"], high["EvaluationPeriods"]) == (60.0, 3)
    assert (low["Threshold"], low["EvaluationPeriods"]) == (54.0, 15)
    assert high["MetricName"] == low["MetricName"] == "RequestCountPerTarget"
    assert {d["Name"]: d["Value"] for d in high["Dimensions"]} == {
        "LoadBalancer": "app/shop/50dc6c495c0c9188",
        "TargetGroup": "targetgroup/web/943f017f100becff",
    }
    again = cloud.put_policy(TargetTrackingScalingPolicyConfiguration=changed)
    assert again["PolicyARN"] == first["PolicyARN"]
    [high] = cloud.alarms()
    assert high["Threshold"] == 80.0
    assert high["AlarmActions"] == [first["PolicyARN"]]


@pytest.mark.parametrize(
    "configuration",
    [
        {"TargetValue": 60.0},
        {
            **TRACKING,
            "CustomizedMetricSpecification": {
                "MetricName": "RequestsPerTask",
                "Namespace": "Sandbox",
                "Statistic": "Sum",
            },
        },
        {**TRACKING, "PredefinedMetricSpecification": {**PER_TARGET, "ResourceLabel": "app/shop"}},
    ],
)
def test_a_policy_tracks_one_metric(cloud: Cloud, configuration: dict[str, Any]) -> None:
    cloud.register(**BOUNDS)
    refused = refusal(cloud.put_policy, TargetTrackingScalingPolicyConfiguration=configuration)
    assert refused == "ValidationException"
    assert cloud.policies() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"Schedule": "every morning"},
        {"Timezone": "Europe/Atlantis"},
        {"ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 2}},
    ],
)
def test_an_action_has_a_schedule_and_bounds(cloud: Cloud, wrong: dict[str, Any]) -> None:
    cloud.register(**BOUNDS)
    assert refusal(cloud.put_action, **wrong) == "ValidationException"
    assert cloud.actions() == []
    cloud.put_action(Schedule="cron(0 8 * * ? *)", Timezone="Europe/Berlin")
    assert cloud.actions() == ["morning"]
