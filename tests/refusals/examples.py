"""An example of each thing that a release is refused or warned of: the world, and the request.

Each is told what `docs/refusals.md` has, by the real plan over the fake cloud. A new text of the
code needs a new line here: what to change, and what to ask for.
"""

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from stepcanary import clock
from stepcanary.aws import stepfunctions
from stepcanary.domain.patience import LONGEST_TURN_SECONDS
from stepcanary.domain.pushes import Push
from stepcanary.domain.release import Release
from stepcanary.domain.request import ActionRequest
from stepcanary.errors import RequestRejected
from stepcanary.release import concurrency, opening, plan, waiting
from stepcanary.store import door, leases, ledger, pushes, queue, senders, table
from stepcanary.store.senders import Sender
from stepcanary.store.table import ConditionFailed, Delete
from tests.builders import PROFILE, profile, request, traffic
from tests.fakes import parameters
from tests.fakes.accounts import ELSEWHERE, IN_ANOTHER_ACCOUNT, ROLE
from tests.fakes.alb import DEFAULT_RULE, LISTENER, RULE
from tests.fakes.cloud import METRIC_ALARM, ROUTE_ARN
from tests.fakes.fronts import CLOUDS, AlbCloud, LatticeCloud
from tests.fakes.lattice import DEFAULT_RULE as LATTICE_DEFAULT_RULE
from tests.fakes.service import Document, Refusal
from tests.statemachine.runner import World

Example = Callable[[World], str]
"""Changes the world, asks, and answers with what was told."""

Change = Callable[[World], Any]
ALARM = "example2-5xx"
GROUP = "/ecs/checkout"
LOG = {"group": GROUP, "status": "status"}
ORDERS = {
    "requests": [{"namespace": "Shop", "metric": "Orders"}],
    "bad": [{"namespace": "Shop", "metric": "Failed"}],
}
OF_ALB = {
    "requests": [{"namespace": "AWS/ApplicationELB", "metric": "RequestCount"}],
    "bad": [{"namespace": "AWS/ApplicationELB", "metric": "HTTPCode_Target_5XX_Count"}],
}
EXECUTION, ANOTHER = "example", "another"
DEAD_SECONDS = 400
"""An execution that AWS does not know is dead after so long."""


def _nothing(_here: World) -> None:
    """The world is as it is."""


def told(here: World, document: object) -> str:
    """Why the plan refuses it, or what it warns of."""
    try:
        return "\n".join(_planned(here, document).warnings)
    except RequestRejected as rejected:
        return str(rejected)


def _planned(here: World, document: object, name: str = EXECUTION) -> Release:
    return plan.plan_release(here.arn(name), *plan.resolve(document))


def asked(document: object, change: Change = _nothing) -> Example:
    def example(here: World) -> str:
        change(here)
        return told(here, document)

    return example


def with_profile(change: Change = _nothing, **changed: Any) -> Example:
    return asked(request(profile=profile(**changed)), change)


def with_judge(*metrics: Document) -> Example:
    return with_profile(judge={"metrics": list(metrics)})


def _each_ten_seconds_of_alb(here: World) -> str:
    here.cloud = CLOUDS["alb"](here.clock)
    judge = {"metrics": [{"kind": "errors", "period": 10}]}
    return told(here, request(profile=profile(traffic=[here.cloud.traffic], judge=judge)))


def in_world(change: Change) -> Example:
    return asked(request(), change)


def _without_times(here: World) -> None:
    here.cloud.lost.add("TargetResponseTime")


def _with_bad_primary(here: World) -> None:
    here.cloud.bad = lambda _side, _at: 0.05


def _without_metrics(here: World) -> None:
    def refuse(name: str, _params: Document) -> None:
        if name == "cloudwatch.GetMetricData":
            raise Refusal("AccessDenied", "not authorized to perform: cloudwatch:GetMetricData")

    here.cloud.before_call = refuse


def _logs(**changed: str) -> Document:
    return {"kind": "logs", "log": {**LOG, **changed}}


def _with_log(*filters: str) -> Change:
    """A log group, to which others have subscribed."""

    def change(here: World) -> None:
        here.cloud.log_filters[GROUP] = {
            name: {"filterName": name, "destinationArn": f"arn:aws:lambda:::function:{name}"}
            for name in filters
        }

    return change


def _with_infrequent_log(here: World) -> None:
    _with_log()(here)
    here.cloud.log_classes[GROUP] = "INFREQUENT_ACCESS"


def _untagged_log(here: World) -> None:
    _with_log()(here)
    here.cloud.untagged.add(GROUP)


def _without_counter(here: World) -> None:
    """As a stack of before there was one has written its settings."""
    found = json.loads(here.cloud.parameters[parameters.NAME])
    here.cloud.parameters[parameters.NAME] = json.dumps({**found, "counter": ""})


def elsewhere(change: Change) -> Example:
    """With the service in another account."""

    def example(here: World) -> str:
        here.cloud.accounts.move()
        change(here)
        route = traffic(mesh_owner=ELSEWHERE)
        return told(here, request(profile=profile(traffic=route, account=IN_ANOTHER_ACCOUNT)))

    return example


def _long_names(count: int) -> list[str]:
    return [f"{number:02}-{'a' * 200}" for number in range(count)]


def _set_alarms(count: int) -> Change:
    def change(here: World) -> None:
        for name in _long_names(count):
            here.cloud.set_alarm(name, "OK")

    return change


def behind(router: str, change: Change = _nothing, **changed: Any) -> Example:
    """With the world's services behind that router; `changed` is what the profile says of it."""

    def example(here: World) -> str:
        here.cloud = CLOUDS[router](here.clock)
        change(here)
        split = {**here.cloud.traffic, **changed}
        return told(here, request(profile=profile(traffic=[split])))

    return example


def _alarm(**settings: Any) -> Example:
    return in_world(lambda w: w.cloud.alarm_settings.update({ALARM: {**METRIC_ALARM, **settings}}))


def _service(name: str, **settings: Any) -> Example:
    return in_world(lambda w: w.cloud.service_settings.update({name: settings}))


def _run_with_a_role(here: World) -> None:
    role = "arn:aws:iam::123456789012:role/admin"
    here.cloud.definitions["example1"][0]["taskRoleArn"] = role
    here.set_parameters(TaskRoleArns="arn:aws:iam::123456789012:role/shop")


def _set_rules(rules: dict[str, Any]) -> Change:
    text = json.dumps(rules)
    return lambda here: here.cloud.parameters.update({"/stepcanary/profiles/_policy": text})


def _refuse(operation: str) -> Change:
    """AWS denies these calls from now on."""

    def change(here: World) -> None:
        def deny(name: str, _params: Document) -> None:
            if name.endswith(f".{operation}"):
                raise Refusal("AccessDeniedException", "not authorized")

        here.cloud.before_call = deny

    return change


def _weights(primary: int, canary: int) -> Change:
    def change(here: World) -> None:
        here.cloud.targets()[0]["weight"] = primary
        here.cloud.targets()[1]["weight"] = canary

    return change


# Ready task definitions


def _inactive(here: World) -> str:
    ready = {side: here.cloud.register(f"example{n}", "shop:v2") for n, side in _SIDES}
    here.cloud.deregister(ready["primary"])
    return told(here, request(images=None, task_definitions=ready))


_SIDES = ((1, "primary"), (2, "canary"))


def _not_steady(here: World) -> None:
    here.cloud.ecs_update("example1", here.cloud.register("example1", "shop:v2"))


# Others that release


def opened(here: World, name: str = ANOTHER, **changed: Any) -> Release:
    """Another release has begun; its execution is young enough to be alive, whoever it is."""
    release = _planned(here, request(**changed), name)
    opening.open_release(release, request(**changed))
    return release


def _opening(here: World, release: Release, document: object | None = None) -> str:
    try:
        opening.open_release(release, document or request())
    except RequestRejected as rejected:
        return str(rejected)
    return ""


def _faster(here: World) -> str:
    release = _planned(here, request())
    opened(here)
    return _opening(here, release)


def _taken(here: World, **changed: Any) -> str:
    here.cloud.other_routes.add("other")
    release = _planned(here, request(**changed))
    opened(here)
    try:
        leases.take(release)
    except RequestRejected as rejected:
        return str(rejected)
    return ""


def _came_and_went(here: World) -> str:
    release = _planned(here, request())
    failed = ConditionFailed([])
    with patch.object(table, "transact", side_effect=failed):
        try:
            leases.take(release)
        except RequestRejected as rejected:
            return str(rejected)
    return ""


def _deleted(here: World) -> str:
    door.close()
    return _opening(here, _planned(here, request()))


def _closed(here: World) -> str:
    release = _planned(here, request())
    ledger.record(release, "Reverted", "it was reverted")
    return _opening(here, release)


def _help_fails(here: World) -> str:
    release = _planned(here, request())
    opened(here)
    here.clock.sleep(DEAD_SECONDS)
    _refuse("DescribeServices")(here)
    return _opening(here, release)


def _parked(here: World) -> str:
    here.cloud.set_desired("example2", 2)
    here.clock.sleep(60)
    release = _planned(here, request())
    leases.park(leases.read(opened(here).split))
    here.clock.sleep(DEAD_SECONDS)
    return _opening(here, release)


def _changed(here: World) -> str:
    release = _planned(here, request())
    here.cloud.set_desired("example2", 3)
    here.clock.sleep(60)
    return _opening(here, release)


def _busy(here: World) -> str:
    opened(here)
    return told(here, request())


def _unreadable(here: World) -> str:
    release = opened(here)
    here.clock.sleep(DEAD_SECONDS)
    table.delete(Delete(ledger._document_key(release.execution)))
    return told(here, request())


def _runs_already(here: World) -> str:
    image = f"shop@{here.cloud.registry.digest('shop:v1')}"
    app, *others = here.cloud.definitions["example1"][0]["containerDefinitions"]
    app["image"] = image
    for other in others:
        other["image"] = f"envoy@{here.cloud.registry.digest(other['image'])}"
    return told(here, request(images={"app": image}))


def _mix_tasks(here: World) -> None:
    """As before ECS resolved tags once per deployment."""
    _answer_tasks(here, [{"app": "1"}, {"app": "2"}])


def _hide_digests(here: World) -> None:
    """As an old agent does."""
    _answer_tasks(here, [{}])


def _answer_tasks(here: World, tasks: list[dict[str, str]]) -> None:
    id = here.cloud.services["example1"]["deployments"][0]["id"]

    def describe(_params: Any) -> Any:
        containers = [[{"name": n, "imageDigest": d} for n, d in task.items()] for task in tasks]
        found = [{"startedBy": id, "lastStatus": "RUNNING", "containers": c} for c in containers]
        return {"tasks": found, "failures": []}

    setattr(here.cloud, "_ecs_DescribeTasks", describe)  # noqa: B010 - a method of the fake


def _loosen(here: World) -> None:
    app = here.cloud.definitions["example1"][0]["containerDefinitions"][0]
    app["versionConsistency"] = "disabled"


def _ready(primary: str, canary: str) -> Example:
    """Ready task definitions whose first containers have these images."""

    def example(here: World) -> str:
        named = {
            "primary": here.cloud.register("example1", primary),
            "canary": here.cloud.register("example2", canary),
        }
        return told(here, request(images=None, task_definitions=named))

    return example


def _with_an_agent(here: World) -> str:
    """Which nobody runs yet."""
    named = {
        "primary": here.cloud.register("example1", "shop:v2"),
        "canary": here.cloud.register("example2", "shop:v2"),
    }
    containers = here.cloud.definitions["example1"][-1]["containerDefinitions"]
    containers.append({"name": "agent", "image": "agent:v1"})
    own = profile(repositories=["*"])
    return told(here, request(images=None, task_definitions=named, profile=own))


def _strange_member(here: World) -> None:
    app = here.cloud.definitions["example1"][0]["containerDefinitions"][0]
    app["snapshot"] = {"everySeconds": 60}


def _loses(here: World) -> str:
    _strange_member(here)
    document = plan.resolve(request())
    may_be_lost = ["taskDefinition.containerDefinitions[].snapshot"]
    return "\n".join(plan.plan_release(here.arn(EXECUTION), *document, may_be_lost).warnings)


# Turns

QUEUED = request(profile=profile(concurrency="queue"))


def _in_turn(here: World, *, waited: bool, started_at: int = 0, document: object = QUEUED) -> str:
    with patch.object(stepfunctions, "running_since", lambda _execution: started_at):
        try:
            concurrency.plan_in_turn(here.arn(EXECUTION), document, waited=waited, begins=True)
        except RequestRejected as rejected:
            return str(rejected)
    return ""


def _enqueue(here: World, name: str) -> None:
    key = plan.resolve(QUEUED)[1].traffic[0].key(here.arn(EXECUTION))
    queue.enqueue(key, "checkout", here.arn(name), clock.epoch_seconds() * 1_000)


def _overtaken(here: World, *, waited: bool) -> str:
    opened(here)
    _enqueue(here, "newest")
    return _in_turn(here, waited=waited)


def _waits_too_long(here: World) -> str:
    _enqueue(here, EXECUTION)
    here.clock.sleep(LONGEST_TURN_SECONDS + 1)
    return _in_turn(here, waited=True)


def _withdrawn(here: World) -> str:
    _enqueue(here, EXECUTION)
    waiting.withdraw(ActionRequest(service="checkout", action="withdraw"))
    return _in_turn(here, waited=True)


def _older_push(here: World) -> str:
    push = Sender("push of shop:v2", digest="sha256:2")
    senders.vouch(EXECUTION, push)
    pushes.take("checkout", Push(clock.epoch_seconds(), "sha256:3"), None)
    return _in_turn(here, waited=False, document={**QUEUED, "by": push.by})


# Rollbacks

ROLLBACK = request(action="rollback", images=None)


def _after_a_release(change: Change) -> Example:
    def example(here: World) -> str:
        assert here.release(request()).state == "Released"
        change(here)
        return told(here, ROLLBACK)

    return example


def _roll_back(here: World) -> None:
    assert here.release(ROLLBACK, "rollback-1").state == "Released"


def _to(name: str, change: Change = _nothing) -> Example:
    def example(here: World) -> str:
        assert here.release(request()).state == "Released"
        change(here)
        return told(here, {**ROLLBACK, "to": name})

    return example


def _of_another_service(here: World) -> None:
    release = ledger.release_of(here.arn("release-1"))
    other = release.model_copy(update={"service": "other", "execution": here.arn("other")})
    ledger.record(other, "Released", "")


def _shifted(here: World) -> None:
    document = {"service": "checkout", "action": "shift", "weight": 0}
    here.release(document, "shifted")


def _reverted(here: World) -> None:
    here.clock.after(5, lambda: here.signal("revert"))
    assert here.release(request(images={"app": "shop:v3"}), "bad").state == "Reverted"


def _forget_digests(here: World) -> None:
    here.forget_content("release-1")


def _deployed_by_others(here: World) -> None:
    _not_steady(here)
    here.cloud.ecs_update("example1", here.cloud.register("example1", "shop:v3"))
    here.clock.sleep(60)


def _forget_old(here: World) -> None:
    """Of a release that began on a version of the stack which kept nothing of it."""
    here.cloud.delete(here.cloud.arn("example1", 1))
    table.delete(Delete(ledger._of_release(here.arn("release-1"), "way_back")))
    _forget_digests(here)


# Routes


def _without_kind(here: World) -> None:
    here.cloud.route = {"priority": 7}


def _strange_action(here: World) -> None:
    _alb(here).front.actions[RULE].insert(0, STRANGE)


def _strange_kind(here: World) -> None:
    here.cloud.route = {"priority": 7, "http3Route": {"action": {}}}


def _alb(here: World) -> AlbCloud:
    assert isinstance(here.cloud, AlbCloud)
    return here.cloud


def _lattice(here: World) -> LatticeCloud:
    assert isinstance(here.cloud, LatticeCloud)
    return here.cloud


def _alb_groups(*groups: str) -> Change:
    """The rule forwards to these target groups."""

    def change(here: World) -> None:
        forwards = [{"TargetGroupArn": group, "Weight": 10} for group in groups]
        config = {"TargetGroups": forwards}
        _alb(here).front.actions[RULE] = [{"Type": "forward", "ForwardConfig": config}]

    return change


STRANGE: Document = {"Type": "teleport", "Order": 1}
FIXED: Document = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
PRIMARY_GROUP, CANARY_GROUP = AlbCloud.groups.values()
MANY_GROUPS = [PRIMARY_GROUP, *(f"{PRIMARY_GROUP}{n}" for n in range(4))]


def _detach(here: World) -> None:
    _alb_groups(PRIMARY_GROUP)(here)
    _alb(here).front.balancers[CANARY_GROUP] = None


def _unused(here: World) -> None:
    cloud = _lattice(here)
    primary, canary = cloud.groups.values()
    cloud.front.put(
        cloud.rule, {"forward": {"targetGroups": [{"targetGroupIdentifier": primary, "weight": 1}]}}
    )
    cloud.front.used.discard(canary)


MANY_STEPS = [{"weight": weight, "bake_seconds": 1} for weight in range(1, 51)]
STEPS = [{"weight": 5, "bake_seconds": 86_400}, {"weight": 100, "bake_seconds": 86_400}]
LATTICE_LISTENER = (
    "arn:aws:vpc-lattice:us-east-1:123456789012:service/svc-00000000000000000"
    "/listener/listener-0b1c2d3e4f5a69788"
)


def _deny_scaling(here: World) -> None:
    here.cloud.scale_by_traffic("example1", 1, 10)

    def deny(name: str, _params: Document) -> None:
        if name == "application-autoscaling.RegisterScalableTarget":
            raise Refusal("AccessDeniedException", "no")

    here.cloud.before_call = deny


def _deploying(minimum: int, maximum: int) -> Change:
    settings = {"minimumHealthyPercent": minimum, "maximumPercent": maximum}

    def change(here: World) -> None:
        here.cloud.service_settings["example1"] = {"deploymentConfiguration": settings}

    return change


def _one_by_one(here: World) -> None:
    """Ten tasks, of which ECS replaces one at a time."""
    here.cloud.services["example1"]["desiredCount"] = 10
    _deploying(100, 110)(here)


EXAMPLES: dict[str, Example] = {
    # The request
    "without a service": asked({"images": {"app": "shop:v2"}}),
    "with an unknown key": asked(request(image="shop:v2")),
    "with half a character": asked(request(by="\ud800")),
    "with a time without its zone": asked(request(pushed_at="2026-11-25T09:30:00")),
    "too large": asked(request(images={"app": "shop:v" + "2" * 70_000})),
    "with no image": asked(request(images={"app": "Shop"})),
    "with an image of no version": asked(request(images={"app": "shop"})),
    "with images of nothing": asked(request(images={})),
    "with no version": asked(request(images=None)),
    "with a service of no name": asked(request(service="-")),
    "of a file without images": asked([]),
    "of a file for nobody": asked([{"name": "app", "imageUri": "shop:v2"}]),
    "of a service without a profile": asked(request(service="other")),
    "of an unknown container": asked(request(images={"web": "shop:v2"})),
    "of what runs already": _runs_already,
    "of no version at all": in_world(_mix_tasks),
    "of a version that nobody knows": in_world(_hide_digests),
    "of a loose container": in_world(_loosen),
    "of two ready ones that differ": _ready("shop:v3", "shop:v2"),
    "of a container for the primary alone": _with_an_agent,
    "with a member that nobody knows": in_world(_strange_member),
    "with a member that may be lost": _loses,
    "with a place to go back to": asked(request(to="release-1")),
    "of no task definition": asked(
        request(images=None, task_definitions={"primary": "x:9", "canary": "y:9"})
    ),
    "of an inactive task definition": _inactive,
    # The profile
    "one service on both sides": with_profile(canary="example1"),
    "steps that fall": with_profile(steps=[{"weight": 50}, {"weight": 5}]),
    "bakes that last for weeks": with_profile(steps=STEPS, holds=10),
    "an alarm twice": with_profile(alarms=[ALARM, ALARM]),
    "a metric of its own without sides": with_judge({"kind": "custom", "name": "orders"}),
    "sides of a metric of the router": with_judge({"kind": "errors", "canary": ORDERS}),
    "a time for errors": with_judge({"kind": "errors", "slower_than_ms": 400}),
    "two limits of one metric": with_judge({"kind": "errors", "at_most": 0.1, "ratio": 2}),
    "a limit above all": with_judge({"kind": "errors", "at_most": 1}),
    "a metric twice": with_judge({"kind": "errors"}, {"kind": "errors"}),
    "a period that no load balancer has": _each_ten_seconds_of_alb,
    "a period that series of a load balancer do not have": with_judge(
        {"kind": "custom", "name": "own", "period": 10, "canary": OF_ALB, "primary": OF_ALB}
    ),
    "a period in which nothing is published": with_judge({"kind": "errors", "period": 10}),
    "a canary that is no fleet": with_profile(judge={"metrics": [{"kind": "errors"}]}),
    "no response times": with_profile(_without_times, judge={}),
    "nothing to judge by": with_profile(_without_times, judge={"metrics": [{"kind": "latency"}]}),
    "logs that nobody names": with_judge({"kind": "logs"}),
    "a log of errors": with_judge({"kind": "errors", "log": LOG}),
    "a log beside the primary": with_judge({"kind": "logs", "log": LOG, "ratio": 2}),
    "a log whose limit proves nothing": with_judge({"kind": "logs", "log": LOG, "at_most": 0.5}),
    "a limit that shows nobody good": with_judge({"kind": "errors", "at_most": 0}),
    "a log by the period": with_judge({"kind": "logs", "log": LOG, "period": 10}),
    "a limit that the primary is over": with_profile(
        _with_bad_primary, judge={"metrics": [{"kind": "errors", "at_most": 0.01}]}
    ),
    "a log without a status": with_judge({"kind": "logs", "log": {"group": GROUP}}),
    "a pattern that is none": with_judge(_logs(status="", pattern="(")),
    "a pattern without the status": with_judge(_logs(status="", pattern="[0-9]+")),
    "a log of another account": asked(
        request(profile=profile(account=IN_ANOTHER_ACCOUNT, judge={"metrics": [_logs()]}))
    ),
    "logs of a stack that counts none": with_profile(
        _without_counter, judge={"metrics": [_logs()]}
    ),
    "a log group that is not there": with_judge(_logs()),
    "a log group of another class": with_profile(
        _with_infrequent_log, judge={"metrics": [_logs()]}
    ),
    "a log group with a filter of another stack's release of the same name": with_profile(
        _with_log(f"stepcanary/{EXECUTION}/logs"), judge={"metrics": [_logs()]}
    ),
    "a log group without the tag": with_profile(_untagged_log, judge={"metrics": [_logs()]}),
    "a filter that CloudWatch Logs does not take": with_profile(
        _with_log(), judge={"metrics": [_logs(filter="{ $.status = 5*")]}
    ),
    "a log group without a place": with_profile(
        _with_log("datadog", "archive"), judge={"metrics": [_logs()]}
    ),
    "metrics that nobody may read": with_profile(_without_metrics, judge={}),
    "a check that comes too late": with_profile(
        deployment={"deadline_seconds": 60, "check_seconds": 61}
    ),
    "a history that is too long": with_profile(
        steps=MANY_STEPS, holds=10, deployment={"deadline_seconds": 7_200, "check_seconds": 1}
    ),
    "no router": with_profile(traffic=[{"mesh": "example"}]),
    "an unknown router": with_profile(traffic=traffic(router="nginx")),
    "one node on both sides": with_profile(traffic=traffic(canary_node="example1")),
    "what the plan finds": with_profile(traffic=traffic(rest_weight=1)),
    "a route twice": with_profile(traffic=PROFILE["traffic"] * 2),
    "a rule and a listener": behind("alb", listener=LISTENER),
    "one target group on both sides": behind("alb", canary_target_group=PRIMARY_GROUP),
    "a listener of another service": behind("lattice", listener=LATTICE_LISTENER),
    "a rule of another service": behind(
        "lattice", rule=f"{LATTICE_LISTENER}/rule/rule-0a9b8c7d6e5f41302"
    ),
    # The ECS services
    "no such cluster": with_profile(cluster="x"),
    "no such service": with_profile(canary="gone"),
    "a service that is gone": _service("example1", status="INACTIVE"),
    "a service of CodeDeploy": _service("example1", deploymentController={"type": "CODE_DEPLOY"}),
    "a service of task sets": _service("example2", deploymentController={"type": "EXTERNAL"}),
    "a service that ECS shifts": _service(
        "example2", deploymentConfiguration={"strategy": "BLUE_GREEN"}
    ),
    "a task per instance": _service("example2", schedulingStrategy="DAEMON"),
    "an Express Mode service": _service("example1", resourceManagementType="ECS"),
    "a gateway": in_world(lambda w: w.cloud.gateways.add("example2")),
    "early success": in_world(lambda w: w.cloud.succeed_early("example2", 50)),
    "a primary without tasks": in_world(lambda w: w.cloud.set_desired("example1", 0)),
    "a primary that rolls": in_world(_not_steady),
    "no way back": in_world(lambda w: w.cloud.delete(w.cloud.arn("example1", 1))),
    "a check that is denied": in_world(_refuse("DescribeTaskDefinition")),
    # The alarms
    "no such alarm": with_profile(alarms=["gone"]),
    "an alarm that fires": in_world(lambda w: w.cloud.set_alarm(ALARM, "ALARM")),
    "an alarm that cannot see": in_world(lambda w: w.cloud.fail_evaluation(ALARM)),
    "an alarm that ignores silence": _alarm(TreatMissingData="ignore"),
    "an alarm that ignores few samples": _alarm(EvaluateLowSampleCountPercentile="ignore"),
    "silence is health": _alarm(TreatMissingData="notBreaching"),
    "an alarm of DynamoDB": _alarm(Namespace="AWS/DynamoDB"),
    "an alarm that is slow": _alarm(Period=3_600),
    "a last bake that ends before its alarm can fire": with_profile(
        steps=[{"weight": 5, "bake_seconds": 300}, {"weight": 100, "bake_seconds": 90}]
    ),
    # The routes
    "no such route": with_profile(traffic=traffic(route="other")),
    "a route of no kind": in_world(_without_kind),
    "a route of an unknown kind": in_world(_strange_kind),
    "a node twice": in_world(lambda w: w.cloud.targets().append(dict(w.cloud.targets()[0]))),
    "a node that is not listed": in_world(lambda w: w.cloud.targets().pop()),
    "a route that is not at rest": in_world(_weights(90, 10)),
    "a total that is too small": in_world(_weights(1, 0)),
    "a rule that does not forward": behind("alb", lambda w: _alb(w).front.put(RULE, [FIXED])),
    "a default rule": behind("alb", listener_rule=DEFAULT_RULE),
    "sticky clients": behind("alb", lambda w: _alb(w).pin(60)),
    "clients that stick for hours": behind(
        "alb", lambda w: _alb(w).pin(7_200), accept_stickiness=True
    ),
    "a rule of an unknown kind": behind("alb", _strange_action),
    "a target group that no rule lists": behind("alb", _detach),
    "a target group twice": behind("alb", _alb_groups(PRIMARY_GROUP, PRIMARY_GROUP)),
    "a rule of others": behind("alb", _alb_groups(AlbCloud.third)),
    "a rule without room": behind("alb", _alb_groups(*MANY_GROUPS)),
    "a Lattice rule that does not forward": behind(
        "lattice",
        lambda w: _lattice(w).front.put(LatticeCloud.rule, {"fixedResponse": {"statusCode": 404}}),
    ),
    "a default rule of Lattice": behind("lattice", rule=LATTICE_DEFAULT_RULE),
    "a target group that no service uses": behind("lattice", _unused),
    # Others
    "while another releases": _busy,
    "after one that left no document": _unreadable,
    "just after another": _faster,
    "at the same moment": _taken,
    "on another split": lambda w: _taken(w, profile=profile(traffic=traffic(route="other"))),
    "after one that came and went": _came_and_went,
    "after its end": _closed,
    "while the stack is deleted": _deleted,
    "while help fails": _help_fails,
    "after a promotion that failed": _parked,
    "after a change": _changed,
    "behind a newer one": lambda w: _overtaken(w, waited=False),
    "overtaken": lambda w: _overtaken(w, waited=True),
    "waiting for hours": _waits_too_long,
    "for a push that is not the newest": _older_push,
    "withdrawn": _withdrawn,
    # Sizes, and what scales
    "a fixed count that grows": asked(request(profile=profile(canary_tasks=2, capacity="full"))),
    "all tasks, and a minimum": asked(request(profile=profile(capacity="full", minimum_tasks=2))),
    "a way back that rises": asked(
        request(profile=profile(promotion={"return_weights": [20, 50]}))
    ),
    "a maximum that is too small": in_world(lambda w: w.cloud.scale_by_traffic("example2", 0, 1)),
    "bounds that may not be changed": in_world(_deny_scaling),
    "tasks that cannot be replaced": in_world(_deploying(100, 100)),
    "many small batches": in_world(_one_by_one),
    "tasks that go before others come": in_world(_deploying(50, 200)),
    "no circuit breaker": in_world(
        lambda w: w.cloud.service_settings.update(
            example1={"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": False}}}
        )
    ),
    # What the stack is allowed
    "a prefix for profiles that has the settings below it": in_world(
        lambda w: w.set_parameters(ProfilePrefix="/stepcanary")
    ),
    "a cluster that is not listed": in_world(lambda w: w.set_parameters(ClusterArns="")),
    "a role of another account that is not listed": elsewhere(
        lambda w: w.set_parameters(ReleaseRoleArns="")
    ),
    "a role of another account that refuses": elsewhere(lambda w: w.cloud.accounts.roles.clear()),
    "a role of another account that anybody may have assumed": elsewhere(
        lambda w: w.cloud.accounts.roles.update({ROLE: None})
    ),
    "a mesh of another account without its owner": asked(
        request(profile=profile(account=IN_ANOTHER_ACCOUNT))
    ),
    "a profile for the advanced tier": asked(
        request(profile=profile(alarms=_long_names(20))), _set_alarms(20)
    ),
    "a profile that no parameter can hold": asked(
        request(profile=profile(alarms=_long_names(45))), _set_alarms(45)
    ),
    "a role that is not listed": in_world(_run_with_a_role),
    "an image from where the stack takes none": in_world(
        lambda w: w.set_parameters(ImageRepositories="ours/*")
    ),
    "an image of another service": asked(request(images={"app": "cart:v2"})),
    "a task definition of another family": asked(
        request(images=None, task_definitions={"primary": "admin:1", "canary": "example2:1"}),
        lambda w: w.cloud.register("admin", "shop:v2"),
    ),
    "a profile in the request": with_profile(
        lambda w: w.set_parameters(AllowInlineProfiles="DISABLED")
    ),
    "rules that are broken": in_world(_set_rules({"highest_first_weight": 1})),
    "rules that nobody can read": in_world(_set_rules({"highest": 1})),
    "App Mesh without its rights": in_world(lambda w: w.set_parameters(AppMesh="DISABLED")),
    "a service without the tag": in_world(lambda w: w.cloud.untagged.add("example2")),
    "a route without the tag": in_world(lambda w: w.cloud.untagged.add(ROUTE_ARN)),
    # A rollback
    "a rollback with a version": asked(request(action="rollback")),
    "a rollback to nothing": asked(ROLLBACK),
    "a rollback of what others deployed": _after_a_release(_deployed_by_others),
    "a rollback to what was deleted": _after_a_release(_forget_old),
    "a rollback to bytes that nobody noted": _after_a_release(_forget_digests),
    "a rollback after a rollback": _after_a_release(_roll_back),
    "a rollback to nobody": _to("nobody"),
    "a rollback to one of another account": _to(
        "arn:aws:states:us-east-1:999999999999:execution:stepcanary-release:release-1"
    ),
    "a rollback to another service": _to("other", _of_another_service),
    "a rollback to a shift": _to("shifted", _shifted),
    "a rollback to what was reverted": _to("bad", _reverted),
}


def stored(here: World) -> None:
    """The profile that most examples are of."""
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(PROFILE)
