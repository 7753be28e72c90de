"""A task definition that was deregistered runs on where it runs, and is deployed nowhere."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from emulator.moto_gaps.ecs import filled


class Ecs:
    """A cluster whose one service runs `web:1`."""

    def __init__(self) -> None:
        self.client: Any = boto3.client("ecs", region_name="us-east-1")
        self.client.create_cluster(clusterName="example")
        self.register()
        self.client.create_service(
            cluster="example", serviceName="web", taskDefinition="web:1", desiredCount=2
        )

    def register(self, family: str = "web") -> str:
        answer = self.client.register_task_definition(
            family=family, containerDefinitions=[{"name": "app", "image": "shop:v1", "memory": 64}]
        )
        arn: str = answer["taskDefinition"]["taskDefinitionArn"]
        return arn

    def deregister(self, name: str) -> str:
        answer = self.client.deregister_task_definition(taskDefinition=name)
        status: str = answer["taskDefinition"]["status"]
        return status

    def described(self, name: str) -> tuple[int, str]:
        answer = self.client.describe_task_definition(taskDefinition=name)["taskDefinition"]
        return answer["revision"], answer["status"]

    def update(self, **parameters: Any) -> dict[str, Any]:
        answer = self.client.update_service(cluster="example", service="web", **parameters)
        service: dict[str, Any] = answer["service"]
        return service


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ecs]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with filled(), mock_aws():
        yield Ecs()


def refusal(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        call()
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


INACTIVE = ("ClientException", "TaskDefinition is inactive")


def test_no_service_is_brought_to_an_inactive_revision(ecs: Ecs) -> None:
    ecs.register()
    ecs.deregister("web:2")
    assert refusal(lambda: ecs.update(taskDefinition="web:2", desiredCount=5)) == INACTIVE
    service = ecs.update()
    assert service["taskDefinition"].endswith("web:1")
    assert service["desiredCount"] == 2
    assert len(service["deployments"]) == 1


def test_none_is_created_with_one(ecs: Ecs) -> None:
    ecs.deregister("web:1")
    new = {"serviceName": "other", "taskDefinition": "web:1", "desiredCount": 1}
    assert refusal(lambda: ecs.client.create_service(cluster="example", **new)) == INACTIVE
    services = ecs.client.list_services(cluster="example")["serviceArns"]
    assert [arn.rpartition("/")[2] for arn in services] == ["web"]


def test_a_service_that_runs_one_is_scaled_and_not_deployed_anew(ecs: Ecs) -> None:
    ecs.register()
    ecs.deregister("web:1")
    service = ecs.update(desiredCount=3)
    assert service["taskDefinition"].endswith("web:1")
    assert service["deployments"][0]["desiredCount"] == 3
    assert refusal(lambda: ecs.update(forceNewDeployment=True)) == INACTIVE
    assert refusal(lambda: ecs.update(taskDefinition="web:1")) == INACTIVE
    forced = ecs.update(forceNewDeployment=True, taskDefinition="web:2")
    assert forced["taskDefinition"].endswith("web:2")


def test_a_family_is_its_newest_active_revision(ecs: Ecs) -> None:
    ecs.register()
    ecs.register()
    assert ecs.described("web") == (3, "ACTIVE")
    ecs.deregister("web:3")
    assert ecs.described("web") == (2, "ACTIVE")
    assert ecs.update(taskDefinition="web")["taskDefinition"].endswith("web:2")
    assert ecs.register().endswith("web:4")


def test_a_family_without_an_active_revision_is_refused(ecs: Ecs) -> None:
    ecs.deregister("web:1")
    unknown = ("ClientException", "Unable to describe task definition.")
    assert refusal(lambda: ecs.described("web")) == unknown
    assert refusal(lambda: ecs.described("nobody")) == unknown
    assert refusal(lambda: ecs.update(taskDefinition="web")) == unknown
    assert ecs.described("web:1") == (1, "INACTIVE")


def test_a_revision_is_deregistered_twice(ecs: Ecs) -> None:
    assert ecs.deregister("web:1") == "INACTIVE"
    assert ecs.deregister("web:1") == "INACTIVE"
