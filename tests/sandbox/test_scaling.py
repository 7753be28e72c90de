"""The sandbox scales for real: requests through Envoy, alarms, tasks that start and that refuse."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.article import PRIMARY, Sizing, Tracking
from sandbox.client import Client
from sandbox.cloud import Sandbox
from sandbox.demo.run import wait_until_ready
from sandbox.fronts.alb import Alb
from sandbox.fronts.appmesh import AppMesh
from sandbox.fronts.front import Front
from tests.eventually import within

eventually = within(40)

SIZING = Sizing(tasks=1, requests_per_second=20, tracking=Tracking(target=30.0, maximum=3))
"""The first task is past its limit with less load than autoscaling adds another for."""


def errors(sandbox: Sandbox, front: Front) -> float:
    """What CloudWatch has counted of the primary's 5xx."""
    series, now = front.series(PRIMARY), datetime.now(UTC)
    points = sandbox.client("cloudwatch").get_metric_statistics(
        Namespace=series.namespace,
        MetricName=series.errors,
        Dimensions=[{"Name": name, "Value": value} for name, value in series.dimensions.items()],
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    return sum(float(point["Sum"]) for point in points)


@pytest.mark.parametrize("front", [Alb, AppMesh])
def test_refused_requests_are_counted_and_a_load_is_scaled_for(front: type[Front]) -> None:
    behind = front()
    with Sandbox(behind, sizing=SIZING) as sandbox:
        wait_until_ready(sandbox)
        before = errors(sandbox, behind)
        client = Client(sandbox.url, canary="example2", rate=80)
        client.start()
        try:
            eventually(lambda: client.total.refused > 0)
            eventually(lambda: sandbox.service(PRIMARY)["runningCount"] == 3)
        finally:
            client.close()
        assert client.total.refused_by_canary == 0
        eventually(lambda: errors(sandbox, behind) - before >= client.total.refused)
        activities = sandbox.client("application-autoscaling").describe_scaling_activities(
            ServiceNamespace="ecs", ResourceId=f"service/example/{PRIMARY}"
        )["ScalingActivities"]
        assert activities[0]["Description"] == "Setting desired count to 3."
        assert sandbox.service("example2")["desiredCount"] == 0
