"""Every way in: actions on the one entry, gates, turns, pipelines and events."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from emulator import template
from stepcanary.aws import stepfunctions
from stepcanary.domain.profile import AppMeshTraffic
from stepcanary.errors import RequestRejected
from stepcanary.release.concurrency import plan_in_turn
from stepcanary.store import profiles, queue
from tests.builders import FROM_ECR, PROFILE, TRIGGERS, profile, request
from tests.eventually import within
from tests.fakes.cloud import Document, Refusal
from tests.fakes.fronts import CLOUDS
from tests.statemachine.runner import Outcome, World
from tests.statemachine.timeline import FIRST_BAKE, later, timed

DIGEST = "sha256:7f5b2640fe6fb4f46592dfd3410c4a79dac4f89e4782432e0378abcd12345678"


def act(here: World, action: str, name: str = "", **more: Any) -> Outcome:
    """An execution whose input carries the action."""
    number = len(here.sfn.list_executions(stateMachineArn=here.machine)["executions"])
    wanted = {"service": "checkout", "action": action, **more}
    return here.release(wanted, name or f"{action}-{number}")


def answer(here: World, action: str, **more: Any) -> Document:
    number = len(here.sfn.list_executions(stateMachineArn=here.machine)["executions"])
    name = f"{action}-{number}"
    assert act(here, action, name, **more).state == "Done"
    ended = here.sfn.describe_execution(executionArn=here.arn(name))
    output: Document = json.loads(ended["output"])
    return output


def stored(here: World, **changed: Any) -> None:
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(profile(**changed))
    here.invoke("IndexProfilesFunction", {})


def test_an_action_reaches_the_release_that_runs(here: World) -> None:
    done = later(here, FIRST_BAKE, lambda: answer(here, "revert", by="jane", reason="prices"))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "revert by jane (claimed): prices" in outcome.cause
    assert done[0]["executions"] == [here.arn("release-1")]
    assert here.signals("release-1") == ["revert by jane (claimed): prices"]


@pytest.mark.parametrize("action", ["promote", "revert", "retry", "skip", "pause", "resume"])
def test_an_action_that_makes_no_sense_is_rejected_with_the_reason(
    here: World, action: str
) -> None:
    outcome = act(here, action)
    assert outcome.state == "Rejected"
    assert "no release of checkout is running" in outcome.cause
    assert here.cloud.weights == []


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"service": "checkout", "action": "dance"}, "action: "),
        ({"service": "checkout", "action": 7}, "action: "),
        ({"service": "checkout", "action": "shift"}, "shift has a weight"),
        ({"service": "checkout", "action": "promote", "weight": 3}, "shift has a weight"),
        ({"service": "checkout", "action": "shift", "weight": 101}, "weight"),
        ({"action": "status"}, "service: is missing"),
        ({"service": "nobody", "action": "status"}, "there is no profile"),
        ({"service": "checkout", "action": "rollback", "images": {"app": "a:b"}}, "name none"),
    ],
)
def test_bad_actions_are_rejected_in_words(here: World, wanted: Document, message: str) -> None:
    outcome = here.release(wanted)
    assert outcome.state == "Rejected"
    assert message in outcome.cause


def test_an_action_for_another_execution_is_rejected(here: World) -> None:
    done = later(here, FIRST_BAKE, lambda: act(here, "promote", execution="release-0"))
    assert here.release(request()).state == "Released"
    assert done[0].state == "Rejected"
    assert "release-0 has no release of checkout running" in done[0].cause


def test_skip_ends_one_bake_and_the_next_one_is_baked(here: World) -> None:
    done = later(here, FIRST_BAKE, lambda: act(here, "skip"))
    outcome, seconds = timed(here, lambda: here.release(request()))
    assert outcome.state == "Released"
    assert done[0].state == "Done"
    assert here.cloud.weights == [(95, 5), (50, 50), (0, 100), (100, 0)]
    assert 700 < seconds < 900


def test_skip_is_refused_where_nothing_bakes(here: World) -> None:
    done = later(here, 12, lambda: act(here, "skip"))
    assert here.release(request()).state == "Released"
    assert done[0].state == "Rejected"
    assert "no bake of it is under way" in done[0].cause


@pytest.mark.parametrize("seconds", [12, FIRST_BAKE])
def test_a_pause_holds_the_weight_until_it_is_resumed(here: World, seconds: float) -> None:
    paused = later(here, seconds, lambda: act(here, "pause"))
    seen = later(here, 5_000, lambda: (here.cloud.weight("example2"), answer(here, "status")))
    resumed = later(here, 5_001, lambda: act(here, "resume"))
    outcome, lasted = timed(here, lambda: here.release(request()))
    assert outcome.state == "Released", outcome
    assert [paused[0].state, resumed[0].state] == ["Done", "Done"]
    weight, status = seen[0]
    assert weight == 5
    assert "resume" in status["running"][0]["ends_on"]
    assert status["running"][0]["needs"] == "it waits for a person: promote, resume, revert"
    # The step that was paused is baked anew, and the others follow.
    assert 5_001 + 900 < lasted < 5_001 + 1_200


def test_a_pause_is_withdrawn_before_it_came_to_it(here: World) -> None:
    later(here, 12, lambda: act(here, "pause"))
    resumed = later(here, 14, lambda: act(here, "resume"))
    outcome = here.release(request())
    assert outcome.state == "Released"
    assert resumed[0].state == "Done"
    assert "Pause" not in outcome.path


def test_an_alarm_reverts_a_paused_release(here: World) -> None:
    later(here, FIRST_BAKE, lambda: act(here, "pause"))
    here.clock.after(3_000, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    outcome, lasted = timed(here, lambda: here.release(request()))
    assert outcome.state == "Reverted"
    assert lasted < 3_100


def test_a_pause_that_nobody_ends_reverts(here: World) -> None:
    later(here, FIRST_BAKE, lambda: act(here, "pause"))
    outcome = here.release(request(profile=profile(promotion={"gate_seconds": 3_600})))
    assert outcome.state == "Reverted"
    assert "nobody resumed the release in time" in outcome.cause


STEPS = [
    {"weight": 5, "bake_seconds": 60},
    {"weight": 50, "bake_seconds": 60, "approval": True},
    {"weight": 100, "bake_seconds": 60},
]


@pytest.mark.parametrize(
    ("signal", "on_timeout", "state"),
    [
        ("resume", "revert", "Released"),
        ("promote", "revert", "Released"),
        ("revert", "promote", "Reverted"),
        (None, "revert", "Reverted"),
        (None, "promote", "Released"),
    ],
)
def test_a_step_waits_at_its_gate(
    here: World, signal: str | None, on_timeout: str, state: str
) -> None:
    if signal:
        later(here, 1_000, lambda: act(here, signal, by="jane"))
    promotion = {"gate_seconds": 3_600, "on_timeout": on_timeout}
    wanted = request(profile=profile(steps=STEPS, promotion=promotion))
    outcome, lasted = timed(here, lambda: here.release(wanted))
    assert outcome.state == state, outcome
    assert lasted > (1_000 if signal else 3_600)
    assert outcome.path.count("Gate") == 1


def test_an_alarm_reverts_at_the_gate_of_a_step(here: World) -> None:
    here.clock.after(1_000, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    wanted = request(profile=profile(steps=STEPS, promotion={"gate_seconds": 7_200}))
    outcome, lasted = timed(here, lambda: here.release(wanted))
    assert outcome.state == "Reverted"
    assert "Gate" in outcome.path
    assert lasted < 1_100


def test_status_says_how_the_service_stands(here: World) -> None:
    before = answer(here, "status")
    assert before["did"] == "no release is running"
    assert list(before["splits"].values()) == ["100:0"]
    during = later(here, 400, lambda: answer(here, "status"))
    assert here.release(request(by="jane")).state == "Released"
    running = during[0]["running"][0]
    assert (running["stage"], running["weight"], running["by"]) == (
        "rollout",
        50,
        "jane (claimed)",
    )
    assert running["alive"] is True
    after = answer(here, "status")
    assert (after["last"]["outcome"], after["last"]["execution"]) == (
        "Released",
        here.arn("release-1"),
    )


def test_a_weight_is_shifted_by_hand_and_back(here: World) -> None:
    here.cloud.ecs_update("example2", "example2:1")
    here.cloud.services["example2"]["desiredCount"] = 2
    here.clock.sleep(60)
    before = here.cloud.without_weights()
    message = answer(here, "shift", weight=30, by="jane")["did"]
    assert message == "weights 70:30, were 100:0; by jane (claimed)"
    assert here.cloud.weights == [(70, 30)]
    # It is as somebody wanted it, so nobody is woken up, and no release starts on it.
    assert here.invoke("ReconcileFunction", {})["stranded"] == []
    assert "not at rest" in here.release(request()).cause
    assert answer(here, "shift", weight=0)["did"].startswith("weights 100:0, were 70:30")
    assert here.cloud.without_weights() == before
    assert here.release(request(), "release-2").state == "Released"


@pytest.mark.parametrize("weight", [1, 100])
def test_no_weight_by_hand_for_who_cannot_carry_it(here: World, weight: int) -> None:
    outcome = act(here, "shift", weight=weight)
    assert outcome.state == "Rejected"
    assert "the canary would get traffic, but" in outcome.cause
    assert here.cloud.weights == []
    assert "holder" not in here.lease()


def test_a_shift_by_hand_leaves_a_release_alone(here: World) -> None:
    done = later(here, FIRST_BAKE, lambda: act(here, "shift", weight=0))
    assert here.release(request()).state == "Released"
    assert done[0].state == "Rejected"
    assert "release-1 is releasing on this split" in done[0].cause


def test_a_rollback_goes_back_at_full_speed(here: World) -> None:
    assert here.release(request()).state == "Released"
    # What fires now fires about the version that is to go.
    here.cloud.set_alarm("example2-5xx", "ALARM")
    outcome, lasted = timed(here, lambda: act(here, "rollback", by="jane"))
    assert outcome.state == "Released", outcome
    assert here.cloud.running_image("example1") == "shop:v1"
    assert here.cloud.weights[4:] == [(0, 100), (100, 0)]
    assert lasted < 240


def test_a_rollback_of_task_definitions_takes_those_of_before(here: World) -> None:
    for side in ("example1", "example2"):
        here.cloud.definitions[side].append(
            json.loads(json.dumps(here.cloud.definitions[side][0]).replace("shop:v1", "shop:v2"))
        )
    ready = {"primary": "example1:2", "canary": "example2:2"}
    assert here.release(request(images=None, task_definitions=ready)).state == "Released"
    assert act(here, "rollback").state == "Released"
    assert here.cloud.running_image("example1") == "shop:v1"


def test_without_a_release_there_is_nothing_to_roll_back(here: World) -> None:
    outcome = act(here, "rollback")
    assert outcome.state == "Rejected"
    assert "no release of checkout is in the ledger" in outcome.cause


def test_a_newer_release_supersedes(here: World) -> None:
    stored(here, concurrency="supersede")
    wanted = request(images={"app": "shop:v3"})
    second = later(here, FIRST_BAKE, lambda: here.start(wanted, "release-2"))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "a newer release takes its place" in outcome.cause
    assert here.wait(second[0]).state == "Released"
    assert here.cloud.running_image("example1") == "shop:v3"


def test_of_those_that_queue_the_newest_goes_on(here: World) -> None:
    stored(here, concurrency="queue")
    waiting = [
        later(here, seconds, partial(here.start, request(images={"app": image}), name))
        for seconds, image, name in (
            (FIRST_BAKE, "shop:v2", "release-2"),
            (300, "shop:v3", "release-3"),
        )
    ]
    assert here.release(request(images={"app": "shop:v9"})).state == "Released"
    second, third = (here.wait(arns[0]) for arns in waiting)
    assert second.state == "Rejected"
    assert "newer" in second.cause
    assert third.state == "Released"
    assert here.cloud.running_image("example1") == "shop:v3"


def test_the_newest_goes_on_although_an_older_one_looks_first(here: World) -> None:
    """The split has become free before the older one looks again."""
    stored(here, concurrency="queue")
    (traffic,) = PROFILE["traffic"]
    older, newer = here.arn("older"), here.arn("newer")
    for started_at, execution in enumerate((older, newer)):
        key = AppMeshTraffic.model_validate(traffic).key(execution)
        assert queue.enqueue(key, "checkout", execution, started_at)
    with pytest.raises(RequestRejected, match="newer"):
        plan_in_turn(older, request(), waited=True, begins=True)
    assert plan_in_turn(newer, request(), waited=True, begins=True).accepted


REGISTRY = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("policy", "first", "second"),
    [
        ("queue", "Released", "Released"),
        ("supersede", "Reverted", "Released"),
        ("reject", "Released", "Rejected"),
    ],
)
def test_who_loses_the_split_after_its_plan_asks_for_its_turn(
    here: World, policy: str, first: str, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have planned on a free split, in the same second."""
    monkeypatch.setattr(stepfunctions, "running_since", lambda _execution: 1_000)
    stored(here, concurrency=policy)
    open_release = here.handlers["OpenReleaseFunction"]
    others: list[str] = []

    def overtaken(event: Any, context: Any) -> Any:
        if event["release"]["execution"] == here.arn("release-2") and not others:
            others.append(here.start(request(images={"app": "shop:v9"}), "release-1"))
            within(60)(lambda: here.lease().get("holder", {}).get("S") == others[0])
        return open_release(event, context)

    here.handlers["OpenReleaseFunction"] = overtaken
    loser = here.release(request(images={"app": "shop:v3"}), "release-2")
    assert here.wait(others[0]).state == first
    assert loser.state == second
    assert here.cloud.running_image("example1") == (
        "shop:v9" if second == "Rejected" else "shop:v3"
    )


EXAMPLES = {
    path.stem: json.loads(path.read_text())
    for path in sorted((template.ROOT / "events").glob("execution_*.json"))
    if path.stem != "execution_ended"
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_of_an_input_does_what_it_says(here: World, name: str) -> None:
    if "profile" in EXAMPLES[name]:
        before, router = here.cloud, EXAMPLES[name]["profile"]["traffic"][0]["router"]
        here.cloud = CLOUDS[router](here.clock)
        here.cloud.on_alarm = before.on_alarm
    stored(here, repositories=FROM_ECR, triggers=TRIGGERS)
    for side in ("example1", "example2"):
        older = json.dumps(here.cloud.definitions[side][0])
        newer = [older.replace("shop:v1", f"shop:v{number}") for number in range(2, 9)]
        here.cloud.definitions[side] += [json.loads(text) for text in newer]
    if name == "execution_action":
        promoted = later(here, FIRST_BAKE, lambda: here.release(EXAMPLES[name], "action"))
        assert here.release(request()).state == "Released"
        assert promoted[0].state == "Done"
        return
    if name == "execution_withdraw":
        assert "no release of checkout waits" in here.release(EXAMPLES[name]).cause
        return
    if name == "execution_preview":
        assert here.release(EXAMPLES[name]).state == "Done"
        return
    if name == "execution_rollback":
        assert here.release(request(), "release-7").state == "Released"
        assert here.release(request(images={"app": "shop:v3"}), "release-8").state == "Released"
    outcome = here.release(EXAMPLES[name])
    assert outcome.state == "Released", outcome


@pytest.mark.parametrize("name", ["execution_image_definitions", "execution_image_detail"])
def test_the_file_of_a_build_is_a_request(here: World, name: str) -> None:
    stored(here, repositories=FROM_ECR, triggers=TRIGGERS)
    assert here.release(EXAMPLES[name]).state == "Released"
    assert here.cloud.running_image("example1").startswith(f"{REGISTRY}/shop")


@pytest.mark.parametrize("file", [[], ["x"], [{"name": "app"}], {"ImageURI": 7}])
def test_a_broken_file_is_rejected(here: World, file: Any) -> None:
    stored(here, repositories=FROM_ECR, triggers=TRIGGERS)
    assert here.release(file).state == "Rejected"
    assert here.cloud.weights == []


def test_the_file_of_nobody_s_build_is_rejected(here: World) -> None:
    outcome = here.release([{"name": "app", "imageUri": f"{REGISTRY}/shop@{DIGEST}"}])
    assert outcome.state == "Rejected"
    assert "0 profiles have triggers.repository shop" in outcome.cause


def event(name: str, **detail: Any) -> Document:
    document: Document = json.loads((template.ROOT / "events" / f"{name}.json").read_text())
    return {**document, "detail": {**document["detail"], **detail}}


def deliver(here: World, document: Document, *, late: float = 0) -> None:
    """What happened so many seconds ago."""
    seen = here.clock.now() - timedelta(seconds=late)
    here.bus.deliver({**document, "time": seen.isoformat()})
    here.clock.sleep(0)


def test_a_push_releases_once_and_a_pipeline_promotes(here: World) -> None:
    stored(
        here,
        repositories=FROM_ECR,
        triggers=TRIGGERS,
        promotion={"approval": True, "gate_seconds": 36_000},
    )
    pushed = event("start_on_image")
    deliver(here, pushed)
    deliver(here, pushed)
    executions = here.sfn.list_executions(stateMachineArn=here.machine)["executions"]
    assert len(executions) == 1
    assert DIGEST[7:23] in executions[0]["name"]
    later(here, 5_000, lambda: deliver(here, event("promote_on_pipeline")))
    here.clock.sleep(1)
    outcome = here.wait(executions[0]["executionArn"])
    assert outcome.state == "Released", outcome
    assert here.cloud.running_image("example1").endswith(f"shop@{DIGEST}")
    (name,) = here.records()
    assert here.signals(name) == ["promote by pipeline checkout-main"]


def test_an_event_of_before_a_release_does_not_promote_it(here: World) -> None:
    """The second delivery of one that promoted the release before."""
    stored(
        here,
        repositories=FROM_ECR,
        triggers=TRIGGERS,
        promotion={"approval": True, "gate_seconds": 3_600},
    )
    here.clock.after(1_500, lambda: deliver(here, event("promote_on_pipeline"), late=1_600))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "nobody answered the gate in time" in outcome.cause


def test_a_digest_with_several_tags_is_one_release(here: World) -> None:
    stored(here, repositories=FROM_ECR, triggers={**TRIGGERS, "release_tags": ["*"]})
    first = event("start_on_image")
    second = {**event("start_on_image", **{"image-tag": "latest"}), "id": "e2"}
    deliver(here, first)
    deliver(here, second)
    [execution] = here.sfn.list_executions(stateMachineArn=here.machine)["executions"]
    assert here.wait(execution["executionArn"]).state == "Released"
    here.clock.sleep(60)
    # EventBridge may bring them a day later; what is pushed now is another will.
    deliver(here, second, late=86_400)
    assert len(here.sfn.list_executions(stateMachineArn=here.machine)["executions"]) == 1
    for id, tag in (("e3", "latest"), ("e4", "v2"), ("e5", "stable")):
        deliver(here, {**event("start_on_image", **{"image-tag": tag}), "id": id})
    assert len(here.sfn.list_executions(stateMachineArn=here.machine)["executions"]) == 2


def test_a_push_with_the_longest_of_names_is_obeyed(here: World) -> None:
    repository, tag = "s" * 255, f"canary-{'1' * 121}"
    stored(
        here,
        repositories=["*"],
        triggers={**TRIGGERS, "repository": repository, "promote_tags": ["*"]},
    )
    deliver(here, event("start_on_image", **{"repository-name": repository, "image-tag": tag}))
    (started,) = here.sfn.list_executions(stateMachineArn=here.machine)["executions"]
    assert here.wait(started["executionArn"]).state == "Released"


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("start_on_image", {"image-tag": "nightly-3"}),
        ("start_on_image", {"repository-name": "other"}),
        ("start_on_image", {"image-tag": "main-3"}),
        ("start_on_image", {"action-type": "DELETE"}),
        ("promote_on_pipeline", {"pipeline": "other"}),
        ("promote_on_pipeline", {"state": "FAILED"}),
    ],
)
def test_events_that_mean_nobody_change_nothing(here: World, name: str, detail: Document) -> None:
    stored(here, repositories=FROM_ECR, triggers=TRIGGERS)
    deliver(here, event(name, **detail))
    assert here.sfn.list_executions(stateMachineArn=here.machine)["executions"] == []


def test_a_profile_that_is_broken_keeps_no_other_from_its_events(here: World) -> None:
    here.cloud.parameters["/stepcanary/profiles/basket"] = "{"
    stored(here, repositories=FROM_ECR, triggers=TRIGGERS)
    assert [service for service, _ in profiles.of_repository("shop")] == ["checkout"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"images": {"nobody": "shop:v3"}}, "nobody"),
        ({"images": None, "task_definitions": {"primary": "x:1", "canary": "x:1"}}, "x:1"),
        ({"profile": {"alarms": ["gone"]}}, "no CloudWatch alarm gone"),
        ({"profile": {"canary": "gone"}}, "there is no ECS service gone"),
    ],
)
def test_nobody_is_reverted_for_a_release_that_cannot_start(
    here: World, changed: Document, message: str
) -> None:
    wanted = profile(concurrency="supersede", **changed.pop("profile", {}))
    second = later(
        here, FIRST_BAKE, lambda: here.release(request(profile=wanted, **changed), "release-2")
    )
    assert here.release(request()).state == "Released"
    assert second[0].state == "Rejected"
    assert message in second[0].cause


def test_a_rollback_supersedes_nobody(here: World) -> None:
    stored(here, concurrency="supersede")
    assert here.release(request()).state == "Released"
    done = later(here, FIRST_BAKE, lambda: act(here, "rollback"))
    assert here.release(request(images={"app": "shop:v3"}), "release-2").state == "Released"
    assert done[0].state == "Rejected"
    assert "release-2 is releasing on the same split" in done[0].cause


def test_a_rollback_does_not_go_past_what_somebody_else_deployed(here: World) -> None:
    assert here.release(request()).state == "Released"
    here.cloud.ecs_update("example1", "example1:1")
    here.clock.sleep(60)
    outcome = act(here, "rollback")
    assert outcome.state == "Rejected"
    assert "somebody else has deployed since" in outcome.cause


def test_a_signal_event_that_is_refused_is_not_obeyed_by_the_next_release(here: World) -> None:
    message = {**event("release_signal"), "id": "1"}
    early = {**message, "detail": {"service": "checkout", "signal": "revert"}}
    deliver(here, early)
    here.clock.sleep(600)
    here.clock.after(FIRST_BAKE, lambda: deliver(here, early, late=700))
    assert here.release(request()).state == "Released"


def test_a_pause_that_nobody_ends_promotes_where_the_profile_says_so(here: World) -> None:
    later(here, FIRST_BAKE, lambda: act(here, "pause"))
    promotion = {"gate_seconds": 3_600, "on_timeout": "promote"}
    outcome = here.release(request(profile=profile(promotion=promotion)))
    assert outcome.state == "Released"
    assert outcome.path.count("Pause") == 1


@pytest.mark.parametrize("first", ["promote", "gate"])
def test_a_pause_undoes_no_decision(here: World, first: str) -> None:
    seconds = FIRST_BAKE
    if first == "promote":
        later(here, FIRST_BAKE, lambda: act(here, "promote"))
    else:
        seconds = 600
    paused = later(here, seconds + 1, lambda: act(here, "pause"))
    later(here, seconds + 400, lambda: act(here, "promote"))
    assert here.release(request(profile=profile(steps=STEPS))).state == "Released"
    assert paused[0].state == "Rejected"


def test_a_shift_that_comes_again_changes_nothing(here: World) -> None:
    here.cloud.ecs_update("example2", "example2:1")
    here.cloud.services["example2"]["desiredCount"] = 2
    here.clock.sleep(60)
    event = {
        "execution": here.arn("shift-1"),
        "request": {"service": "checkout", "action": "shift", "weight": 30},
    }
    assert act(here, "shift", "shift-1", weight=30).state == "Done"
    assert act(here, "shift", "shift-2", weight=0).state == "Done"
    again = here.invoke("TakeActionFunction", event)
    assert again["answer"]["did"].startswith("weights 70:30, were 100:0")
    assert here.cloud.split() == (100, 0)


def test_a_shift_whose_execution_dies_keeps_nobody_out(here: World) -> None:
    """What it wrote stays and is told, and no capacity is taken from it."""
    here.cloud.ecs_update("example2", "example2:1")
    here.cloud.services["example2"]["desiredCount"] = 2
    here.clock.sleep(60)

    def die(name: str, _params: Document) -> None:
        if name == "appmesh.UpdateRoute":
            raise Refusal("ForbiddenException", "the answer was lost", 403)

    here.cloud.after_call = die
    assert act(here, "shift", weight=30).state == "Rejected"
    here.clock.sleep(1)
    assert here.cloud.split() == (70, 30)
    assert "holder" not in here.lease()
    assert here.cloud.services["example2"]["desiredCount"] == 2
    assert (
        "differs from what the last release left"
        in here.invoke("ReconcileFunction", {})["stranded"][0]
    )


def test_a_weight_that_the_route_cannot_express_is_rejected(here: World) -> None:
    here.cloud.route["httpRoute"]["action"]["weightedTargets"][0]["weight"] = 1
    here.cloud.ecs_update("example2", "example2:1")
    here.cloud.services["example2"]["desiredCount"] = 2
    here.clock.sleep(60)
    outcome = act(here, "shift", weight=30)
    assert outcome.state == "Rejected"
    assert "too few to express" in outcome.cause


def test_no_stack_trace_reaches_a_person(here: World) -> None:
    def broken(name: str, _params: Document) -> None:
        if name == "appmesh.DescribeRoute":
            raise Refusal("InternalServerErrorException", "boom", 500)

    here.cloud.before_call = broken
    for outcome in (act(here, "status"), here.release(request())):
        assert outcome.state == "Rejected"
        assert "stackTrace" not in outcome.cause
        assert outcome.cause.startswith("AwsUnavailable: it failed again and again")


def test_a_preview_and_a_check_are_actions_that_begin_nothing(here: World) -> None:
    stored(here)
    checked = answer(here, "check", by="jane", images=request()["images"])
    assert checked["releasable"] is True
    previewed = answer(here, "preview", budget=50)
    assert (previewed["service"], previewed["releasable"]) == ("checkout", True)
    assert [step["weight"] for step in previewed["steps"]]
    assert here.leases() == []


def test_a_question_that_cannot_be_answered_is_rejected_with_the_reason(here: World) -> None:
    outcome = act(here, "preview", budget=0)
    assert outcome.state == "Rejected"
    assert "budget" in outcome.cause
