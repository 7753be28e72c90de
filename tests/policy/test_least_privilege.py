"""Each function may call exactly what it calls: nothing missing, nothing to spare."""

import json
import os
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, get_args
from unittest.mock import patch

import pytest

from emulator import template
from sandbox.slack import CHANNEL, SECRET
from stepcanary.aws import clients, cloudformation, roles
from stepcanary.aws.warmth import WARM
from stepcanary.domain.events import DetailType
from stepcanary.release import routes
from stepcanary.traffic.factory import router_for
from stepcanary.traffic.shift import force
from tests.adapters.stands import ALL
from tests.adapters.stands.stand import connect
from tests.builders import FROM_ECR, TRIGGERS, profile, request, traffic
from tests.fakes import parameters
from tests.fakes.accounts import ELSEWHERE, IN_ANOTHER_ACCOUNT
from tests.fakes.cloud import Refusal
from tests.fakes.service import Document
from tests.slack.conftest import Workspace
from tests.statemachine.runner import World, listening, world
from tools.rights import KEPT_FOR_OLDER

ALIAS = "arn:aws:lambda:us-east-1:123456789012:function:stepcanary-"
PREFIX = {"stepfunctions": "states", "elbv2": "elasticloadbalancing"}
NAMED_OTHERWISE = {"lambda:Invoke": "lambda:InvokeFunction"}

# The releases here go through App Mesh. Whoever does this there does that at the other routers;
# only a plan, which reads the profile and the route, looks at target groups.
OTHER_ROUTERS = {
    "appmesh:DescribeRoute": {
        "elasticloadbalancing:DescribeListeners",
        "elasticloadbalancing:DescribeRules",
        "vpc-lattice:GetListener",
        "vpc-lattice:GetRule",
    },
    "appmesh:UpdateRoute": {
        "elasticloadbalancing:ModifyListener",
        "elasticloadbalancing:ModifyRule",
        "vpc-lattice:UpdateListener",
        "vpc-lattice:UpdateRule",
    },
    "appmesh:DescribeVirtualNode": {
        "elasticloadbalancing:DescribeTargetHealth",
        "vpc-lattice:ListTargets",
    },
    "appmesh:ListTagsForResource": {
        "elasticloadbalancing:DescribeTags",
        "vpc-lattice:ListTagsForResource",
    },
    "ssm:GetParameters": {
        "elasticloadbalancing:DescribeTargetGroups",
        "vpc-lattice:GetTargetGroup",
    },
    "ecs:DescribeServiceRevisions": {"elasticloadbalancing:DescribeTargetGroupAttributes"},
}

LATER = "2027-01-01T00:00:00Z"
LOGIN = "cognito-idp:DescribeUserPoolClient"

# Permissions that no API call of the same name stands for.
WITHOUT_A_CALL = {
    LOGIN,  # ELB asks for it when a rule that logs in is written
    "iam:PassRole",  # ECS asks for it when a task definition or a service names a role
    "ecs:TagResource",  # asked for when RegisterTaskDefinition carries tags
}

ASKED_BESIDE = {
    "application-autoscaling:RegisterScalableTarget": {
        "ecs:DescribeServices",
        "ecs:UpdateService",
    },
}
"""What AWS asks whether the caller may do as well; see
https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_permission_validation.html
"""

# The API knows no resource for these, or the name of the resource is not known beforehand.
ON_EVERYTHING = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScheduledActions",
    "cloudwatch:DescribeAlarms",  # composite alarms need it
    "cloudwatch:DescribeAlarmHistory",
    "cloudwatch:GetMetricData",  # it cannot be confined to metrics
    "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTasks",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
    "logs:TestMetricFilter",
    "servicediscovery:DiscoverInstances",
}


WHAT_A_SERVICE_IS = {
    "appmesh",
    "application-autoscaling",
    "cloudwatch",
    "ecs",
    "elasticloadbalancing",
    "servicediscovery",
    "vpc-lattice",
}
"""What a service consists of is called with the access of its account."""

REACHED_FROM_OUTSIDE = [
    "SignalReleaseFunction",
    "StartOnImageFunction",
    "PromoteOnImageFunction",
    "PromoteOnPipelineFunction",
    "IndexProfilesFunction",
    "WatchReleasesFunction",
    "RelayAlarmFunction",
    "CountRequestsFunction",
    "AnswerSlackFunction",
    "PostToSlackFunction",
    "WriteReportFunction",
    "GuardDeletionFunction",
]

# The default quota of IAM, per role.
MOST_MANAGED_POLICIES = 10


def operations(name: str, params: Any) -> list[str]:
    """IAM knows no transaction: it asks for each write in it."""
    if name != "TransactWriteItems":
        return [name]
    return [f"{kind}Item" for write in params["TransactItems"] for kind in write]


def partitions(name: str, params: Any) -> dict[str, set[str]]:
    """Partition keys of the ledger that a call names, by action."""
    if name == "TransactWriteItems":
        named: dict[str, set[str]] = defaultdict(set)
        for write in params["TransactItems"]:
            for kind, one in write.items():
                named[f"dynamodb:{kind}Item"].add(one.get("Key", one.get("Item"))["pk"]["S"])
        return named
    return {f"dynamodb:{name}": {_partition(name, params)}}


def _partition(name: str, params: Any) -> str:
    if name == "Query":
        names = {
            name: placeholder for placeholder, name in params["ExpressionAttributeNames"].items()
        }
        asked = re.search(rf"{names['pk']} = (:\w+)", params["KeyConditionExpression"])
        assert asked is not None
        return str(params["ExpressionAttributeValues"][asked[1]]["S"])
    return str((params.get("Key") or params["Item"])["pk"]["S"])


class OneByOne:
    """A pool that stays on the thread of the function that is being watched."""

    def __init__(self, _size: int) -> None:
        self.map = map

    def __enter__(self) -> "OneByOne":
        return self

    def __exit__(self, *_: object) -> None:
        return None


@dataclass
class Calls:
    """Actions by function, the ledger's partitions by function and action, and what was published,
    as source and detail type."""

    actions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    keys: dict[tuple[str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    published: set[tuple[str, str]] = field(default_factory=set)


@pytest.fixture(scope="module")
def seen() -> Calls:
    """What functions call, over releases that together do all that there is to do."""
    calls = Calls()
    # Two executions may be at work at once, each on its thread.
    here_and_now = threading.local()

    def stack_of() -> list[str]:
        names: list[str] = here_and_now.__dict__.setdefault("names", [])
        return names

    def record(model: Any, params: Any, **_: Any) -> None:
        service = model.service_model.service_name
        if running := stack_of():
            for name in operations(model.name, params):
                action = f"{PREFIX.get(service, service)}:{name}"
                calls.actions[running[-1]].add(NAMED_OTHERWISE.get(action, action))
            if model.name == "PutEvents":
                calls.published |= {(e["Source"], e["DetailType"]) for e in params["Entries"]}
            if service == "dynamodb":
                for action, keys in partitions(model.name, params).items():
                    calls.keys[running[-1], action] |= keys

    def do(*ways: Callable[[World], None]) -> None:
        """In a world of its own."""
        with world() as here, patch.object(routes, "ThreadPoolExecutor", OneByOne):
            for name, handler in list(here.handlers.items()):

                def traced(
                    event: Any, context: Any, name: str = name, handler: Any = handler
                ) -> Any:
                    # Each function has a process of its own.
                    roles.forget()
                    stack_of().append(name)
                    try:
                        return handler(event, context)
                    finally:
                        stack_of().pop()

                here.handlers[name] = traced
            warm = patch.dict(os.environ, KEPT_WARM=f"{ALIAS}relay-alarm:live {ALIAS}revert:live")
            with listening("provide-client-params.*.*", record), warm:
                for way in ways:
                    way(here)

    do(
        _tidy_in_every_way,
        _release_in_every_way,
        _meet_others_in_every_way,
        _scale_in_every_way,
        _release_by_judge,
        _release_by_log,
        _act_in_every_way,
        _chat_in_every_way,
        _report,
    )
    do(_release_elsewhere_in_every_way)
    do(_check_in_every_way)
    for name in MENDING:
        do(partial(_end_while_it_mends, name))
    return calls


def _release_in_every_way(here: World) -> None:
    here.invoke("RelayAlarmFunction", WARM)
    # A promote that comes before anything waits is obeyed by the first bake.
    here.clock.after(12, lambda: here.signal("promote"))
    assert here.release(version(2)).state == "Released"
    # An alarm that fires in a bake, and one whose event is lost and that clears again.
    here.clock.after(100, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    assert here.release(version(3), "alarmed").state == "Reverted"
    here.cloud.set_alarm("example2-5xx", "OK")
    # One that fires while the primary is replaced, and one that fires and clears after the weights
    # have returned, while requests go on.
    here.clock.after(1_040, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    assert here.release(version(3), "alarmed-as-it-rolls").state == "Reverted"
    here.cloud.set_alarm("example2-5xx", "OK")
    here.clock.after(1_110, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    here.clock.after(1_115, lambda: here.cloud.set_alarm("example2-5xx", "OK"))
    assert here.release(version(3), "alarmed-at-the-end").state == "Reverted"
    here.lost.add("RelayAlarmFunction")
    here.clock.after(100, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    here.clock.after(130, lambda: here.cloud.set_alarm("example2-5xx", "OK"))
    assert here.release(version(3), "blip").state == "Reverted"
    # The same seen by the sweep, which also looks for foreign writes.
    here.clock.after(100, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    here.clock.after(130, lambda: here.cloud.set_alarm("example2-5xx", "OK"))
    here.clock.after(140, lambda: here.invoke("ReconcileFunction", {}))
    assert here.release(version(3), "swept").state == "Reverted"
    here.clock.after(100, lambda: here.cloud.write_foreign(40))
    here.clock.after(110, lambda: here.invoke("ReconcileFunction", {}))
    assert here.release(version(3), "moved-in-a-bake").state == "Reverted"
    # A signal that comes while nothing waits, a promotion that fails, a retry in vain.
    here.cloud.broken_images = {("example1", "shop:v3")}
    here.clock.after(2_000, lambda: here.signal("retry"))
    assert here.release(version(3), "failed").state == "Reverted"
    here.clock.after(12, lambda: here.signal("revert"))
    assert here.release(version(3), "signalled").state == "Reverted"
    here.cloud.broken_images = set()
    # Somebody moves the split: while the primary is replaced, and while the way back settles.
    here.clock.after(1_045, lambda: here.cloud.write_foreign(40))
    assert here.release(version(3), "meddled").state == "Reverted"
    here.clock.after(90, lambda: here.signal("revert"))
    here.clock.after(100, lambda: here.cloud.write_foreign(40))
    assert here.release(version(3), "moved").state == "Reverted"
    # Executions that die: in a bake, and while the primary is replaced.
    for seconds, name in ((100, "dead"), (1_040, "dead-promotion")):
        arn = here.start_and_stop(version(3), name, seconds)
        here.wait(arn)
        here.pass_minutes(3)
        assert here.records()[name] in ("Reverted", "Released")
    here.lost.add("ReconcileFunction")
    here.wait(here.start_and_stop(version(4), "dead-before", 1_040))
    assert here.release(version(5), "too-early").state == "Rejected"
    here.clock.sleep(60)
    # What the dead release has brought to the primary is in doubt: the old version comes first.
    here.cloud.set_alarm("example2-5xx", "ALARM")
    here.cloud.set_alarm("example2-5xx", "OK")
    assert here.release(version(5), "in-doubt").state == "Rejected"
    here.clock.sleep(60)
    assert here.release(version(5), "next").state == "Released"


def _meet_others_in_every_way(here: World) -> None:
    # Somebody else writes the route, and then the alarm fires: the note of it is kept.
    here.clock.after(95, lambda: here.cloud.write_foreign(40))
    here.clock.after(96, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    assert here.release(version(3), "moved-and-alarmed").state == "Reverted"
    here.cloud.set_alarm("example2-5xx", "OK")
    # The sweep lends the traffic to the canary while the router follows, and the release reverts
    # when the primary serves again.
    here.clock.after(25, lambda: here.cloud.lose_tasks("example1", heals_after=8))
    here.clock.after(28, lambda: here.invoke("ReconcileFunction", {}))
    assert here.release(version(3), "lent-in-a-bake").state == "Reverted"
    """Revisions are deregistered and tasks die, at every act that looks."""
    here.lost.discard("ReconcileFunction")
    here.pass_minutes(5)

    def deregister() -> None:
        here.cloud.deregister(here.cloud.services["example1"]["taskDefinition"])

    def redeploy(service: str) -> None:
        here.cloud.deploy_foreign(service, same_revision=True)

    def die_in(seconds: float, name: str, number: int) -> None:
        here.wait(here.start_and_stop(version(number), name, seconds))

    # There is no way back but to a copy: before the release, and since its first bake.
    deregister()
    assert here.release(version(10), "copied").state == "Released"
    here.cloud.broken_images = {("example1", f"shop:v{n}") for n in (11, 12)}
    here.clock.after(100, deregister)
    here.clock.after(2_000, lambda: here.signal("revert"))
    assert here.release(version(11), "copied-late").state == "Reverted"
    here.clock.after(100, deregister)
    die_in(1_040, "copied-by-the-sweep", 12)
    here.pass_minutes(5)
    assert here.records()["copied-by-the-sweep"] == "Reverted"
    here.lost.add("ReconcileFunction")
    here.clock.after(100, deregister)
    die_in(1_040, "copied-by-the-next", 13)
    here.clock.sleep(60)
    here.cloud.set_alarm("example2-5xx", "ALARM")
    here.cloud.set_alarm("example2-5xx", "OK")
    assert here.release(version(14), "comes-too-early").state == "Rejected"
    here.lost.discard("ReconcileFunction")
    here.pass_minutes(5)
    assert here.records()["copied-by-the-next"] == "Reverted"
    # A copy that nothing runs goes with the release, whoever closes it.
    deregister()
    die_in(100, "taken-down-by-the-sweep", 14)
    here.pass_minutes(3)
    assert here.records()["taken-down-by-the-sweep"] == "Reverted"
    here.lost.add("ReconcileFunction")
    deregister()
    die_in(100, "taken-down-by-the-next", 14)
    assert here.release(version(14), "next-of-the-dead").state == "Released"
    assert here.records()["taken-down-by-the-next"] == "Reverted"
    here.lost.discard("ReconcileFunction")
    # Tasks of the canary die when it is judged, and while the primary is replaced.
    for number, seconds in ((15, 1_020), (16, 1_036)):
        here.clock.after(seconds, lambda: here.cloud.lose_tasks("example2", 1, heals_after=30))
        assert here.release(version(number), f"short-at-{seconds}").state == "Released"
    # Somebody deploys a side by its tags, and anew just before each act that looks at it.
    here.cloud.ecs_update("example1", here.cloud.register("example1", "shop:v20"))
    here.clock.sleep(60)
    for name in ("DeployCanary", "CheckDeployment", "ShiftWeight", "JudgeCanary", "PromotePrimary"):
        _once_before(here, f"{name}Function", lambda: redeploy("example1"))
    for name in ("ReturnTraffic", "CloseRelease"):
        _once_before(here, f"{name}Function", lambda: redeploy("example2"))
    here.clock.after(90, lambda: redeploy("example1"))
    here.clock.after(95, lambda: here.invoke("ReconcileFunction", {}))
    assert here.release(version(22), "deployed-anew").state == "Released"
    # A bake is repeated for want of data.
    here.clock.after(200, lambda: here.cloud.set_alarm("example2-5xx", "INSUFFICIENT_DATA"))
    here.clock.after(500, lambda: here.cloud.set_alarm("example2-5xx", "OK"))
    assert here.release(version(21), "baked-again").state == "Released"
    # Tasks of the primary die, all or one, just as it gets its traffic back.
    here.clock.after(95, lambda: here.cloud.lose_tasks("example1", heals_after=60))
    here.clock.after(100, lambda: here.signal("revert"))
    assert here.release(version(17), "lent").state == "Reverted"
    here.clock.after(95, lambda: here.cloud.lose_tasks("example1", 1, heals_after=60))
    here.clock.after(100, lambda: here.signal("revert"))
    assert here.release(version(17), "short-at-rest").state == "Reverted"
    here.pass_minutes(5)


def _scale_in_every_way(here: World) -> None:
    """Autoscaling of both sides, and what others do to their counts."""
    for side in ("example1", "example2"):
        here.cloud.scale_by_traffic(side, 0, 40)
    here.cloud.act_at("example1", 100, 1, 40)
    here.clock.after(200, lambda: here.invoke("ReconcileFunction", {}))
    # The canary scales out at 100 %, and once more while the primary is replaced.
    _once_before(
        here, "PromotePrimaryFunction", lambda: here.cloud.set_bounds("example2", 3, 40), seconds=20
    )
    _once_before(
        here, "ReturnTrafficFunction", lambda: here.cloud.set_bounds("example2", 4, 40), seconds=20
    )
    # Somebody takes tasks of the primary, and the canary cannot be scaled in for a while.
    _once_before(here, "ConfirmRestFunction", lambda: here.cloud.set_bounds("example1", 1, 1))
    _refuse_until_closed(here, "application-autoscaling.RegisterScalableTarget")
    assert here.release(version(30), "scaled").state == "Released"
    here.pass_minutes(25)
    here.cloud.scalable.pop("example2")
    _refuse_until_closed(here, "ecs.UpdateService")
    assert here.release(version(36), "stays-a-while").state == "Released"
    here.cloud.before_call = lambda _name, _params: None
    # Somebody takes tasks while the old version comes back, and while the new one does.
    _give_tasks(here)
    here.cloud.broken_images = {("example1", "shop:v29")}
    failed = request(images={"app": "shop:v29"}, profile=profile(promotion={"gate_seconds": 120}))
    _once_before(here, "RestorePrimaryFunction", lambda: here.cloud.set_bounds("example1", 1, 1))
    assert here.release(failed, "taken-as-it-fails").state == "Reverted"
    here.cloud.broken_images = set()
    _give_tasks(here)
    _once_before(here, "PromotePrimaryFunction", _once_checked(here))
    assert here.release(version(35), "taken-as-it-rolls").state == "Released"
    _give_tasks(here)
    # A canary that was reverted is kept, and the next release takes it over.
    here.clock.after(200, lambda: here.signal("revert"))
    kept = request(images={"app": "shop:v31"}, profile=profile(keep_failed_seconds=3_600))
    assert here.release(kept, "kept").state == "Reverted"
    assert here.release(version(32), "takes-over").state == "Released"
    # Others' executions die, and leave their floors to help from outside.
    here.wait(here.start_and_stop(version(33), "dead-and-held", 200))
    here.pass_minutes(3)
    assert here.records()["dead-and-held"] == "Reverted"
    here.lost.add("ReconcileFunction")
    here.wait(here.start_and_stop(version(33), "dead-and-held-still", 200))
    assert here.release(version(34), "after-the-held").state == "Released"
    here.lost.discard("ReconcileFunction")
    # Something starts the canary again, which the sweep scales in.
    here.cloud.services["example2"]["desiredCount"] = 1
    here.pass_minutes(5)
    here.cloud.scalable.clear()


def _release_by_judge(here: World) -> None:
    """Both sides are compared, at the end of a bake and from outside."""
    steps = [{"weight": 20, "bake_seconds": 600}]
    judged = profile(steps=steps, judge={})
    released = request(images={"app": "shop:v50"}, profile=judged)
    assert here.release(released, "judged").state == "Released"
    here.cloud.bad = lambda side, _at: 0.2 if side == "canary" else 0.001
    here.clock.after(300, lambda: here.invoke("WatchReleasesFunction", {}))
    worse = request(images={"app": "shop:v51"}, profile=judged)
    assert here.release(worse, "judged-worse").state == "Reverted"
    assert here.ask("check", request=worse)["releasable"]
    # Their tolls are counted, one of them at the second try.
    here.clock.sleep(300)
    _refuse_once(here, "cloudwatch.GetMetricData")
    for _ in range(2):
        here.invoke("WatchReleasesFunction", {})
        here.clock.sleep(60)
    # A judge that is changed in between is estimated anew, and the release refused.
    name = "/stepcanary/profiles/checkout"
    here.cloud.parameters[name] = json.dumps(judged)
    other = json.dumps({**judged, "judge": {"metrics": [{"kind": "errors"}]}})
    _once_before(here, "OpenReleaseFunction", lambda: here.cloud.parameters.update({name: other}))
    stored = {"service": "checkout", "images": {"app": "shop:v52"}}
    assert here.release(stored, "judged-anew").state == "Rejected"
    here.cloud.parameters[name] = json.dumps(profile())


MENDING = (
    "ShiftWeightFunction",
    "JudgeCanaryFunction",
    "ReturnTrafficFunction",
    "ConfirmRestFunction",
)
"""They put up a subscription filter again that is gone."""


def _logged(here: World, group: str) -> Document:
    """A profile whose judge reads this log group, into which both sides write."""
    here.cloud.log_requests(group, every=20)
    here.cloud.bad = lambda _side, _at: 0.0
    log = {"group": group, "status": "status", "filter": "{ $.status = * }"}
    steps = [{"weight": weight, "bake_seconds": 60} for weight in (20, 60, 100)]
    return profile(steps=steps, judge={"metrics": [{"kind": "logs", "log": log}]})


def _end_while_it_mends(name: str, here: World) -> None:
    """Help from outside is faster than a function that puts up a filter again."""
    group = "/ecs/checkout"
    ends = request(images={"app": "shop:v60"}, profile=_logged(here, group))

    def lose() -> None:
        here.cloud.log_filters[group].clear()
        here.cloud.before_call = end

    def end(call: str, _params: Any) -> None:
        if call == "logs.PutSubscriptionFilter":
            here.cloud.before_call = lambda _name, _params: None
            # On a thread of its own, for it is nothing that the function calls.
            helper = threading.Thread(target=here.steal, args=("Reverted",))
            helper.start()
            helper.join()

    _once_before(here, name, lose)
    here.release(ends, "logged-and-ended")
    assert here.cloud.log_filters[group] == {}


def _release_by_log(here: World) -> None:
    """Lines of the canary's log are counted, and a filter that is gone is put up again."""
    group = "/ecs/checkout"
    logged = _logged(here, group)
    for name in MENDING:
        _once_before(here, name, here.cloud.log_filters[group].clear)
    here.clock.after(80, lambda: here.invoke("WatchReleasesFunction", {}))
    assert here.release(request(images={"app": "shop:v60"}, profile=logged), "logged").state == (
        "Released"
    )
    here.cloud.bad = lambda side, _at: float(side == "canary")
    assert here.ask("check", request=request(images={"app": "shop:v61"}, profile=logged))
    bad = request(images={"app": "shop:v61"}, profile=logged)
    assert here.release(bad, "logged-bad").state == "Reverted"
    # It turns bad while the primary is replaced, which is asked for the tasks that serve.
    here.cloud.bad = lambda _side, _at: 0.0

    def turn_bad() -> None:
        here.cloud.bad = lambda side, _at: float(side == "canary")

    _once_before(here, "PromotePrimaryFunction", turn_bad)
    late = request(images={"app": "shop:v63"}, profile=logged)
    assert here.release(late, "logged-as-it-rolls").state == "Reverted"
    here.cloud.bad = lambda _side, _at: 0.0
    # What others leave behind: a release that was forgotten, and executions that die.
    left = "stepcanary/forgotten/logs"
    put = {**here.cloud.called("PutSubscriptionFilter")[0], "filterName": left}
    here.cloud.log_filters[group][left] = put
    here.wait(here.start_and_stop(bad, "logged-dead", 100))
    here.pass_minutes(3)
    here.lost.add("ReconcileFunction")
    here.wait(here.start_and_stop(bad, "logged-dead-still", 100))
    again = request(images={"app": "shop:v62"}, profile=logged)
    assert here.release(again, "logged-next").state == "Released"
    here.lost.discard("ReconcileFunction")
    here.pass_minutes(5)
    assert here.cloud.log_filters[group] == {}


def _refuse_once(here: World, call: str) -> None:
    def refuse(name: str, _params: Any) -> None:
        if name == call:
            here.cloud.before_call = lambda _name, _params: None
            raise Refusal("AccessDeniedException", "not yet")

    here.cloud.before_call = refuse


def _refuse_until_closed(here: World, call: str) -> None:
    """AWS refuses it from when the canary is retired."""
    retiring: list[bool] = []

    def refuse(name: str, _params: Any) -> None:
        if name == call and retiring:
            raise Refusal("AccessDeniedException", "not yet")

    _once_before(here, "RetireCanaryFunction", lambda: retiring.append(True))
    _once_before(here, "CloseReleaseFunction", retiring.clear)
    here.cloud.before_call = refuse


def _give_tasks(here: World) -> None:
    here.cloud.set_bounds("example1", 1, 40)
    here.cloud.set_desired("example1", 4)
    here.clock.sleep(30)


def _once_checked(here: World) -> Callable[[], None]:
    """Lets the next look at a deployment find fewer tasks."""
    take = lambda: here.cloud.set_bounds("example1", 1, 1)  # noqa: E731
    return lambda: _once_before(here, "CheckDeploymentFunction", take)


def _once_before(here: World, name: str, do: Callable[[], None], seconds: float = 0) -> None:
    """Something happens right before a function runs, or so many seconds earlier."""
    handler = here.handlers[name]

    def first(event: Any, context: Any) -> Any:
        here.handlers[name] = handler
        do()
        here.clock.sleep(seconds)
        return handler(event, context)

    here.handlers[name] = first


def _act_in_every_way(here: World) -> None:
    """What people, pipelines and events do."""
    changed = profile(repositories=FROM_ECR, triggers=TRIGGERS, concurrency="supersede")
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(changed)
    here.invoke("IndexProfilesFunction", {})

    def act(action: str, **more: Any) -> None:
        number = len(here.cloud.calls)
        document = {"service": "checkout", "action": action, **more}
        here.wait(here.start(document, f"{action}-{number}"))

    def push(function: str, tag: str, time: str = LATER) -> None:
        event = json.loads((template.ROOT / "events/start_on_image.json").read_text())
        event["detail"]["image-tag"] = tag
        event["time"] = time
        here.invoke(function, event)

    # By the file of a build; paused and resumed; promoted by a push and by a pipeline; superseded.
    image = [{"name": "app", "imageUri": "shop:v6"}]
    newer: list[str] = []
    pipeline = {
        "id": "p1",
        "time": LATER,
        "detail": {"pipeline": "checkout-main", "state": "SUCCEEDED"},
    }
    here.clock.after(96, lambda: act("pause"))
    here.clock.after(97, lambda: act("resume"))
    here.clock.after(98, lambda: _ask_in_every_way(here))
    here.clock.after(99, lambda: act("status"))
    here.clock.after(100, lambda: here.invoke("PromoteOnPipelineFunction", pipeline))
    assert here.wait(here.start(image, "by-file")).state == "Released"
    here.clock.after(99, lambda: act("pause"))
    here.clock.after(100, lambda: push("PromoteOnImageFunction", "main-1"))
    here.clock.after(101, lambda: newer.append(here.start(version(8), "newer")))
    here.wait(here.start(version(7), "superseded"))
    assert here.wait(newer[0]).state == "Released"
    # One that waits in vain: an alarm is on when its turn comes.
    here.lost.add("RelayAlarmFunction")
    here.clock.after(101, lambda: newer.append(here.start(version(9), "in-vain")))
    here.clock.after(102, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    here.wait(here.start(version(7), "in-front"))
    assert here.wait(newer[1]).state == "Rejected"
    here.cloud.set_alarm("example2-5xx", "OK")
    act("status")
    # Its canary grows with a primary that scales out meanwhile.
    here.clock.after(5, lambda: here.cloud.autoscale("example1", 2))
    act("rollback")
    act("shift", weight=0)
    here.cloud.services["example2"]["desiredCount"] = 2
    here.clock.sleep(60)
    act("shift", weight=10)
    act("shift", weight=0)
    # Of before a release that somebody has asked for otherwise, and of after it.
    before = here.clock.now() - timedelta(seconds=800)
    push("StartOnImageFunction", "canary-0", before.isoformat())
    push("StartOnImageFunction", "canary-1")
    push("StartOnImageFunction", "canary-2")
    for execution in here.sfn.list_executions(stateMachineArn=here.machine)["executions"]:
        here.wait(execution["executionArn"])
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(profile())
    here.invoke("IndexProfilesFunction", {})


def _check_in_every_way(here: World) -> None:
    """Before any release, so that what runs is looked at."""
    here.cloud.scale_by_traffic("example1", 1, 40)
    assert here.ask("check", request=version(98))["releasable"]
    assert here.ask("check", request={"service": "checkout"})["releasable"]


def _ask_in_every_way(here: World) -> None:
    here.ask("status", service="checkout")
    here.ask("status")
    here.ask("history", service="checkout")
    here.ask("show", release="checkout")
    assert here.ask("preview", request={"service": "checkout"}, budget=1_000)["steps"]
    assert here.ask("counts", request={"service": "checkout"})["minutes"]
    here.ask("rows", release="checkout")
    assert not here.ask("check", request=version(98))["releasable"]
    unknown = {"question": "status", "service": "nobody"}
    assert "have one: checkout" in here.invoke("AnswerQuestionFunction", unknown)["cause"]


def _chat_in_every_way(here: World) -> None:
    here.cloud.secrets["slack"] = json.dumps(SECRET)
    allowed = profile(slack_users={"status": ["*"], "revert": ["*"]})
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(allowed)
    event = json.loads((template.ROOT / "events/announce_release.json").read_text())
    with Workspace(here) as slack:
        here.set_parameters(SlackChannel=CHANNEL)
        with patch.dict(os.environ, {"SLACK_API": slack.api}):
            here.invoke("AnnounceReleaseFunction", event)
            here.invoke("PostToSlackFunction", event)
            # With what the log of a release has counted.
            logged = json.loads(json.dumps(event).replace("release-1", "logged"))
            here.invoke("PostToSlackFunction", logged)
            # Each function has a process of its own, and reads the secret in it.
            clients.secrets().clear_cache()  # type: ignore[no-untyped-call]
            assert "no release is running" in slack.do("status checkout")
            assert "no release of checkout is running" in slack.do("revert checkout")


def _report(here: World) -> None:
    """Of the last release."""
    bucket = parameters.PARAMETERS["ReportBucket"]
    clients.s3().create_bucket(Bucket=bucket)
    last = here.ask("show", release="checkout")["execution"]
    event = json.loads((template.ROOT / "events/write_report.json").read_text())
    event["detail"]["execution"] = last
    here.invoke("WriteReportFunction", event)
    assert clients.s3().list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def _tidy_in_every_way(here: World) -> None:
    """Old versions go while a release runs, and a stack that somebody deletes is kept for it."""
    event = json.loads((template.ROOT / "events/remove_versions.json").read_text())
    for function in event["functions"]:
        here.cloud.publish(function, 1, 2, 3, 4)
    asked = json.loads((template.ROOT / "events/guard_deletion.json").read_text())

    def tidy() -> None:
        here.invoke("RemoveVersionsFunction", event)
        here.cloud.stack_status = "DELETE_IN_PROGRESS"
        with patch.object(cloudformation, "answer"):
            here.invoke("GuardDeletionFunction", asked)
        here.signal("revert")

    here.clock.after(100, tidy)
    assert here.release(version(40), "kept-from-deletion").state == "Reverted"


def _release_elsewhere_in_every_way(here: World) -> None:
    """The service is in another account, from which every function calls it."""
    here.cloud.accounts.move()
    route = traffic(mesh_owner=ELSEWHERE)
    there = profile(
        traffic=route, account=IN_ANOTHER_ACCOUNT, promotion={"gate_seconds": 60, "approval": False}
    )
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(there)
    here.cloud.broken_images = {("example1", "shop:v41")}
    assert here.release(version(41), "failed-there").state == "Reverted"
    here.cloud.broken_images = set()
    assert here.release(version(42), "there").state == "Released"
    here.clock.after(200, lambda: here.signal("revert"))
    assert here.release(version(44), "reverted-there").state == "Reverted"
    here.wait(here.start({"service": "checkout", "action": "status"}, "status-there"))
    here.ask("check", request=version(45))
    here.wait(here.start_and_stop(version(43), "dead-there", 100))
    here.pass_minutes(3)


def version(number: int) -> dict[str, Any]:
    return request(images={"app": f"shop:v{number}"})


def policies(function: str) -> list[Any]:
    """Those of the function's own, and the names of those that it shares."""
    theirs: list[Any] = template.document()["Resources"][function]["Properties"]["Policies"]
    return theirs


def documents(function: str) -> list[dict[str, Any]]:
    resources = template.document()["Resources"]
    shared = [
        resources[policy]["Properties"]["PolicyDocument"] if isinstance(policy, str) else policy
        for policy in policies(function)
    ]
    beside = [
        resource["Properties"]["PolicyDocument"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::IAM::Policy"
        and name != "UseKey"
        and f"{function}Role" in resource["Properties"]["Roles"]
    ]
    return [*shared, *beside]


def granted(function: str) -> dict[str, Any]:
    """Action to resource, from the template."""
    return {
        action: statement["Resource"]
        for document in documents(function)
        for statement in template.statements(document)
        for action in statement["Action"]
    }


def test_what_is_granted_is_called_and_what_is_called_is_granted(seen: Calls) -> None:
    """All functions in one test: what they call takes half a minute to find out."""
    wrong = {f.name: found for f in template.functions() if (found := _not_exact(seen, f.name))}
    assert wrong == {}


def _not_exact(seen: Calls, function: str) -> set[str]:
    """Actions that are granted or called, and not both."""
    theirs = seen.actions[function]
    looking = theirs if "appmesh:DescribeRoute" in theirs else theirs - {"ssm:GetParameters"}
    others = {
        action
        for ours in looking
        for action in OTHER_ROUTERS.get(ours, set()) | ASKED_BESIDE.get(ours, set())
    }
    beside = {
        f"{action} on {key}"
        for action, allowed in _partitions_granted(function).items()
        for key in _outside(seen.keys[function, action], allowed)
    }
    kept = KEPT_FOR_OLDER.get(function, set())
    needless = kept & theirs
    counted = set(granted(function)) - WITHOUT_A_CALL - kept
    return (counted ^ (theirs | others)) | beside | needless


def _partitions_granted(function: str) -> dict[str, set[str]]:
    """Patterns of the partition keys that the function may name, by action."""
    found: dict[str, set[str]] = defaultdict(set)
    for document in documents(function):
        for statement in template.statements(document):
            condition = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
            for action in statement["Action"]:
                if action.startswith("dynamodb:"):
                    found[action] |= set(condition.get("dynamodb:LeadingKeys", ["*"]))
    return found


def _outside(keys: set[str], patterns: set[str]) -> set[str]:
    return {key for key in keys if not any(fnmatchcase(key, each) for each in patterns)}


READS = re.compile(r"[a-z-]+:(Describe|Get|List|Query|Discover|Test)")


def test_who_answers_questions_may_only_read() -> None:
    """In another account it assumes the same role as a release, for a session that only reads."""
    actions = set(granted("AnswerQuestionFunction"))
    assert {action for action in actions if not READS.match(action)} == {"sts:AssumeRole"}
    statement = json.loads(roles.READS)["Statement"]
    assert len(roles.READS) < 2_048
    assert all(READS.match(action) for action in statement["Action"])
    inside = {action for action in actions if action.partition(":")[0] in WHAT_A_SERVICE_IS}
    assert {a for a in inside if not any(fnmatchcase(a, r) for r in statement["Action"])} == set()


def test_who_is_reached_from_outside_has_no_partition_to_spare(seen: Calls) -> None:
    for function in REACHED_FROM_OUTSIDE:
        for action, allowed in _partitions_granted(function).items():
            assert "*" not in allowed, (function, action)
            keys = seen.keys[function, action]
            unused = {each for each in allowed if _outside(keys, {each}) == keys}
            assert unused == set(), (function, action)


def test_a_release_publishes_its_own_events_and_no_signal(seen: Calls) -> None:
    resources = template.document()["Resources"]
    [statement] = resources["PublishEvents"]["Properties"]["PolicyDocument"]["Statement"]
    confined = statement["Condition"]["StringEquals"]
    others = {"WriteReportFunction": "Release Report", "WatchReleasesFunction": "Release Counted"}
    of_releases = [kind for kind in get_args(DetailType) if kind not in others.values()]
    assert confined == {"events:source": ["stepcanary"], "events:detail-type": of_releases}
    assert seen.published == {("stepcanary", kind) for kind in get_args(DetailType)}
    # What an end or a count leads to may tell of neither; and nobody publishes otherwise.
    for function, kind in others.items():
        *_, policy = resources[function]["Properties"]["Policies"]
        [own] = [each for each in policy["Statement"] if "events:PutEvents" in each["Action"]]
        assert own["Condition"]["StringEquals"] == {**confined, "events:detail-type": [kind]}
    assert json.dumps(template.document()).count("events:PutEvents") == 1 + len(others)


def test_the_other_routers_call_just_that(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = set()
    for kind in ALL:
        for route in kind.routes.values():
            stand = kind()
            connect(monkeypatch, stand.fake, *stand.services)
            router = router_for(stand.place(route))
            reading = router.read()
            router.check(reading)
            router.drain_seconds(reading)
            router.tags()
            force(router, 50)
            router.healthy_targets("canary")
            calls |= {name for name, _ in stand.fake.calls}
    actions = {f"{PREFIX.get(s, s)}:{call}" for s, call in (c.split(".") for c in calls)}
    assert set().union(*OTHER_ROUTERS.values()) == {
        action for action in actions if not action.startswith(("appmesh:", "servicediscovery:"))
    }


def test_who_writes_rules_may_have_the_load_balancer_look_up_their_login() -> None:
    """And may not look up the client's secret without it."""
    for function in template.functions():
        actions = granted(function.name)
        assert (LOGIN in actions) == ("elasticloadbalancing:ModifyRule" in actions)
    text = json.dumps(template.document())
    assert text.count(f'"{LOGIN}"') == text.count('"aws:ViaAWSService": true') > 0


@pytest.mark.parametrize("function", [f.name for f in template.functions()])
def test_no_action_on_everything_without_a_reason(function: str) -> None:
    wide = {action for action, resource in granted(function).items() if resource == "*"}
    assert wide <= ON_EVERYTHING


def test_a_policy_of_its_own_is_one_that_several_functions_share() -> None:
    shared = Counter(
        p for f in template.functions() for p in policies(f.name) if isinstance(p, str)
    )
    resources = template.document()["Resources"].items()
    assert set(shared) == {name for name, r in resources if r["Type"] == "AWS::IAM::ManagedPolicy"}
    assert min(shared.values()) > 1


def test_no_role_has_more_policies_than_an_account_allows(transformed: dict[str, Any]) -> None:
    roles = [r for r in transformed.values() if r["Type"] == "AWS::IAM::Role"]
    for role in roles:
        assert len(role["Properties"]["ManagedPolicyArns"]) <= MOST_MANAGED_POLICIES


def test_roles_are_passed_to_ecs_only() -> None:
    text = json.dumps(template.document())
    assert text.count('"iam:PassRole"') == text.count("ecs-tasks.amazonaws.com")
