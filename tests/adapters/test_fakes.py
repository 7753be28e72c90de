"""The fakes refuse what AWS refuses, and do what it does: a router that passes them sends nothing
of the kind, and a release that passes has met it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stepcanary.aws import clients
from tests.adapters.stands.alb import OIDC, OTHERS, A, B, forward
from tests.adapters.stands.appmesh import WHERE
from tests.adapters.stands.lattice import forward as to
from tests.adapters.stands.stand import answer, connect
from tests.fakes import alb, lattice
from tests.fakes.clock import VirtualClock
from tests.fakes.cloud import Cloud
from tests.fakes.fronts import AlbCloud, LatticeCloud, ThreeFronts
from tests.fakes.service import Document

SIXTH = alb.group("sixth")
GROUP, OTHER = "tg-0f9cb5af0bb75ab50", "tg-0594385e7ae170b9c"
MANY = [f"tg-0000000000000{n:04d}" for n in range(9)]
PLAIN = {"Type": "forward", "TargetGroupArn": A}
LOGIN = {**OIDC, "AuthenticateOidcConfig": dict(OIDC["AuthenticateOidcConfig"])}
del LOGIN["AuthenticateOidcConfig"]["ClientSecret"]
PAGE = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}


@pytest.fixture(autouse=True)
def clouds(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, alb.Alb([A, B, *OTHERS, SIXTH]), "elbv2")
    connect(monkeypatch, lattice.Lattice([GROUP, OTHER, *MANY]), "vpc_lattice")


@pytest.mark.parametrize(
    ("actions", "code"),
    [
        ([forward((A, 1000), (B, 0))], "ValidationError"),
        ([forward((A, -1), (B, 0))], "ValidationError"),
        ([forward(*((arn, 1) for arn in (A, B, *OTHERS)))], "ValidationError"),
        ([forward((A, 1), (A, 1))], "ValidationError"),
        ([{**forward((A, 1), (B, 1)), "TargetGroupArn": A}], "ValidationError"),
        ([{**forward((B, 1)), "TargetGroupArn": A}], "ValidationError"),
        ([{"Type": "forward"}], "ValidationError"),
        ([forward((A, 1), sticky={"Enabled": True})], "ValidationError"),
        ([forward((alb.group("unknown"), 1))], "TargetGroupNotFound"),
        ([LOGIN, {**PLAIN, "Order": 2}], "ValidationError"),
        (
            [
                {
                    **LOGIN,
                    "AuthenticateOidcConfig": {
                        "UseExistingClientSecret": True,
                        **LOGIN["AuthenticateOidcConfig"],
                    },
                },
                {**PLAIN, "Order": 2},
            ],
            "ValidationError",
        ),
        ([OIDC, PLAIN], "ValidationError"),
        ([OIDC], "InvalidLoadBalancerAction"),
        ([{**PLAIN, "Order": 1}, {**PAGE, "Order": 2}], "InvalidLoadBalancerAction"),
        ([{**PLAIN, "Order": 50_001}], "ValidationError"),
        ([{**PLAIN, "Type": "teapot"}], "ValidationError"),
    ],
)
def test_the_load_balancer_refuses(actions: list[Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        answer("elbv2", "modify_rule", RuleArn=alb.RULE, Actions=actions)
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"operation": "modify_rule", "RuleArn": alb.DEFAULT_RULE}, "OperationNotPermitted"),
        ({"operation": "modify_rule", "RuleArn": f"{alb.RULE}0"}, "RuleNotFound"),
        ({"operation": "modify_listener", "ListenerArn": "x"}, "ListenerNotFound"),
        ({"operation": "describe_rules", "RuleArns": ["x"]}, "RuleNotFound"),
        ({"operation": "describe_listeners", "ListenerArns": ["x"]}, "ListenerNotFound"),
        ({"operation": "describe_target_health", "TargetGroupArn": "x"}, "TargetGroupNotFound"),
    ],
)
def test_the_load_balancer_does_not_know(call: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        answer("elbv2", **call)
    assert refused.value.response["Error"]["Code"] == code


def test_the_load_balancer_never_tells_a_secret() -> None:
    actions = [OIDC, {**PLAIN, "Order": 2}]
    answer("elbv2", "modify_rule", RuleArn=alb.RULE, Actions=actions)
    rule = answer("elbv2", "describe_rules", RuleArns=[alb.RULE])["Rules"][0]
    assert "ecret" not in str(rule)
    assert rule["Actions"][0]["AuthenticateOidcConfig"]["Scope"] == "openid"
    forwarded = rule["Actions"][1]
    assert forwarded["TargetGroupArn"] == A
    assert forwarded["ForwardConfig"] == {
        "TargetGroups": [{"TargetGroupArn": A, "Weight": 1}],
        "TargetGroupStickinessConfig": {"Enabled": False},
    }


@pytest.mark.parametrize(
    ("action", "code"),
    [
        (to((GROUP, 1000), (OTHER, 0)), "ValidationException"),
        (to(*((id, 1) for id in (GROUP, OTHER, *MANY))), "ValidationException"),
        (to((GROUP, 1), (lattice.group_arn(GROUP), 1)), "ValidationException"),
        (to(("tg-14d155b8-d394-453", 1)), "ValidationException"),
        (to(("tg-0000000000000000z", 1)), "ResourceNotFoundException"),
        ({"fixedResponse": {"statusCode": 200}}, "ValidationException"),
    ],
)
def test_lattice_refuses(action: dict[str, Any], code: str) -> None:
    where = {"serviceIdentifier": lattice.SERVICE, "listenerIdentifier": lattice.LISTENER}
    for operation, more in (
        ("update_rule", {"ruleIdentifier": lattice.RULE, "action": action}),
        ("update_listener", {"defaultAction": action}),
    ):
        with pytest.raises(ClientError) as refused:
            answer("vpc_lattice", operation, **where, **more)
        assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (lattice.DEFAULT_RULE, "ValidationException"),
        ("rule-00000000000000009", "ResourceNotFoundException"),
        ("rule-14d155b8-d394-453", "ValidationException"),
    ],
)
def test_lattice_updates_no_such_rule(rule: str, code: str) -> None:
    where = {"serviceIdentifier": lattice.SERVICE, "listenerIdentifier": lattice.LISTENER}
    with pytest.raises(ClientError) as refused:
        answer("vpc_lattice", "update_rule", **where, ruleIdentifier=rule, action=to((GROUP, 1)))
    assert refused.value.response["Error"]["Code"] == code


# ECS, and reads that lag


class Aws:
    """The fake cloud of a router, asked by real clients."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.clock = cloud, cloud.clock

    def service(self, name: str = "example1") -> Document:
        described = answer("ecs", "describe_services", cluster="example", services=[name])
        found: Document = described["services"][0]
        return found

    def counts(self, name: str = "example1") -> tuple[int, int, int]:
        """Desired, running and pending."""
        service = self.service(name)
        return service["desiredCount"], service["runningCount"], service["pendingCount"]

    def states(self, name: str = "example1") -> list[tuple[str, str, int, int]]:
        """Of each deployment, with how many tasks of it run and start."""
        keys = ("status", "rolloutState", "runningCount", "pendingCount")
        return [tuple(d[key] for key in keys) for d in self.service(name)["deployments"]]

    def update(self, name: str = "example1", **changed: Any) -> Document:
        answered: Any = clients.ecs().update_service(cluster="example", service=name, **changed)
        updated: Document = answered["service"]
        return updated

    def definition(self, name: str) -> Document:
        found = answer("ecs", "describe_task_definition", taskDefinition=name)
        described: Document = found["taskDefinition"]
        return described

    def discovered(self, name: str = "example1") -> int:
        namespace = {"NamespaceName": "example.internal", "ServiceName": name}
        return len(answer("servicediscovery", "discover_instances", **namespace)["Instances"])

    def route(self) -> tuple[int, int]:
        """The canary's weight and the version, as described."""
        found = answer("appmesh", "describe_route", **WHERE)["route"]
        targets = found["spec"]["httpRoute"]["action"]["weightedTargets"]
        return targets[1]["weight"], found["metadata"]["version"]

    def alarm(self) -> str:
        both: Any = {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
        found = answer("cloudwatch", "describe_alarms", AlarmNames=["example2-5xx"], **both)
        state: str = found["MetricAlarms"][0]["StateValue"]
        return state


SERVICES = ("ecs", "appmesh", "cloudwatch", "servicediscovery", "elbv2", "vpc_lattice")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    return opened(monkeypatch, Cloud)


def opened(monkeypatch: pytest.MonkeyPatch, kind: type[Cloud]) -> Aws:
    cloud = kind(VirtualClock())
    connect(monkeypatch, cloud, *SERVICES)
    return Aws(cloud)


@contextmanager
def refused(message: str) -> Iterator[None]:
    with pytest.raises(ClientError) as refusal:
        yield
    error = refusal.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("ClientException", message)


INACTIVE = "TaskDefinition is inactive"
UNKNOWN = "Unable to describe task definition."


def test_a_revision_goes_from_active_to_deleted(aws: Aws) -> None:
    arn = aws.cloud.register("example1", "shop:v2")
    assert aws.definition(arn)["status"] == "ACTIVE"
    answered = answer("ecs", "deregister_task_definition", taskDefinition=arn)
    assert answered["taskDefinition"]["status"] == "INACTIVE"
    assert aws.definition(arn)["status"] == "INACTIVE"
    assert aws.definition(arn)["deregisteredAt"] == aws.clock.now()
    aws.cloud.start_deleting(arn)
    assert aws.definition(arn)["status"] == "DELETE_IN_PROGRESS"
    aws.cloud.delete(arn)
    with refused(UNKNOWN):
        aws.definition(arn)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("example1", "Must specify a revision."),
        ("example1:2", "The specified task definition is inactive."),
        ("example1:9", "The specified task definition is inactive."),
    ],
)
def test_no_revision_is_deregistered(aws: Aws, name: str, message: str) -> None:
    aws.cloud.deregister(aws.cloud.register("example1", "shop:v2"))
    with refused(message):
        answer("ecs", "deregister_task_definition", taskDefinition=name)


def test_a_family_is_its_newest_active_revision(aws: Aws) -> None:
    for image in ("shop:v2", "shop:v3"):
        aws.cloud.register("example1", image)
    assert aws.definition("example1")["revision"] == 3
    aws.cloud.deregister("example1:3")
    assert aws.definition("example1")["revision"] == 2
    aws.cloud.start_deleting("example1:2")
    assert aws.definition("example1")["revision"] == 1
    aws.cloud.deregister("example1:1")
    for family in ("example1", "nobody", "example1:0", "example1:4", "example1:first"):
        with refused(UNKNOWN):
            aws.definition(family)


def test_a_revision_number_is_used_once(aws: Aws) -> None:
    aws.cloud.delete(aws.cloud.register("example1", "shop:v2"))
    container = {"name": "app", "image": "shop:v3"}
    new: dict[str, Any] = {"family": "example1", "containerDefinitions": [container]}
    registered = answer("ecs", "register_task_definition", **new)["taskDefinition"]
    assert (registered["revision"], registered["status"]) == (3, "ACTIVE")
    assert aws.definition("example1")["revision"] == 3


@pytest.mark.parametrize("revision", ["INACTIVE", "DELETE_IN_PROGRESS"])
@pytest.mark.parametrize("named", ["another", "the one that runs", "none, and a new deployment"])
def test_no_service_gets_a_revision_that_is_not_active(aws: Aws, revision: str, named: str) -> None:
    arn = aws.cloud.register("example1", "shop:v2") if named == "another" else "example1:1"
    change: dict[str, Any] = {"taskDefinition": arn}
    if named.startswith("none"):
        change = {"forceNewDeployment": True}
    end = {"INACTIVE": aws.cloud.deregister, "DELETE_IN_PROGRESS": aws.cloud.start_deleting}
    end[revision](arn)
    before = aws.service()
    with refused(INACTIVE):
        aws.update(**change, desiredCount=5)
    assert aws.service() == before


def test_a_service_runs_on_an_inactive_revision_and_is_scaled(aws: Aws) -> None:
    aws.cloud.deregister("example1:1")
    assert aws.update(desiredCount=3)["taskDefinition"].endswith("example1:1")
    aws.clock.sleep(15)
    assert aws.counts() == (3, 3, 0)
    aws.cloud.delete("example1:1")
    assert aws.update(desiredCount=1)["runningCount"] == 1
    assert aws.cloud.running_image("example1") == "shop:v1"
    with refused(UNKNOWN):
        aws.update(taskDefinition="example1:1")


def test_there_is_no_such_service(aws: Aws) -> None:
    with pytest.raises(ClientError) as refusal:
        aws.update("nobody", desiredCount=1)
    assert refusal.value.response["Error"]["Code"] == "ServiceNotFoundException"


def test_a_rolling_deployment_keeps_the_older_tasks_until_it_is_complete(aws: Aws) -> None:
    began = aws.clock.now()
    aws.clock.sleep(100)
    answered = aws.update(taskDefinition=aws.cloud.register("example1", "shop:v2"))
    new, old = answered["deployments"]
    assert (new["desiredCount"], new["failedTasks"]) == (2, 0)
    assert new["taskDefinition"] == answered["taskDefinition"] != old["taskDefinition"]
    assert (old["createdAt"], new["createdAt"]) == (began, aws.clock.now())
    assert aws.states() == [("PRIMARY", "IN_PROGRESS", 0, 2), ("ACTIVE", "COMPLETED", 2, 0)]
    aws.clock.sleep(11)
    assert aws.counts() == (2, 2, 2)
    aws.clock.sleep(1)
    # As a new task runs, an old one goes.
    assert aws.states() == [("PRIMARY", "IN_PROGRESS", 1, 1), ("ACTIVE", "COMPLETED", 1, 0)]
    aws.clock.sleep(3)
    assert aws.states() == [("PRIMARY", "COMPLETED", 2, 0)]
    after = aws.service()["deployments"][0]
    assert after["id"] == new["id"]
    assert after["createdAt"] < after["updatedAt"] == aws.clock.now()
    assert aws.counts() == (2, 2, 0)


def test_old_tasks_go_first_where_no_more_may_run(aws: Aws) -> None:
    aws.cloud.services["example1"]["desiredCount"] = 4
    aws.cloud.roll_by("example1", 50, 100)
    aws.cloud.deploy_foreign("example1")
    assert aws.states() == [("PRIMARY", "IN_PROGRESS", 0, 2), ("ACTIVE", "COMPLETED", 2, 0)]
    aws.clock.sleep(12)
    assert aws.states() == [("PRIMARY", "IN_PROGRESS", 1, 2), ("ACTIVE", "COMPLETED", 1, 0)]
    aws.clock.sleep(18)
    assert aws.states() == [("PRIMARY", "COMPLETED", 4, 0)]


def test_old_tasks_go_one_batch_after_the_other(aws: Aws) -> None:
    aws.cloud.services["example1"]["desiredCount"] = 4
    aws.cloud.roll_by("example1", 100, 150)
    aws.cloud.deploy_foreign("example1")
    assert aws.states() == [("PRIMARY", "IN_PROGRESS", 0, 2), ("ACTIVE", "COMPLETED", 4, 0)]
    aws.clock.sleep(15)
    assert aws.states() == [("PRIMARY", "IN_PROGRESS", 2, 2), ("ACTIVE", "COMPLETED", 2, 0)]
    aws.clock.sleep(15)
    assert aws.states() == [("PRIMARY", "COMPLETED", 4, 0)]


def test_a_scale_out_in_a_rolling_deployment_delays_its_end(aws: Aws) -> None:
    aws.cloud.deploy_foreign("example1")
    aws.clock.sleep(10)
    aws.update(desiredCount=3)
    aws.clock.sleep(5)
    assert aws.states() == [("PRIMARY", "IN_PROGRESS", 2, 1), ("ACTIVE", "COMPLETED", 1, 0)]
    aws.clock.sleep(10)
    assert aws.states() == [("PRIMARY", "COMPLETED", 3, 0)]


def test_a_broken_deployment_fails_and_the_older_tasks_run_on(aws: Aws) -> None:
    aws.cloud.broken_images = {"shop:hotfix"}
    aws.cloud.deploy_foreign("example1")
    aws.clock.sleep(15)
    aws.cloud.broken_images = set()
    assert aws.states() == [("PRIMARY", "FAILED", 0, 0), ("ACTIVE", "COMPLETED", 2, 0)]
    failed = aws.service()["deployments"][0]
    assert "circuit breaker" in failed["rolloutStateReason"]
    assert failed["failedTasks"] > 0
    aws.cloud.set_desired("example1", 3)
    aws.clock.sleep(15)
    assert aws.counts() == (3, 3, 0)
    assert aws.update(forceNewDeployment=True)["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    aws.clock.sleep(15)
    assert aws.states() == [("PRIMARY", "COMPLETED", 3, 0)]


def test_tasks_that_cannot_start_leave_a_complete_deployment_complete(aws: Aws) -> None:
    """A deployment of no tasks is complete; the tasks come later, and start once they can."""
    aws.cloud.broken_images = {"shop:hotfix"}
    aws.cloud.deploy_foreign("example2")
    aws.clock.sleep(15)
    aws.update("example2", desiredCount=2)
    aws.clock.sleep(300)
    assert aws.states("example2") == [("PRIMARY", "COMPLETED", 0, 2)]
    aws.cloud.broken_images = set()
    aws.clock.sleep(15)
    assert aws.states("example2") == [("PRIMARY", "COMPLETED", 2, 0)]


def test_a_service_that_grows_keeps_the_tasks_it_has(aws: Aws) -> None:
    assert aws.update(desiredCount=5)["runningCount"] == 2
    aws.clock.sleep(14)
    assert aws.counts() == (5, 2, 3)
    aws.clock.sleep(1)
    assert aws.states() == [("PRIMARY", "COMPLETED", 5, 0)]
    assert aws.update(desiredCount=1)["runningCount"] == 1


def test_a_scale_in_ends_the_tasks_that_were_to_start(aws: Aws) -> None:
    aws.cloud.autoscale("example1", 2)
    aws.clock.sleep(5)
    aws.cloud.autoscale("example1", -2)
    aws.cloud.set_desired("example1", 3)
    aws.clock.sleep(10)
    assert aws.counts() == (3, 2, 1)
    aws.clock.sleep(5)
    assert aws.counts() == (3, 3, 0)
    aws.cloud.autoscale("example1", -9)
    assert aws.counts() == (0, 0, 0)


@pytest.mark.parametrize(("count", "left"), [(1, 1), (None, 0), (9, 0)])
def test_tasks_die_and_are_replaced(aws: Aws, count: int | None, left: int) -> None:
    aws.cloud.lose_tasks("example1", count, heals_after=40)
    assert aws.counts() == (2, left, 2 - left)
    assert aws.states() == [("PRIMARY", "COMPLETED", left, 2 - left)]
    assert aws.discovered() == left
    aws.clock.sleep(39)
    assert aws.counts() == (2, left, 2 - left)
    aws.clock.sleep(1)
    assert aws.counts() == (2, 2, 0)
    assert aws.discovered() == 2


def test_tasks_that_crash_in_a_loop_come_back_with_a_new_deployment_only(aws: Aws) -> None:
    aws.cloud.lose_tasks("example1")
    aws.update(desiredCount=0)
    aws.update(desiredCount=3)
    aws.clock.sleep(3_600)
    assert aws.states() == [("PRIMARY", "COMPLETED", 0, 3)]
    aws.update(forceNewDeployment=True)
    assert aws.states() == [("PRIMARY", "IN_PROGRESS", 0, 3)]
    aws.clock.sleep(15)
    assert aws.states() == [("PRIMARY", "COMPLETED", 3, 0)]


def test_one_task_that_crashes_in_a_loop_leaves_the_others(aws: Aws) -> None:
    aws.cloud.lose_tasks("example1", 1)
    aws.update(desiredCount=4)
    aws.clock.sleep(3_600)
    assert aws.counts() == (4, 3, 1)


def test_tasks_that_die_in_a_rolling_deployment_are_the_older_ones(aws: Aws) -> None:
    aws.cloud.deploy_foreign("example1")
    aws.cloud.lose_tasks("example1")
    assert aws.counts()[:2] == (2, 0)
    aws.clock.sleep(15)
    assert aws.states() == [("PRIMARY", "COMPLETED", 2, 0)]


def test_somebody_deploys_a_new_revision(aws: Aws) -> None:
    id = aws.cloud.deploy_foreign("example1", seconds=100)
    assert aws.service()["deployments"][0]["id"] == id
    aws.clock.sleep(99)
    assert aws.cloud.running_image("example1") == "shop:v1"
    aws.clock.sleep(1)
    assert aws.cloud.running_image("example1") == "shop:hotfix"
    assert aws.service()["taskDefinition"].endswith("example1:2")


def test_somebody_deploys_the_same_revision_anew(aws: Aws) -> None:
    before = aws.service()
    id = aws.cloud.deploy_foreign("example1", same_revision=True)
    assert id != aws.cloud.deploy_foreign("example1", same_revision=True)
    assert [d["id"] for d in aws.service()["deployments"]][1:] == [
        id,
        before["deployments"][0]["id"],
    ]
    assert aws.service()["taskDefinition"] == before["taskDefinition"]
    aws.clock.sleep(15)
    assert aws.states() == [("PRIMARY", "COMPLETED", 2, 0)]


def test_autoscaling_enforces_its_minimum_each_time(aws: Aws) -> None:
    aws.cloud.autoscaler_minimum = {"example1": 2}
    for count in (0, 1):
        aws.update(desiredCount=count)
        aws.clock.sleep(59)
        assert aws.counts() == (count, count, 0)
        aws.clock.sleep(1)
        assert aws.counts() == (2, count, 2 - count)
        aws.clock.sleep(15)
        assert aws.counts() == (2, 2, 0)
    aws.update(desiredCount=3)
    aws.clock.sleep(100)
    assert aws.counts() == (3, 3, 0)


def test_autoscaling_enforces_a_minimum_that_is_set_later(aws: Aws) -> None:
    aws.cloud.autoscaler_minimum["example2"] = 1
    aws.clock.sleep(60)
    assert aws.counts("example2") == (1, 0, 1)
    del aws.cloud.autoscaler_minimum["example2"]
    aws.cloud.set_desired("example2", 0)
    aws.clock.sleep(600)
    assert aws.counts("example2") == (0, 0, 0)


def test_a_minute_below_the_minimum_begins_anew(aws: Aws) -> None:
    aws.cloud.autoscaler_minimum.update(example1=2)
    aws.cloud.set_desired("example1", 1)
    aws.clock.sleep(50)
    aws.cloud.set_desired("example1", 2)
    aws.cloud.set_desired("example1", 1)
    aws.clock.sleep(59)
    assert aws.counts() == (1, 1, 0)
    aws.clock.sleep(1)
    assert aws.counts()[0] == 2


def test_a_read_of_a_service_lags(aws: Aws) -> None:
    aws.cloud.lag["ecs.DescribeServices"] = 20
    aws.clock.sleep(5)
    updated = aws.update(taskDefinition=aws.cloud.register("example1", "shop:v2"), desiredCount=3)
    assert len(updated["deployments"]) == 2
    # It never goes back to what was before the fake began.
    assert aws.counts() == (2, 2, 0)
    aws.clock.sleep(19)
    assert aws.states() == [("PRIMARY", "COMPLETED", 2, 0)]
    aws.clock.sleep(1)
    assert aws.counts() == (3, 2, 3)
    aws.clock.sleep(9)
    assert aws.states() == [("PRIMARY", "IN_PROGRESS", 0, 3), ("ACTIVE", "COMPLETED", 2, 0)]
    aws.clock.sleep(5)
    assert aws.states() == [("PRIMARY", "IN_PROGRESS", 2, 1), ("ACTIVE", "COMPLETED", 1, 0)]
    aws.clock.sleep(1)
    assert aws.states() == [("PRIMARY", "COMPLETED", 3, 0)]
    assert aws.cloud.view("example1", aws.clock.now())["runningCount"] == 3
    del aws.cloud.lag["ecs.DescribeServices"]
    assert aws.states() == [("PRIMARY", "COMPLETED", 3, 0)]


def test_a_read_of_a_task_definition_lags(aws: Aws) -> None:
    aws.cloud.lag["ecs.DescribeTaskDefinition"] = 20
    aws.clock.sleep(100)
    arn = aws.cloud.register("example1", "shop:v2")
    aws.cloud.deregister("example1:1")
    aws.clock.sleep(19)
    assert aws.definition("example1")["revision"] == 1
    assert aws.definition("example1:1")["status"] == "ACTIVE"
    with refused(UNKNOWN):
        aws.definition(arn)
    with refused(INACTIVE):
        aws.update(taskDefinition="example1:1")
    aws.clock.sleep(1)
    assert aws.definition("example1")["taskDefinitionArn"] == arn
    assert aws.definition("example1:1")["status"] == "INACTIVE"


def test_a_read_of_the_route_lags_and_the_answer_to_a_write_does_not(aws: Aws) -> None:
    aws.cloud.lag["appmesh.DescribeRoute"] = 20
    spec = answer("appmesh", "describe_route", **WHERE)["route"]["spec"]
    spec["httpRoute"]["action"]["weightedTargets"][1]["weight"] = 50
    spec["httpRoute"]["action"]["weightedTargets"][0]["weight"] = 50
    aws.clock.sleep(100)
    written = answer("appmesh", "update_route", **WHERE, spec=spec)["route"]
    assert written["metadata"]["version"] == 2
    assert written["spec"] == spec
    aws.clock.sleep(10)
    aws.cloud.reset_weights()
    assert aws.cloud.split() == (100, 0)
    aws.clock.sleep(9)
    assert aws.route() == (0, 1)
    aws.clock.sleep(1)
    assert aws.route() == (50, 2)
    aws.clock.sleep(10)
    assert aws.route() == (0, 3)


def test_a_read_of_alarms_lags(aws: Aws) -> None:
    aws.cloud.lag["cloudwatch.DescribeAlarms"] = 20
    aws.clock.sleep(100)
    aws.cloud.set_alarm("example2-5xx", "ALARM")
    aws.clock.sleep(19)
    assert aws.alarm() == "OK"
    aws.clock.sleep(1)
    assert aws.alarm() == "ALARM"


def test_a_read_of_instances_lags(aws: Aws) -> None:
    aws.cloud.lag["servicediscovery.DiscoverInstances"] = 20
    aws.clock.sleep(100)
    aws.cloud.lose_tasks("example1", 1)
    assert aws.discovered() == 2
    assert aws.cloud.healthy("example1") == 1
    aws.clock.sleep(20)
    assert aws.discovered() == 1


def _alb_weights() -> list[int]:
    rule = answer("elbv2", "describe_rules", RuleArns=[AlbCloud.rule])["Rules"][0]
    forward = rule["Actions"][-1]["ForwardConfig"]["TargetGroups"]
    weights = {group["TargetGroupArn"]: group["Weight"] for group in forward}
    return [weights[arn] for arn in AlbCloud.groups.values()]


def _alb_targets() -> int:
    asked = {"TargetGroupArn": AlbCloud.groups["example1"]}
    return len(answer("elbv2", "describe_target_health", **asked)["TargetHealthDescriptions"])


def _lattice_weights() -> list[int]:
    where = {"serviceIdentifier": lattice.SERVICE, "listenerIdentifier": lattice.LISTENER}
    rule = answer("vpc_lattice", "get_rule", **where, ruleIdentifier=LatticeCloud.rule)
    forward = rule["action"]["forward"]["targetGroups"]
    weights = {group["targetGroupIdentifier"]: group["weight"] for group in forward}
    return [weights[id] for id in LatticeCloud.groups.values()]


def _lattice_targets() -> int:
    asked = {"targetGroupIdentifier": LatticeCloud.groups["example1"]}
    return len(answer("vpc_lattice", "list_targets", **asked)["items"])


@pytest.mark.parametrize(
    ("kind", "call", "weights"),
    [
        (AlbCloud, "elbv2.DescribeRules", _alb_weights),
        (LatticeCloud, "vpc-lattice.GetRule", _lattice_weights),
    ],
)
def test_a_read_of_a_rule_lags(
    monkeypatch: pytest.MonkeyPatch, kind: type[Cloud], call: str, weights: Callable[[], list[int]]
) -> None:
    aws = opened(monkeypatch, kind)
    aws.cloud.lag[call] = 20
    aws.clock.sleep(100)
    aws.cloud.write_foreign(30)
    aws.clock.sleep(10)
    aws.cloud.reset_weights()
    assert aws.cloud.split() == (100, 0)
    aws.clock.sleep(9)
    assert weights() == [100, 0]
    aws.clock.sleep(1)
    assert weights() == [70, 30]
    aws.clock.sleep(10)
    assert weights() == [100, 0]


def test_the_answer_to_a_written_rule_never_lags(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = opened(monkeypatch, AlbCloud)
    aws.cloud.lag["elbv2.DescribeRules"] = 20
    aws.clock.sleep(100)
    primary, canary = AlbCloud.groups.values()
    login = {**OIDC["AuthenticateOidcConfig"], "ClientSecret": "new"}
    actions = [
        {**OIDC, "AuthenticateOidcConfig": login},
        forward((primary, 60), (canary, 40), order=2),
    ]
    written = answer("elbv2", "modify_rule", RuleArn=AlbCloud.rule, Actions=actions)["Rules"][0]
    groups = written["Actions"][-1]["ForwardConfig"]["TargetGroups"]
    assert {group["Weight"] for group in groups} == {60, 40}
    assert _alb_weights() == [100, 0]


@pytest.mark.parametrize(
    ("kind", "call", "targets"),
    [
        (AlbCloud, "elbv2.DescribeTargetHealth", _alb_targets),
        (LatticeCloud, "vpc-lattice.ListTargets", _lattice_targets),
    ],
)
def test_a_read_of_targets_lags(
    monkeypatch: pytest.MonkeyPatch, kind: type[Cloud], call: str, targets: Callable[[], int]
) -> None:
    aws = opened(monkeypatch, kind)
    aws.cloud.lag[call] = 20
    aws.clock.sleep(100)
    aws.cloud.lose_tasks("example1", 1)
    aws.clock.sleep(19)
    assert targets() == 2
    aws.clock.sleep(1)
    assert targets() == 1
    del aws.cloud.lag[call]
    aws.cloud.lose_tasks("example1")
    assert targets() == 0


def test_three_fronts_stand_before_the_same_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    aws = opened(monkeypatch, ThreeFronts)
    aws.cloud.lag["vpc-lattice.ListTargets"] = 20
    aws.clock.sleep(100)
    aws.cloud.lose_tasks("example1", 1)
    assert (aws.discovered(), _alb_targets(), _lattice_targets()) == (1, 1, 2)
