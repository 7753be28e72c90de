"""What the packaged SDK does not know: a release is refused for it, or says what is lost."""

import json
from typing import Any

import pytest

from emulator import template
from tests.builders import request
from tests.fakes.cloud import Cloud, Document
from tests.fakes.fronts import CLOUDS, DEFAULT_ACTIONS, AlbCloud, LatticeCloud
from tests.statemachine.runner import Outcome, World
from tests.statemachine.test_way_back import at_rest_on
from tests.statemachine.timeline import FIRST_BAKE, LAST_BAKE, PRIMARY_ROLLS

MEMBERS = {
    "appmesh": "route.spec.httpRoute.mirrorPolicy",
    "alb": "Rules[].Actions[].ForwardConfig.mirrorPolicy",
    "lattice": "action.forward.mirrorPolicy",
    "alb listener": "Listeners[].DefaultActions[].ForwardConfig.mirrorPolicy",
    "lattice listener": "defaultAction.forward.mirrorPolicy",
}
FRONTS = {**CLOUDS, **DEFAULT_ACTIONS}
ROUTERS = pytest.mark.parametrize("front", FRONTS, indirect=True)
DEFINITION = "taskDefinition.containerDefinitions[].snapshot"


@pytest.fixture
def front(request: pytest.FixtureRequest, here: World) -> str:
    """The router in front of the services."""
    router: str = request.param
    before = here.cloud
    here.cloud = FRONTS[router](here.clock)
    here.cloud.on_alarm = before.on_alarm
    profile = json.loads(before.parameters["/stepcanary/profiles/checkout"])
    profile["traffic"] = [here.cloud.traffic]
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(profile)
    return router


def let_be_lost(here: World, *paths: str) -> None:
    """Somebody updates the stack with this parameter."""
    here.sfn.update_state_machine(
        stateMachineArn=here.machine, definition=template.definition(", ".join(paths))
    )


def planned(here: World, name: str = "release-1") -> Document:
    """What PlanRelease answered."""
    history = here.sfn.get_execution_history(executionArn=here.arn(name))["events"]
    answers = (
        json.loads(e["taskSucceededEventDetails"]["output"])["Payload"]
        for e in history
        if e["type"] == "TaskSucceeded"
    )
    answer: Document = next(a for a in answers if a.get("accepted") and a["release"])
    return answer


def writes(cloud: Cloud) -> list[str]:
    reads = ("Describe", "Get", "List", "Discover")
    return [n for n, _ in cloud.calls if not n.partition(".")[2].startswith(reads)]


@ROUTERS
def test_a_route_with_an_unknown_member_is_refused_and_left_alone(here: World, front: str) -> None:
    here.cloud.add_member()
    outcome = here.release(request())
    assert outcome.state == "Rejected", outcome
    assert f"has {MEMBERS[front]}, which this stack does not know" in outcome.cause
    assert "update the stack" in outcome.cause
    assert here.cloud.has_member()
    assert writes(here.cloud) == []


@ROUTERS
def test_a_member_that_may_be_lost_is_lost_and_the_plan_says_so(here: World, front: str) -> None:
    here.cloud.add_member()
    let_be_lost(here, "another.one", MEMBERS[front])
    outcome = here.release(request())
    assert outcome.state == "Released", outcome
    assert not here.cloud.has_member()
    release = planned(here)["release"]
    (warning,) = release["warnings"]
    assert f"loses {MEMBERS[front]}" in warning
    assert release["may_be_lost"] == sorted([MEMBERS[front], "another.one"])


@ROUTERS
@pytest.mark.parametrize("seconds", [FIRST_BAKE, LAST_BAKE, PRIMARY_ROLLS])
def test_a_member_that_comes_meanwhile_reverts_and_what_is_lost_is_named(
    here: World, front: str, seconds: float
) -> None:
    here.clock.after(seconds, here.cloud.add_member)
    outcome = here.release(request())
    assert outcome.state == "Reverted", outcome
    assert at_rest_on(here, "shop:v1")
    assert f"has {MEMBERS[front]}, which this stack does not know" in outcome.cause
    assert f"has lost {MEMBERS[front]}" in outcome.cause
    assert "somebody else wrote" in outcome.cause.lower()
    assert not here.cloud.has_member()


@ROUTERS
def test_an_alarm_returns_the_traffic_whatever_the_route_has(here: World, front: str) -> None:
    """The revert is first to see the member."""

    def strike() -> None:
        here.cloud.add_member()
        here.cloud.set_alarm("example2-5xx", "ALARM")

    here.clock.after(FIRST_BAKE, strike)
    outcome = here.release(request())
    assert outcome.state == "Reverted", outcome
    assert here.cloud.weights[-1] == (100, 0)
    assert "alarm example2-5xx" in outcome.cause
    assert f"has lost {MEMBERS[front]}" in outcome.cause


def writes_bring_the_default(here: World, front: str) -> None:
    """AWS does not delete the member, but forgets what it was."""

    def on_write(_primary: int, _canary: int) -> None:
        if front == "appmesh":
            config = next(spec for kind, spec in here.cloud.route.items() if "Route" in kind)
        else:
            assert isinstance(here.cloud, AlbCloud | LatticeCloud)
            written: Any = here.cloud.front.actions[here.cloud.rule]
            config = written[-1]["ForwardConfig"] if "alb" in front else written["forward"]
        config["mirrorPolicy"] = {"percent": 0}

    here.cloud.on_write = on_write


@ROUTERS
def test_a_member_that_a_write_brings_to_its_default_is_lost(here: World, front: str) -> None:
    def strike() -> None:
        here.cloud.add_member()
        writes_bring_the_default(here, front)

    here.clock.after(FIRST_BAKE, strike)
    outcome = here.release(request())
    assert outcome.state == "Reverted", outcome
    assert here.cloud.has_member()
    assert f"has lost {MEMBERS[front]}" in outcome.cause


@ROUTERS
def test_help_from_outside_names_what_it_has_deleted(here: World, front: str) -> None:
    here.clock.after(399, here.cloud.add_member)
    outcome = here.wait(here.start_and_stop(request(), "release-1", 400))
    assert outcome.status == "ABORTED"
    here.pass_minutes(5)
    assert at_rest_on(here, "shop:v1")
    assert here.records() == {"release-1": "Reverted"}
    assert f"has lost {MEMBERS[front]}" in here.causes()["release-1"]


@ROUTERS
def test_a_member_that_comes_when_all_is_done_stays(here: World, front: str) -> None:
    assert here.release(request()).state == "Released"
    here.cloud.add_member()
    here.pass_minutes(3)
    assert here.invoke("ReconcileFunction", {})["stranded"] == []
    assert here.cloud.has_member()


def act(here: World, weight: int) -> Outcome:
    wanted = {"service": "checkout", "action": "shift", "weight": weight, "by": "jane"}
    return here.release(wanted, f"shift-{weight}")


@ROUTERS
def test_a_shift_by_hand_is_refused_and_the_way_back_is_not(here: World, front: str) -> None:
    here.cloud.ecs_update("example2", "example2:1")
    here.cloud.services["example2"]["desiredCount"] = 2
    here.clock.sleep(60)
    here.cloud.add_member()
    refused = act(here, 30)
    assert refused.state == "Rejected"
    assert MEMBERS[front] in refused.cause
    assert here.cloud.has_member()
    here.cloud.write_foreign(30)
    here.cloud.add_member()
    returned = act(here, 0)
    assert here.cloud.split()[1] == 0
    assert not here.cloud.has_member()
    assert returned.status == "SUCCEEDED", returned
    did = here.causes()["shift-0"]
    assert f"has lost {MEMBERS[front]}" in did
    assert did.endswith("by jane (claimed)")


def strange(here: World, side: str, revision: int = 1) -> None:
    """ECS answers this revision with a member that botocore has no shape for."""
    container = here.cloud.definitions[side][revision - 1]["containerDefinitions"][1]
    container["snapshot"] = {"everySeconds": 60}


@pytest.mark.parametrize("side", ["primary", "canary"])
def test_a_task_definition_with_an_unknown_member_is_refused(here: World, side: str) -> None:
    name = {"primary": "example1", "canary": "example2"}[side]
    strange(here, name)
    outcome = here.release(request())
    assert outcome.state == "Rejected", outcome
    assert f"{side}: task definition {name}:1 has {DEFINITION}, which" in outcome.cause
    assert writes(here.cloud) == []
    let_be_lost(here, DEFINITION)
    assert here.release(request(), "release-2").state == "Released"
    (warning,) = planned(here, "release-2")["release"]["warnings"]
    assert f"{side}: task definition {name}:1 loses {DEFINITION}" in warning


def ready(here: World) -> Document:
    """A revision for each side that somebody has registered, by digests and with the member."""
    for side in ("example1", "example2"):
        here.cloud.register(side, "shop:v2")
        strange(here, side, 2)
        for document in here.cloud.definitions[side]:
            for container in document["containerDefinitions"]:
                repository, _, _ = container["image"].partition(":")
                digest = here.cloud.registry.digest(container["image"])
                container["image"] = f"{repository}@{digest}"
    named = {"primary": "example1:2", "canary": "example2:2"}
    return request(images=None, task_definitions=named)


def test_ready_task_definitions_are_deployed_as_they_are(here: World) -> None:
    wanted = ready(here)
    strange(here, "example1")
    outcome = here.release(wanted)
    assert outcome.state == "Released", outcome
    assert planned(here)["release"]["warnings"] == []
    assert here.cloud.view("example1")["taskDefinition"].endswith("example1:2")
    assert "ecs.RegisterTaskDefinition" not in writes(here.cloud)


def test_an_old_version_that_has_to_be_copied_is_refused_for_it(here: World) -> None:
    wanted = ready(here)
    strange(here, "example1")
    here.cloud.deregister("example1:1")
    outcome = here.release(wanted)
    assert outcome.state == "Rejected", outcome
    assert f"primary: task definition example1:1 has {DEFINITION}" in outcome.cause


def test_an_old_version_that_is_needed_comes_back_without_and_it_is_said(here: World) -> None:
    wanted = ready(here)
    strange(here, "example1")
    here.clock.after(LAST_BAKE, lambda: here.cloud.deregister("example1:1"))
    here.cloud.broken_images.add(("example1", "shop:v2"))
    here.clock.after(2_000, lambda: here.signal("revert"))
    outcome = here.release(wanted)
    assert outcome.state == "Reverted", outcome
    assert at_rest_on(here, "shop:v1")
    assert f"the copy of example1:1 has lost {DEFINITION}" in outcome.cause


def test_reserved_tags_and_empty_values_keep_no_release(here: World) -> None:
    """As CloudFormation and App Mesh leave them."""
    for side in ("example1", "example2"):
        definition = here.cloud.definitions[side][0]
        definition["tags"] = [{"key": "aws:cloudformation:stack-name", "value": "shop"}]
        definition["containerDefinitions"][0]["environment"] = [{"name": "EMPTY", "value": ""}]
        definition["proxyConfiguration"] = {
            "containerName": "envoy",
            "properties": [{"name": "EgressIgnoredPorts", "value": ""}],
        }
    assert here.release(request()).state == "Released"
    for side in ("example1", "example2"):
        old, new = here.cloud.definitions[side]
        assert new["proxyConfiguration"] == old["proxyConfiguration"]
        assert new["containerDefinitions"][0]["environment"][0]["value"] == ""
        assert "tags" not in new
