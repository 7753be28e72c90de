"""Named scenarios over the real definition: where it ends, which weights the route had, when."""

import json
from typing import Any

import pytest

from tests.builders import profile, request, traffic
from tests.fakes.cloud import Document, Refusal, task_definition
from tests.statemachine.runner import World


def untouched(here: World) -> bool:
    writes = ("Update", "Register")
    return not any(call.split(".")[1].startswith(writes) for call, _ in here.cloud.calls)


def test_good_release_is_released(here: World) -> None:
    before, began = here.cloud.route_version, here.clock.now()
    outcome = here.release(request())
    assert (outcome.status, outcome.state) == ("SUCCEEDED", "Released"), outcome
    assert here.cloud.weights == [(95, 5), (50, 50), (0, 100), (100, 0)]
    assert here.cloud.running_image("example1") == "shop:v2"
    assert here.cloud.services["example2"]["desiredCount"] == 0
    assert here.cloud.route_version == before + 4
    # Three bakes of 300 s, each after the 35 s that the router may take.
    assert 1_035 < (here.clock.now() - began).total_seconds() < 1_135
    assert here.cloud.route["httpRoute"]["retryPolicy"]["maxRetries"] == 2
    assert here.cloud.route["priority"] == 7


def test_alarm_reverts_before_the_canary_is_scaled_in(here: World) -> None:
    here.cloud.alarm_at = {50: {"example2-5xx": "ALARM"}}
    outcome = here.release(request())
    assert (outcome.status, outcome.state) == ("FAILED", "Reverted"), outcome
    assert "example2-5xx" in outcome.cause
    assert here.cloud.weights == [(95, 5), (50, 50), (100, 0)]
    assert here.cloud.running_image("example1") == "shop:v1"
    assert here.cloud.services["example2"]["desiredCount"] == 0
    calls = [name for name, _ in here.cloud.calls]
    last_weight = max(i for i, name in enumerate(calls) if name == "appmesh.UpdateRoute")
    scale_in = max(i for i, name in enumerate(calls) if name == "ecs.UpdateService")
    assert last_weight < scale_in


def test_failed_canary_deployment_gets_no_weight(here: World) -> None:
    here.cloud.broken_images = {"shop:v2"}
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "circuit breaker" in outcome.cause
    assert here.cloud.weights == []
    assert here.cloud.services["example2"]["desiredCount"] == 0


def test_overdue_canary_deployment_reverts(here: World) -> None:
    here.cloud.startup_seconds = 10_000
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "not steady after 120 s" in outcome.cause
    assert here.cloud.weights == []


def test_canary_unknown_to_discovery_gets_no_weight(here: World) -> None:
    here.cloud.undiscovered = {"example2"}
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "0 of 1 tasks that example2 needs for 5 % are healthy targets" in outcome.cause
    assert here.cloud.weights == []


def break_primary(here: World) -> None:
    """From now on the new version does not start on the primary."""

    def refuse(name: str, params: Document) -> None:
        if name == "ecs.UpdateService" and params["service"] == "example1":
            here.cloud.broken_images = {"shop:v2"}

    here.cloud.before_call = refuse


def test_failed_promotion_goes_back_when_nobody_answers_the_gate(here: World) -> None:
    break_primary(here)
    began = here.clock.now()
    outcome = here.release(request())
    assert (outcome.status, outcome.state) == ("FAILED", "Reverted"), outcome
    assert "circuit breaker" in outcome.cause
    assert "PromotionGate" in outcome.path
    assert (here.clock.now() - began).total_seconds() > 86_400
    # All traffic stays on the canary until the primary is steady on its old version again.
    assert here.cloud.weights == [(95, 5), (50, 50), (0, 100), (100, 0)]
    assert here.cloud.running_image("example1") == "shop:v1"
    assert here.cloud.services["example2"]["desiredCount"] == 0


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("appmesh.UpdateRoute", "ForbiddenException"),
        ("cloudwatch.DescribeAlarms", "InvalidParameterValue"),
        ("ecs.UpdateService", "AccessDeniedException"),
    ],
)
def test_any_refusal_during_the_rollout_reverts(here: World, call: str, code: str) -> None:
    seen: list[str] = []

    def refuse(name: str, _params: Document) -> None:
        seen.append(name)
        # The alarms are described by PlanRelease and OpenRelease before the rollout begins.
        nth = {"ecs.UpdateService": 1, "appmesh.UpdateRoute": 2, "cloudwatch.DescribeAlarms": 3}
        if name == call and seen.count(name) == nth[call]:
            raise Refusal(code, "no")

    here.cloud.before_call = refuse
    outcome = here.release(request())
    assert outcome.state == "Reverted", outcome
    assert code in outcome.cause
    assert here.cloud.weight("example1") == 100


def test_throttling_is_waited_out(here: World) -> None:
    seen: list[str] = []

    def throttle(name: str, _params: Document) -> None:
        seen.append(name)
        writes = name.split(".")[1].startswith(("Update", "Register"))
        if writes and seen.count(name) <= 2:
            raise Refusal("ThrottlingException", "slow down")

    here.cloud.before_call = throttle
    outcome = here.release(request())
    assert outcome.state == "Released", outcome


def test_lost_answer_of_a_write_is_not_written_twice(here: World) -> None:
    lost: list[str] = []

    def lose(name: str, _params: Document) -> None:
        if name in ("ecs.RegisterTaskDefinition", "appmesh.UpdateRoute", "ecs.UpdateService"):
            if lost.count(name) < 1:
                lost.append(name)
                raise Refusal("ServerException", "lost", 500)

    here.cloud.after_call = lose
    outcome = here.release(request())
    assert outcome.state == "Released", outcome
    assert here.cloud.weights == [(95, 5), (50, 50), (0, 100), (100, 0)]
    assert len(here.cloud.definitions["example2"]) == 2
    assert len(here.cloud.definitions["example1"]) == 2


def test_alarm_without_data_holds_and_then_reverts(here: World) -> None:
    here.cloud.alarm_at = {5: {"example2-5xx": "INSUFFICIENT_DATA"}}
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "without data" in outcome.cause
    assert outcome.path.count("Bake") == 4


@pytest.mark.parametrize("side", ["example1", "example2"])
def test_a_side_has_not_arrived_when_ecs_says_so_early(here: World, side: str) -> None:
    """ECS calls the deployment complete when one of its two tasks runs."""
    here.cloud.succeed_early(side, 50)
    weights: list[tuple[int, int, int]] = []

    def see(primary: int, canary: int) -> None:
        running = here.cloud.view(side)["deployments"][0]["runningCount"]
        weights.append((primary, canary, running))

    here.cloud.on_write = see
    outcome = here.release(request(profile=profile(capacity="full")))
    assert outcome.state == "Released", outcome
    of_side = {"example1": weights[-1:], "example2": weights[:-1]}
    assert {running for _, _, running in of_side[side]} == {2}


def test_foreign_write_to_the_route_reverts(here: World) -> None:
    def interfere(name: str, _params: Document) -> None:
        if name == "appmesh.UpdateRoute" and len(here.cloud.weights) == 2:
            here.cloud.targets()[0]["weight"] = 10

    here.cloud.after_call = interfere
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "SplitDrifted" in outcome.cause
    assert here.cloud.weight("example2") == 0


def test_a_second_release_of_the_split_is_rejected_and_told_who_holds_it(here: World) -> None:
    second: list[str] = []

    def start_second(name: str, _params: Document) -> None:
        # The first holds the lease and waits for its canary: the split is still at rest.
        if name == "ecs.RegisterTaskDefinition" and not second:
            second.append(here.start(request(), name="release-2"))
            here.wait(second[0])

    here.cloud.before_call = start_second
    first = here.start(request())
    assert here.wait(first).state == "Released"
    rejected = here.wait(second[0])
    assert rejected.state == "Rejected"
    assert first in rejected.cause


def test_a_dead_release_does_not_keep_its_lease(here: World) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(here.handlers, "CloseReleaseFunction", _killed)
        assert here.release(request()).state == "Released"
    outcome = here.release(request(images={"app": "shop:v3"}), name="release-2")
    assert outcome.state == "Released", outcome


def _killed(_event: object, _context: object) -> None:
    raise RuntimeError("killed")


def test_inline_profile_needs_nothing_else(here: World) -> None:
    del here.cloud.parameters["/stepcanary/profiles/checkout"]
    outcome = here.release(request(profile=profile(steps=[{"weight": 20, "bake_seconds": 1}])))
    assert outcome.state == "Released", outcome
    assert here.cloud.weights == [(80, 20), (0, 100), (100, 0)]


BAD_REQUESTS: dict[str, tuple[Any, str]] = {
    "not an object": (["x"], "request"),
    "missing service": ({"images": {"app": "shop:v2"}}, "service: is missing"),
    "unknown service": (request(service="nobody"), "no profile"),
    "missing image": (request(images=None), "images or task_definitions"),
    "no image": (request(images={}), "images is empty"),
    "malformed image": (request(images={"app": "Shop v2"}), "images.app"),
    "image without version": (request(images={"app": "shop"}), "names no version"),
    "unknown container": (request(images={"web": "shop:v2"}), "images.web"),
    "unknown key": (request(imagess={}), "imagess: unknown key"),
    "steps empty": (request(profile=profile(steps=[])), "steps"),
    "steps not rising": (
        request(profile=profile(steps=[{"weight": 9}, {"weight": 9}])),
        "steps must rise",
    ),
    "step not an integer": (request(profile=profile(steps=[{"weight": 5.5}])), "weight"),
    "step a boolean": (request(profile=profile(steps=[{"weight": True}])), "weight"),
    "step 0": (request(profile=profile(steps=[{"weight": 0}])), "steps.0.weight"),
    "step 101": (request(profile=profile(steps=[{"weight": 101}])), "steps.0.weight"),
    "negative bake": (
        request(profile=profile(steps=[{"weight": 5, "bake_seconds": -1}])),
        "bake_seconds",
    ),
    "absurd bake": (
        request(profile=profile(steps=[{"weight": 5, "bake_seconds": 10**9}])),
        "bake_seconds",
    ),
    "unknown cluster": (request(profile=profile(cluster="x")), "cluster"),
    "service missing": (request(profile=profile(canary="gone")), "canary: there is no ECS"),
    "unknown alarm": (request(profile=profile(alarms=["gone"])), "no CloudWatch alarm gone"),
    "no such task definition": (
        request(images=None, task_definitions={"primary": "x:9", "canary": "y:9"}),
        "task_definitions.primary",
    ),
    "half a character": (request(by="\ud800"), "by: has half a character in it"),
    "a service of half a character": (request(service="\udfff"), "service: has half a character"),
    "over the payload limit": (request(images={"app": "shop:v" + "2" * 70_000}), "limit"),
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_bad_request_is_rejected_and_changes_nothing(here: World, case: str) -> None:
    document, message = BAD_REQUESTS[case]
    outcome = here.release(document)
    assert (outcome.status, outcome.state) == ("FAILED", "Rejected"), outcome
    assert message in outcome.cause
    assert untouched(here)
    assert here.ledger() == []


def _weights(here: World, primary: int, canary: int) -> None:
    here.cloud.targets()[0]["weight"] = primary
    here.cloud.targets()[1]["weight"] = canary


def _service(here: World, name: str, **changed: Any) -> None:
    here.cloud.services[name].update(changed)


def _of_task_sets(here: World, name: str) -> None:
    """The service has neither a task definition nor deployments of its own."""
    service = here.cloud.services[name]
    service.update(deploymentController={"type": "EXTERNAL"}, deployments=[])
    del service["taskDefinition"]


BAD_WORLDS: dict[str, tuple[Any, str]] = {
    "inactive": (lambda w: _service(w, "example1", status="INACTIVE"), "INACTIVE"),
    "code deploy": (
        lambda w: _service(w, "example1", deploymentController={"type": "CODE_DEPLOY"}),
        "CODE_DEPLOY",
    ),
    "blue/green": (
        lambda w: _service(w, "example2", deploymentConfiguration={"strategy": "BLUE_GREEN"}),
        "BLUE_GREEN",
    ),
    "linear": (
        lambda w: _service(w, "example1", deploymentConfiguration={"strategy": "LINEAR"}),
        "LINEAR",
    ),
    "canary": (
        lambda w: _service(w, "example1", deploymentConfiguration={"strategy": "CANARY"}),
        "CANARY",
    ),
    "a task per instance": (
        lambda w: w.cloud.service_settings.update(example2={"schedulingStrategy": "DAEMON"}),
        "canary: ECS service example2 is scheduled as DAEMON",
    ),
    "express": (
        lambda w: w.cloud.service_settings.update(example1={"resourceManagementType": "ECS"}),
        "primary: ECS service example1 is an Express Mode service",
    ),
    "a gateway": (lambda w: w.cloud.gateways.add("example2"), "example2 has gateway connectors"),
    "task sets": (
        lambda w: _of_task_sets(w, "example1"),
        "primary: ECS service example1 is deployed by EXTERNAL",
    ),
    "blind alarm": (
        lambda w: w.cloud.fail_evaluation("example2-5xx"),
        "alarms: example2-5xx cannot see, so it cannot judge a canary; mend it first"
        " (EVALUATION_ERROR",
    ),
    "alarm that ignores silence": (
        lambda w: w.cloud.alarm_settings.update(
            {"example2-5xx": {"Period": 60, "TreatMissingData": "ignore"}}
        ),
        "example2-5xx keeps its state while it has no data",
    ),
    "primary scaled in": (lambda w: _service(w, "example1", desiredCount=0), "desired count of 0"),
    "not at rest": (lambda w: _weights(w, 90, 10), "not at rest"),
    "all on the canary": (lambda w: _weights(w, 0, 100), "not at rest"),
    "node missing": (lambda w: w.cloud.targets().pop(), "no weighted target example2"),
    "total too small": (lambda w: _weights(w, 1, 0), "total 1"),
    "alarm in ALARM": (lambda w: w.cloud.alarms.update({"example2-5xx": "ALARM"}), "ALARM already"),
    "broken profile": (
        lambda w: w.cloud.parameters.update({"/stepcanary/profiles/checkout": "{"}),
        "profile /stepcanary/profiles/checkout is not valid",
    ),
}


@pytest.mark.parametrize("case", BAD_WORLDS)
def test_unfit_world_is_rejected_and_left_alone(here: World, case: str) -> None:
    change, message = BAD_WORLDS[case]
    change(here)
    outcome = here.release(request())
    assert outcome.state == "Rejected", outcome
    assert message in outcome.cause
    assert untouched(here)
    assert here.ledger() == []


KINDS: dict[str, Document] = {
    "http2Route": {"match": {"prefix": "/api", "scheme": "https"}},
    "grpcRoute": {
        "match": {"serviceName": "shop.Cart"},
        "retryPolicy": {
            "maxRetries": 1,
            "perRetryTimeout": {"value": 1, "unit": "s"},
            "grpcRetryEvents": ["unavailable"],
        },
    },
    "tcpRoute": {"timeout": {"idle": {"value": 5, "unit": "s"}}},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_route_is_edited_without_loss(here: World, kind: str) -> None:
    targets = [
        {"virtualNode": "example2", "weight": 0},
        {"virtualNode": "example1", "weight": 80, "port": 8080},
        {"virtualNode": "mirror", "weight": 20},
    ]
    here.cloud.nodes["mirror"] = {"dns": {"hostname": "mirror.example.internal"}}
    here.cloud.route = {kind: {**KINDS[kind], "action": {"weightedTargets": targets}}}
    before = json.loads(json.dumps(here.cloud.route))
    outcome = here.release(request())
    assert outcome.state == "Released", outcome
    assert here.cloud.route == before
    assert here.cloud.weights == [(76, 4), (40, 40), (0, 80), (80, 0)]


def test_shared_mesh_is_addressed_by_its_owner(here: World) -> None:
    shared = profile(traffic=traffic(mesh_owner="210987654321"))
    assert here.release(request(profile=shared)).state == "Released"
    # Tags are of an ARN, which says whose it is.
    calls = [each for each in here.cloud.calls if each[0] != "appmesh.ListTagsForResource"]
    meshes = [params for call, params in calls if call.startswith("appmesh.")]
    assert {params.get("meshOwner") for params in meshes} == {"210987654321"}


def test_ready_task_definitions_by_digest_are_released_as_they_are(here: World) -> None:
    for family in ("example1", "example2"):
        here.cloud.definitions[family].append(_by_digest(here, family, "shop:v2"))
    ready = {"primary": "example1:2", "canary": "example2:2"}
    outcome = here.release(request(images=None, task_definitions=ready))
    assert outcome.state == "Released", outcome
    assert here.cloud.running_image("example1") == "shop:v2"
    assert not here.cloud.called("RegisterTaskDefinition")


def _by_digest(here: World, family: str, image: str) -> Document:
    document = task_definition(family, image)
    for container in document["containerDefinitions"]:
        repository, _, _ = container["image"].partition(":")
        container["image"] = f"{repository}@{here.cloud.registry.digest(container['image'])}"
    return document


def test_canary_keeps_its_own_envoy_settings(here: World) -> None:
    assert here.release(request()).state == "Released"
    for family in ("example1", "example2"):
        released = here.cloud.definitions[family][-1]
        envoy = next(c for c in released["containerDefinitions"] if c["name"] == "envoy")
        assert envoy["environment"][0]["value"] == f"virtualNode/{family}"
        assert "registeredBy" not in released


def test_revert_that_cannot_write_ends_in_revert_failed(here: World) -> None:
    here.cloud.alarm_at = {5: {"example2-5xx": "ALARM"}}

    def refuse(name: str, _params: Document) -> None:
        if name == "appmesh.UpdateRoute" and here.cloud.weights:
            raise Refusal("ForbiddenException", "no", 403)

    here.cloud.before_call = refuse
    outcome = here.release(request())
    assert outcome.state == "RevertFailed"
    assert "TRAFFIC MAY STILL REACH THE NEW VERSION" in outcome.cause
    assert here.cloud.services["example2"]["desiredCount"] == 2


def test_a_task_definition_that_the_primary_runs_is_rejected(here: World) -> None:
    for family in ("example1", "example2"):
        here.cloud.definitions[family] = [_by_digest(here, family, "shop:v1")]
    ready = {"primary": "example1:1", "canary": "example2:1"}
    outcome = here.release(request(images=None, task_definitions=ready))
    assert outcome.state == "Rejected"
    assert "already runs this version" in outcome.cause
