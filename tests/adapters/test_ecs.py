"""ECS, Step Functions and CloudWatch are asked for many at a time, and what ECS would not deploy is
refused by name."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary import clock
from stepcanary.aws import cloudwatch, ecs, stepfunctions
from stepcanary.domain.deployment import Service
from stepcanary.domain.lease import Lease
from stepcanary.errors import AwsUnavailable, RequestRejected
from stepcanary.release.holder import UNKNOWN_SECONDS, has_ended, is_alive
from tests.adapters.stands.stand import connect
from tests.builders import request
from tests.fakes.clock import VirtualClock
from tests.fakes.cloud import Cloud
from tests.fakes.service import Document, Refusal
from tests.statemachine.runner import World

OLD = "arn:aws:ecs:us-east-1:123456789012:task-definition/example1:1"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Cloud:
    fake = Cloud(VirtualClock())
    connect(monkeypatch, fake, "ecs", "cloudwatch")
    return fake


def test_services_are_described_by_ten_and_the_missing_are_absent(cloud: Cloud) -> None:
    names = ["example1", *(f"gone-{n}" for n in range(20)), "example2"]
    found = ecs.describe_services("example", names)
    assert sorted(found) == ["example1", "example2"]
    assert [len(call["services"]) for call in cloud.called("DescribeServices")] == [10, 10, 2]
    assert ecs.describe_services("example", []) == {}
    assert len(cloud.called("DescribeServices")) == 3


def test_a_revision_is_found_with_its_status_and_what_can_be_registered(cloud: Cloud) -> None:
    found = ecs.describe_task_definition("example1:1")
    assert (found.arn, found.status, found.is_active) == (OLD, "ACTIVE", True)
    assert found.document["family"] == "example1"
    assert not {"revision", "status", "registeredBy", "taskDefinitionArn"} & set(found.document)
    cloud.deregister("example1:1")
    gone = ecs.find_task_definition("example1:1")
    assert gone is not None
    assert (gone.document, gone.is_active) == (found.document, False)
    cloud.delete("example1:1")
    assert ecs.find_task_definition("example1:1") is None
    assert ecs.find_task_definition("example1") is None


def test_a_task_says_whose_it_is_and_what_it_runs(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = cloud.task_of("example1")
    assert ecs.service_task("example", task) == ecs.ServiceTask("example1", OLD)
    assert ecs.service_task("example", "0" * 32) is None
    of_nobody = {"tasks": [{"taskArn": task, "group": "family:job", "taskDefinitionArn": OLD}]}
    monkeypatch.setattr(cloud, "_ecs_DescribeTasks", lambda _params: of_nobody)
    assert ecs.service_task("example", task) is None


@pytest.mark.parametrize("status", ["INACTIVE", "DELETE_IN_PROGRESS"])
def test_a_revision_that_ecs_does_not_deploy_is_refused_by_its_status(
    cloud: Cloud, status: str
) -> None:
    end = {"INACTIVE": cloud.deregister, "DELETE_IN_PROGRESS": cloud.start_deleting}
    end[status]("example1:1")
    with pytest.raises(RequestRejected, match=rf"task_definitions\.primary: .* is {status}"):
        ecs.require_task_definition("example1:1", "task_definitions.primary")


@pytest.mark.parametrize("name", ["example1:2", "unknown", "example1:0"])
def test_a_revision_that_is_not_there_is_refused(cloud: Cloud, name: str) -> None:
    with pytest.raises(RequestRejected, match=f"there is no task definition {name}"):
        ecs.require_task_definition(name, "task_definitions.primary")


def test_another_error_than_not_found_is_no_missing_revision(cloud: Cloud) -> None:
    def throttle(name: str, _params: Document) -> None:
        raise Refusal("ThrottlingException", name)

    cloud.before_call = throttle
    with pytest.raises(AwsUnavailable):
        ecs.find_task_definition("example1:1")


def test_what_was_registered_is_found_although_the_answer_was_lost(cloud: Cloud) -> None:
    wanted = {**ecs.describe_task_definition("example1").document, "cpu": "512"}

    def lose(name: str, _params: Document) -> None:
        if name == "ecs.RegisterTaskDefinition":
            raise Refusal("ServerException", "lost", 500)

    cloud.after_call = lose
    with pytest.raises(AwsUnavailable):
        ecs.find_or_register(wanted)
    registered = len(cloud.definitions["example1"])
    assert ecs.find_or_register(wanted).endswith(f"example1:{registered}")
    assert len(cloud.definitions["example1"]) == registered


def test_what_only_ecs_may_write_or_leaves_out_is_sent_as_it_takes_it(cloud: Cloud) -> None:
    """Tags of CloudFormation's, and values that are empty."""
    registered = cloud.definitions["example1"][0]
    registered["containerDefinitions"][0]["environment"] = [{"name": "EMPTY", "value": ""}]
    registered["proxyConfiguration"] = {
        "type": "APPMESH",
        "containerName": "envoy",
        "properties": [{"name": "AppPorts", "value": "80"}, {"name": "IgnoredGID", "value": ""}],
    }
    own = {"key": "team", "value": "shop"}
    registered["tags"] = [{"key": "aws:cloudformation:stack-name", "value": "shop"}, own]
    found = ecs.describe_task_definition("example1:1")
    assert found.document["tags"] == [own]
    assert ecs.find_or_register(found.document) == found.arn
    arn = ecs.find_or_register({**found.document, "cpu": "512"})
    copied = cloud.definitions["example1"][-1]
    assert arn.endswith("example1:2")
    assert copied == {**registered, "cpu": "512", "tags": [own]}
    assert ecs.find_or_register({**found.document, "cpu": "512"}) == arn


def test_a_definition_with_tags_of_ecs_alone_is_registered_without_any(cloud: Cloud) -> None:
    cloud.definitions["example1"][0]["tags"] = [{"key": "AWS:ecs:x", "value": "1"}]
    document = ecs.describe_task_definition("example1:1").document
    assert "tags" not in document
    ecs.find_or_register({**document, "cpu": "512"})
    assert "tags" not in cloud.definitions["example1"][-1]


def test_a_revision_with_a_member_that_nobody_asked_for_is_not_the_wanted_one(
    cloud: Cloud,
) -> None:
    """Unless it may be lost: ECS may be the one that fills it in, into every revision."""
    wanted = ecs.describe_task_definition("example1").document
    cloud.definitions["example1"][0]["hibernation"] = {"after": 60}
    path = "taskDefinition.hibernation"
    assert ecs.describe_task_definition("example1").unknown == (path,)
    assert ecs.find_or_register(wanted, [path]).endswith("example1:1")
    assert ecs.find_or_register(wanted).endswith("example1:2")
    assert ecs.find_or_register(wanted).endswith("example1:2")


def test_an_inactive_revision_is_registered_again_and_not_found(cloud: Cloud) -> None:
    wanted = ecs.describe_task_definition("example1").document
    cloud.deregister("example1:1")
    assert ecs.find_or_register(wanted).endswith("example1:2")
    ecs.deregister(cloud.arn("example1", 2))
    assert [cloud.status(f"example1:{n}") for n in (1, 2)] == ["INACTIVE", "INACTIVE"]


@pytest.mark.parametrize(
    ("desired", "status", "calls"), [(2, "ACTIVE", 1), (0, "ACTIVE", 0), (2, "INACTIVE", 0)]
)
def test_only_a_service_that_is_there_and_differs_is_scaled(
    cloud: Cloud, desired: int, status: str, calls: int
) -> None:
    service = Service("example2", "", desired, 0, [], "ECS", "ROLLING", status)
    ecs.scale("example", service, 0)
    assert len(cloud.called("UpdateService")) == calls


def test_alarms_are_described_by_a_hundred(cloud: Cloud) -> None:
    names = [f"alarm-{n}" for n in range(250)]
    for name in names[::2]:
        cloud.set_alarm(name, "OK")
    cloud.combine(names[2], f"ALARM({names[4]})")
    cloud.watch_logs(names[6])
    found = cloudwatch.describe(names)
    assert set(found) == set(names[::2])
    assert [len(call["AlarmNames"]) for call in cloud.called("DescribeAlarms")] == [100, 100, 50]
    assert cloudwatch.describe([]) == {}


def test_the_children_of_a_composite_alarm_are_described_too(cloud: Cloud) -> None:
    cloud.combine("inner", 'ALARM("example2-5xx") OR ALARM("gone")')
    cloud.combine("outer", 'ALARM("inner")')
    assert set(cloudwatch.describe(["outer"])) == {"outer", "inner", "example2-5xx"}
    asked = [call["AlarmNames"] for call in cloud.called("DescribeAlarms")]
    assert asked == [["outer"], ["inner"], ["example2-5xx", "gone"]]


def test_a_log_alarm_that_fired_and_cleared_is_looked_up(cloud: Cloud) -> None:
    cloud.watch_logs("errors")
    since = int(cloud.clock.now().timestamp())
    cloud.clock.sleep(10)
    cloud.set_alarm("errors", "ALARM")
    cloud.clock.sleep(10)
    cloud.set_alarm("errors", "OK")
    (alarm,) = cloudwatch.describe_alarms(["errors"], since)
    assert (alarm.state, alarm.fired) == ("OK", True)


@pytest.mark.parametrize("fires", [False, True])
def test_an_alarm_that_fired_and_was_deleted_is_looked_up(cloud: Cloud, fires: bool) -> None:
    since = int(cloud.clock.now().timestamp())
    cloud.clock.sleep(10)
    if fires:
        cloud.set_alarm("example2-5xx", "ALARM")
    cloud.clock.sleep(10)
    cloud.delete_alarm("example2-5xx")
    found = cloudwatch.describe_alarms(["example2-5xx"], since)
    assert [alarm.fired for alarm in found] == [True] * fires
    assert all("was deleted since" in alarm.reason for alarm in found)


@pytest.mark.parametrize("gateways", [set(), {"example2"}, {"example1", "example2"}])
def test_a_gateway_is_seen_at_the_revision(cloud: Cloud, gateways: set[str]) -> None:
    cloud.gateways = gateways
    both = ecs.describe_services("example", ["example1", "example2"])
    assert ecs.has_gateway(list(both.values())) == sorted(gateways)
    assert len(cloud.called("DescribeServiceRevisions")) == 1


def test_a_service_without_revisions_is_older_than_gateways(cloud: Cloud) -> None:
    cloud.service_settings["example1"] = {"currentServiceRevisions": []}
    (service,) = ecs.describe_services("example", ["example1"]).values()
    assert ecs.has_gateway([service]) == []
    assert cloud.called("DescribeServiceRevisions") == []


def test_of_alarms_that_were_described_each_release_takes_its_own(cloud: Cloud) -> None:
    cloud.set_alarm("other", "ALARM")
    described = cloudwatch.describe(["example2-5xx", "other"])
    (own,) = cloudwatch.alarms_of(described, ["example2-5xx", "missing"], None)
    assert (own.name, own.fired) == ("example2-5xx", False)
    (other,) = cloudwatch.alarms_of(described, ["other"], None)
    assert other.fired
    assert len(cloud.called("DescribeAlarms")) == 1
    assert cloudwatch.describe_alarms(["other"], None) == [other]


def test_the_executions_that_run_are_listed_and_no_others(here: World) -> None:
    runs = here.arn("runs")
    seen: list[frozenset[str]] = []
    here.clock.after(100, lambda: seen.append(stepfunctions.running_executions(here.machine)))
    assert stepfunctions.running_executions(here.machine) == frozenset()
    here.release(request(), "runs")
    assert seen == [frozenset({runs})]
    assert stepfunctions.running_executions(here.machine) == frozenset()


AGE = st.integers(0, 1_000)


@given(AGE, st.sampled_from(["RUNNING", "PENDING_REDRIVE", "SUCCEEDED", "ABORTED", None]))
def test_an_execution_that_aws_does_not_know_is_alive_while_its_lease_is_young(
    age: int, status: Any
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stepfunctions, "status_of", lambda _execution: status)
        patch.setattr(clock, "epoch_seconds", lambda: 5_000)
        lease = Lease("split", holder="execution", since=5_000 - age)
        alive = age < UNKNOWN_SECONDS if status is None else status in stepfunctions.ALIVE
        assert is_alive(lease) is alive
        assert has_ended("execution") is (status in ("SUCCEEDED", "ABORTED"))
