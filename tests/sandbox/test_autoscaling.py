"""Application Auto Scaling of the sandbox, look by look in a virtual time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.cloudwatch.models import cloudwatch_backends
from moto.ecs.models import ecs_backends

from emulator.account import ACCOUNT, REGION
from emulator.moto_gaps import applicationautoscaling, cloudwatch, ecs
from emulator.moto_gaps.alarm_evaluation import evaluate_alarms
from sandbox.autoscaling import AutoScaling
from sandbox.fronts.front import requests_per_task

NAMED: Any = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/example/example1",
    "ScalableDimension": "ecs:service:DesiredCount",
}
LONG = 100
"""Minutes until whatever is to be scaled has been."""


class Cloud:
    """A service of four tasks, which all run at once, and a target of 60 requests per task."""

    def __init__(self) -> None:
        self.scaling: Any = boto3.client("application-autoscaling", region_name=REGION)
        self.ecs: Any = boto3.client("ecs", region_name=REGION)
        self.now = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
        self.engine = AutoScaling()
        self.engine.look(self.now)
        self.ecs.create_cluster(clusterName="example")
        self.ecs.register_task_definition(
            family="web", containerDefinitions=[{"name": "app", "image": "shop:v1", "memory": 64}]
        )
        self.ecs.create_service(
            cluster="example", serviceName="example1", taskDefinition="web", desiredCount=4
        )
        self.service = ecs_backends[ACCOUNT][REGION].services["example:example1"]
        self.deploying(False)
        self.scaling.register_scalable_target(**NAMED, MinCapacity=1, MaxCapacity=8)

    def track(self, **more: Any) -> None:
        configuration = {"TargetValue": 60.0, **requests_per_task("example1"), **more}
        self.scaling.put_scaling_policy(
            **NAMED,
            PolicyName="track",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=configuration,
        )

    def act(self, schedule: str, **more: Any) -> None:
        capacity = {"MinCapacity": 6, "MaxCapacity": 8, **more.pop("capacity", {})}
        self.scaling.put_scheduled_action(
            **NAMED,
            ScheduledActionName="morning",
            Schedule=schedule,
            ScalableTargetAction=capacity,
            **more,
        )

    def suspend(self, name: str, suspended: bool = True) -> None:
        self.scaling.register_scalable_target(**NAMED, SuspendedState={name: suspended})

    def deploying(self, deploying: bool) -> None:
        state = "IN_PROGRESS" if deploying else "COMPLETED"
        self.service.deployments[0]["rolloutState"] = state

    def bounds(self) -> tuple[int, int]:
        [target] = self.scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
        return target["MinCapacity"], target["MaxCapacity"]

    def minutes(
        self, count: int, requests: float | None = None, targets: int | None = None
    ) -> list[int]:
        """Desired counts, minute by minute, under so many requests in a minute, which so many
        targets share: as a rule all that run."""
        counts = []
        for _ in range(count):
            self.service.running_count = self.service.desired_count
            if requests is not None:
                self._publish(requests / (targets or max(1, self.service.running_count)))
            self.now += timedelta(minutes=1)
            evaluate_alarms(cloudwatch_backends[ACCOUNT][REGION], self.now.timestamp())
            self.engine.look(self.now)
            counts.append(self.service.desired_count)
        return counts

    def _publish(self, value: float) -> None:
        metric: Any = requests_per_task("example1")["CustomizedMetricSpecification"]
        datum = {
            "MetricName": metric["MetricName"],
            "Dimensions": metric["Dimensions"],
            "Timestamp": self.now.replace(tzinfo=None),
            "Value": value,
        }
        cloudwatch_backends[ACCOUNT][REGION].put_metric_data(metric["Namespace"], [datum])


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


def test_out_after_three_minutes_and_no_further_than_the_load(cloud: Cloud) -> None:
    cloud.track()
    assert cloud.minutes(2, requests=240) == [4, 4]
    counts = cloud.minutes(20, requests=355)
    assert counts.index(6) == 2
    assert set(counts) == {4, 6}


def test_in_after_fifteen_minutes_task_by_task(cloud: Cloud) -> None:
    cloud.track(ScaleInCooldown=120)
    counts = cloud.minutes(30, requests=0)
    assert counts.index(3) == 14
    assert counts.count(3) == counts.count(2) == 2
    assert counts[-1] == 1


def test_a_cooldown_is_five_minutes_unless_it_says_otherwise(cloud: Cloud) -> None:
    cloud.track()
    assert cloud.minutes(25, requests=0).count(3) == 5


def test_a_load_that_comes_back_ends_the_cooldown_of_scaling_in(cloud: Cloud) -> None:
    cloud.track(ScaleInCooldown=3600)
    assert cloud.minutes(16, requests=0)[-1] == 3
    assert cloud.minutes(4, requests=480)[-1] == 8
    assert cloud.minutes(20, requests=0)[-1] == 7


def test_tasks_that_do_not_show_in_the_metric_yet_are_not_asked_for_again(cloud: Cloud) -> None:
    cloud.track()
    assert cloud.minutes(3, requests=355)[-1] == 6
    assert set(cloud.minutes(4, requests=355, targets=4)) == {6}
    assert cloud.minutes(3, requests=355, targets=4)[-1] == 8


def test_a_policy_scales_its_own_target_only(cloud: Cloud) -> None:
    cloud.ecs.create_service(
        cluster="example", serviceName="example10", taskDefinition="web", desiredCount=4
    )
    other = {**NAMED, "ResourceId": "service/example/example10"}
    cloud.scaling.register_scalable_target(**other, MinCapacity=1, MaxCapacity=8)
    ecs_backends[ACCOUNT][REGION].services["example:example10"].deployments[0].update(
        rolloutState="COMPLETED"
    )
    cloud.track()
    assert cloud.minutes(LONG, requests=0)[-1] == 1
    answer = cloud.ecs.describe_services(cluster="example", services=["example10"])
    assert answer["services"][0]["desiredCount"] == 4


def test_a_metric_without_data_scales_nothing(cloud: Cloud) -> None:
    cloud.track()
    assert set(cloud.minutes(LONG)) == {4}


def test_a_count_in_between_stays(cloud: Cloud) -> None:
    cloud.track()
    assert set(cloud.minutes(LONG, requests=230)) == {4}


def test_bounds_hold(cloud: Cloud) -> None:
    cloud.scaling.register_scalable_target(**NAMED, MinCapacity=3, MaxCapacity=5)
    cloud.track(ScaleInCooldown=0)
    assert cloud.minutes(20, requests=0)[-1] == 3
    assert cloud.minutes(20, requests=6000)[-1] == 5


def test_scaling_in_can_be_suspended_and_resumed(cloud: Cloud) -> None:
    cloud.track()
    cloud.suspend("DynamicScalingInSuspended")
    assert set(cloud.minutes(LONG, requests=0)) == {4}
    cloud.suspend("DynamicScalingInSuspended", False)
    assert cloud.minutes(1, requests=0) == [3]
    cloud.suspend("DynamicScalingInSuspended")
    assert cloud.minutes(4, requests=480)[-1] == 8


def test_scaling_out_can_be_suspended(cloud: Cloud) -> None:
    cloud.track()
    cloud.suspend("DynamicScalingOutSuspended")
    assert set(cloud.minutes(LONG, requests=480)) == {4}
    assert cloud.minutes(LONG, requests=0)[-1] == 1


def test_nothing_is_scaled_in_while_a_deployment_is_in_progress(cloud: Cloud) -> None:
    cloud.track()
    cloud.deploying(True)
    assert set(cloud.minutes(LONG, requests=0)) == {4}
    assert cloud.minutes(4, requests=480)[-1] == 8
    cloud.deploying(False)
    assert cloud.minutes(LONG, requests=0)[-1] == 1


def test_a_policy_may_only_scale_out(cloud: Cloud) -> None:
    cloud.track(DisableScaleIn=True)
    assert set(cloud.minutes(LONG, requests=0)) == {4}
    assert cloud.minutes(4, requests=480)[-1] == 8


def test_a_target_that_is_deregistered_is_left_alone(cloud: Cloud) -> None:
    cloud.track()
    cloud.scaling.deregister_scalable_target(**NAMED)
    assert set(cloud.minutes(LONG, requests=0)) == {4}


def test_scaling_activities_say_what_was_scaled_and_why(cloud: Cloud) -> None:
    cloud.track()
    cloud.minutes(16, requests=0)
    [activity] = cloud.scaling.describe_scaling_activities(**NAMED)["ScalingActivities"]
    assert activity["Description"] == "Setting desired count to 3."
    assert activity["Cause"] == "monitor alarm in state ALARM triggered policy track"


def test_an_action_sets_the_bounds_and_scales_into_them(cloud: Cloud) -> None:
    at = (cloud.now + timedelta(minutes=3)).strftime("%Y-%m-%dT%H:%M:%S")
    cloud.act(f"at({at})")
    assert cloud.minutes(5) == [4, 4, 6, 6, 6]
    assert cloud.bounds() == (6, 8)
    cloud.act("rate(2 minutes)", capacity={"MinCapacity": 0, "MaxCapacity": 2})
    assert cloud.minutes(3)[-1] == 2
    assert cloud.bounds() == (0, 2)


def test_a_rate_runs_first_a_while_after_it_was_put(cloud: Cloud) -> None:
    cloud.act("rate(5 minutes)")
    [action] = applicationautoscaling_backends[ACCOUNT][REGION].scheduled_actions
    action.creation_time = cloud.now.timestamp() + 30
    assert cloud.minutes(7) == [4] * 5 + [6] * 2


def test_an_action_in_a_time_zone(cloud: Cloud) -> None:
    local = cloud.now + timedelta(hours=9, minutes=2)
    cloud.act(f"cron({local.minute} {local.hour} * * ? *)", Timezone="Asia/Tokyo")
    assert cloud.minutes(3)[-1] == 6


def test_an_action_that_is_suspended_is_not_made_up_for(cloud: Cloud) -> None:
    at = (cloud.now + timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%S")
    cloud.act(f"at({at})")
    cloud.suspend("ScheduledScalingSuspended")
    cloud.minutes(3)
    cloud.suspend("ScheduledScalingSuspended", False)
    assert set(cloud.minutes(5)) == {4}
    assert cloud.bounds() == (1, 8)


def test_an_action_recurs_between_its_start_and_its_end(cloud: Cloud) -> None:
    start, end = (cloud.now + timedelta(minutes=m) for m in (2, 4))
    cloud.act("rate(1 minute)", StartTime=start, EndTime=end)
    assert cloud.minutes(2) == [4, 6]
    cloud.ecs.update_service(cluster="example", service="example1", desiredCount=1)
    assert cloud.minutes(1) == [6]
    cloud.minutes(1)
    cloud.ecs.update_service(cluster="example", service="example1", desiredCount=1)
    assert cloud.minutes(3) == [1, 1, 1]


def test_an_action_scales_in_once_the_deployment_is_over(cloud: Cloud) -> None:
    at = (cloud.now + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S")
    cloud.act(f"at({at})", capacity={"MinCapacity": 0, "MaxCapacity": 2})
    cloud.deploying(True)
    assert cloud.minutes(5) == [4] * 5
    assert cloud.bounds() == (0, 2)
    cloud.deploying(False)
    assert cloud.minutes(1) == [2]
