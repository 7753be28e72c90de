"""The environment of the article, made as a user would: by AWS API calls only."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from emulator.account import REGION
from sandbox import slack
from sandbox.fronts.front import CLUSTER, OPTED_IN, Attachment, ClientOf, Front, Json, Series

REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
PRIMARY, CANARY = "example1", "example2"
ALARM = "example2-5xx"
SLOW = "example2-slow"
"""An alarm on how long requests take, far above what any does: it stays OK."""
SHARE = "example2-share"
"""An alarm on the share of bad answers, whatever their number."""
LOGS = "/ecs/checkout"
"""The log group that both sides' tasks write to."""


@dataclass(frozen=True, slots=True)
class Tracking:
    """Target tracking of both services: `target` is requests per task in an alarm's period.

    Cooldowns are in seconds as on AWS, of which each minute lasts a period here. The canary's
    minimum is 0.
    """

    target: float
    minimum: int = 1
    maximum: int = 8
    scale_out_cooldown: int = 300
    scale_in_cooldown: int = 60


@dataclass(frozen=True, slots=True)
class Sizing:
    """How large the environment is: `tasks` of the primary at rest, how many requests per second
    each task takes, if there is a limit, how long it takes to start, what scales, and which version
    runs at first."""

    tasks: int | None = None
    requests_per_second: int | None = None
    start_seconds: float = 0.0
    tracking: Tracking | None = None
    tag: str = "v1"


def profile(front: Front) -> Json:
    return {
        "cluster": CLUSTER,
        "primary": PRIMARY,
        "canary": CANARY,
        "traffic": [front.traffic],
        "steps": [
            {"weight": 5, "bake_seconds": 5},
            {"weight": 25, "bake_seconds": 4},
            {"weight": 50, "bake_seconds": 4},
            {"weight": 100, "bake_seconds": 4},
        ],
        "alarms": [ALARM],
        "deployment": {"deadline_seconds": 60, "check_seconds": 1},
        "slack_users": {"release": ["*"], "status": ["*"], "promote": [slack.JANE]},
    }


def image(tag: str) -> str:
    return f"{REGISTRY}/shop:{tag}"


def request(tag: str) -> Json:
    """The input of a release of this version."""
    return {"service": "checkout", "images": {"app": image(tag)}}


def create(
    client: ClientOf,
    front: Front,
    ports: Sequence[int],
    *,
    sizing: Sizing | None = None,
) -> None:
    """Make everything, with a gateway's port for each of the front's entries."""
    sizing = sizing or Sizing()
    attached = {
        name: _sized(name, attachment, sizing)
        for name, attachment in front.create(client, ports).items()
    }
    client("logs").create_log_group(logGroupName=LOGS, tags=OPTED_IN)
    _services(client("ecs"), _network(client("ec2")), attached, sizing.tag)
    if sizing.tracking:
        _scaling(client("application-autoscaling"), front, sizing.tracking)
    series = front.series(CANARY)
    _alarm(client("cloudwatch"), ALARM, series, MetricName=series.errors, Threshold=1.0)
    _alarm(client("cloudwatch"), SLOW, series, MetricName=series.times, Threshold=1e6)
    client("ssm").put_parameter(
        Name="/stepcanary/profiles/checkout", Type="String", Value=json.dumps(profile(front))
    )


def _sized(name: str, attachment: Attachment, sizing: Sizing) -> Attachment:
    if name not in (PRIMARY, CANARY):
        return attachment
    environment = dict(attachment.environment)
    if sizing.requests_per_second:
        environment["REQUESTS_PER_SECOND"] = str(sizing.requests_per_second)
    if sizing.start_seconds:
        environment["START_SECONDS"] = str(sizing.start_seconds)
    desired = attachment.desired
    if name == PRIMARY and sizing.tasks is not None:
        desired = sizing.tasks
    return replace(attachment, desired=desired, environment=environment)


def _scaling(scaling: Any, front: Front, tracking: Tracking) -> None:
    for name, minimum in ((PRIMARY, tracking.minimum), (CANARY, 0)):
        named = {
            "ServiceNamespace": "ecs",
            "ResourceId": f"service/{CLUSTER}/{name}",
            "ScalableDimension": "ecs:service:DesiredCount",
        }
        scaling.register_scalable_target(**named, MinCapacity=minimum, MaxCapacity=tracking.maximum)
        scaling.put_scaling_policy(
            **named,
            PolicyName="requests-per-task",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": tracking.target,
                "ScaleOutCooldown": tracking.scale_out_cooldown,
                "ScaleInCooldown": tracking.scale_in_cooldown,
                **front.tracked(name),
            },
        )


def _network(ec2: Any) -> dict[str, Any]:
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    groups = [group["GroupId"] for group in ec2.describe_security_groups()["SecurityGroups"][:1]]
    return {
        "awsvpcConfiguration": {
            "subnets": subnets,
            "securityGroups": groups,
            "assignPublicIp": "DISABLED",
        }
    }


def _services(ecs: Any, network: Json, attached: dict[str, Attachment], tag: str) -> None:
    ecs.create_cluster(clusterName=CLUSTER)
    for name, attachment in attached.items():
        definition = ecs.register_task_definition(
            family=name,
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            cpu="256",
            memory="512",
            containerDefinitions=_containers(name, tag, attachment.environment),
        )["taskDefinition"]["taskDefinitionArn"]
        ecs.create_service(
            cluster=CLUSTER,
            serviceName=name,
            taskDefinition=definition,
            desiredCount=attachment.desired,
            launchType="FARGATE",
            networkConfiguration=network,
            deploymentConfiguration={
                "minimumHealthyPercent": 100,
                "maximumPercent": 200,
                "deploymentCircuitBreaker": {"enable": True, "rollback": False},
            },
            tags=[{"key": key, "value": value} for key, value in OPTED_IN.items()],
            **attachment.service,
        )


def _containers(name: str, tag: str, environment: dict[str, str]) -> list[Json]:
    node = f"arn:aws:appmesh:us-east-1:123456789012:mesh/example/virtualNode/{name}"
    return [
        {
            "name": "app",
            "image": image(tag),
            "essential": True,
            "portMappings": [{"name": "http", "containerPort": 8080, "protocol": "tcp"}],
            "environment": [{"name": key, "value": value} for key, value in environment.items()],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": LOGS,
                    "awslogs-region": REGION,
                    "awslogs-stream-prefix": "checkout",
                },
            },
            "dependsOn": [{"containerName": "envoy", "condition": "HEALTHY"}],
        },
        {
            "name": "envoy",
            "image": "public.ecr.aws/appmesh/aws-appmesh-envoy:v1.29.12.1-prod",
            "essential": True,
            "user": "1337",
            "environment": [{"name": "APPMESH_RESOURCE_ARN", "value": node}],
        },
    ]


def put_share_alarm(cloudwatch: Any, series: Series, percent: float) -> None:
    """As a user has one who knows that single errors say nothing."""
    dimensions = [{"Name": name, "Value": value} for name, value in series.dimensions.items()]
    counted = [
        {
            "Id": id,
            "ReturnData": False,
            "MetricStat": {
                "Metric": {
                    "Namespace": series.namespace,
                    "MetricName": name,
                    "Dimensions": dimensions,
                },
                "Period": 60,
                "Stat": "Sum",
            },
        }
        for id, name in (("errors", series.errors), ("requests", series.requests))
    ]
    cloudwatch.put_metric_alarm(
        AlarmName=SHARE,
        Metrics=[{"Id": "share", "Expression": "100 * FILL(errors, 0) / requests"}, *counted],
        EvaluationPeriods=5,
        DatapointsToAlarm=2,
        Threshold=percent,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )


def _alarm(cloudwatch: Any, name: str, series: Series, **more: object) -> None:
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace=series.namespace,
        Dimensions=[{"Name": name, "Value": value} for name, value in series.dimensions.items()],
        Statistic="Sum",
        Period=60,
        # M of N, so that a fault seen early in a bake still counts at its end.
        EvaluationPeriods=5,
        DatapointsToAlarm=2,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        **more,
    )
