"""Content: what baked is what the primary gets, and what ran before is what comes back."""

import pytest

from stepcanary.domain.patience import MOST_RETRIES
from stepcanary.release import looks
from tests.builders import request
from tests.fakes.cloud import Document
from tests.statemachine.runner import World
from tests.statemachine.test_actions import act
from tests.statemachine.timeline import FIRST_BAKE

SERVED, CANARY = "example1", "example2"


def ready(here: World, image: str) -> Document:
    """A new revision for each side with this image."""
    named = {
        side: here.cloud.register(family, image).rpartition("/")[2]
        for side, family in (("primary", SERVED), ("canary", CANARY))
    }
    return request(images=None, task_definitions=named)


def fail(here: World) -> None:
    """The alarm fires in the first bake, and clears again."""
    here.clock.after(FIRST_BAKE, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    here.clock.after(FIRST_BAKE + 30, lambda: here.cloud.set_alarm("example2-5xx", "OK"))


def answer_without_digests(here: World, service: str, until: float = float("inf")) -> None:
    """As an old agent does, and for a while any agent."""
    describe = here.cloud._ecs_DescribeTasks
    begun = here.clock.now()

    def without(params: Document) -> Document:
        answer = describe(params)
        late = (here.clock.now() - begun).total_seconds() >= until
        for task in answer["tasks"]:
            if f"/{service}-" in task["startedBy"] and not late:
                task["containers"] = [{"name": c["name"]} for c in task["containers"]]
        return answer

    setattr(here.cloud, "_ecs_DescribeTasks", without)  # noqa: B010 - a method of the fake


def test_a_rollback_of_ready_ones_passes_by_what_was_reverted_since(here: World) -> None:
    assert here.release(ready(here, "shop:v2"), "second").state == "Released"
    fail(here)
    assert here.release(ready(here, "shop:v3"), "third").state == "Reverted"
    assert here.release(ready(here, "shop:v4"), "fourth").state == "Released"
    served: list[str] = []
    here.cloud.on_write = lambda _p, canary: served.append(
        here.cloud.running_image(CANARY) if canary else ""
    )
    assert act(here, "rollback").state == "Released"
    assert here.cloud.running_image(SERVED) == "shop:v2"
    assert "shop:v3" not in served


def test_ready_ones_of_which_nothing_was_noted_do_not_come_back_by_their_tags(here: World) -> None:
    """Of a release that began on a version of this stack which noted none."""
    assert here.release(ready(here, "shop:v2"), "second").state == "Released"
    here.forget_content("second")
    outcome = act(here, "rollback")
    assert outcome.state == "Rejected"
    assert "nobody noted which bytes shop:v1 was" in outcome.cause


def test_a_canary_whose_digests_nobody_tells_is_overdue(here: World) -> None:
    answer_without_digests(here, CANARY)
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "does not say which digest of shop:v2 its container app runs" in outcome.cause
    assert "ECS agent 1.70.0" in outcome.cause
    assert here.cloud.weights == []


def test_a_primary_whose_digests_come_late_is_asked_again(here: World) -> None:
    answer_without_digests(here, SERVED, until=3)
    outcome = here.release(request())
    assert outcome.state == "Released", outcome


def test_a_primary_whose_digests_nobody_tells_is_refused_after_all_retries(here: World) -> None:
    answer_without_digests(here, SERVED)
    outcome = here.release(request())
    assert outcome.state == "Rejected"
    assert (
        "ECS service example1: ECS does not say which digest of shop:v1 its container app runs"
        in outcome.cause
    )
    assert "name the image by its digest" in outcome.cause
    assert [name for name, _ in here.cloud.calls].count("ecs.DescribeTasks") > MOST_RETRIES


def test_a_canary_whose_digests_come_late_is_waited_for(here: World) -> None:
    answer_without_digests(here, CANARY, until=120)
    assert here.release(request()).state == "Released"


@pytest.mark.parametrize("lag", [20, 90])
def test_what_a_late_read_has_not_shown_is_not_taken_for_the_same(here: World, lag: int) -> None:
    def strike() -> None:
        here.cloud.lag = {"ecs.ListTasks": lag}
        here.cloud.registry.push("shop:v2")
        here.cloud.deploy_foreign(CANARY, same_revision=True)

    here.clock.after(340, strike)
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "somebody else deployed the canary example2 again" in outcome.cause


def test_ready_ones_that_differ_are_refused(here: World) -> None:
    wanted = ready(here, "shop:v2")
    wanted["task_definitions"]["primary"] = here.cloud.register(SERVED, "shop:v3")
    outcome = here.release(wanted)
    assert outcome.state == "Rejected"
    assert "container app is shop:v3 on the primary and shop:v2 on the canary" in outcome.cause


def test_a_tag_in_a_loose_container_is_refused_although_a_digest_runs_now(here: World) -> None:
    for family in (SERVED, CANARY):
        app = here.cloud.definitions[family][0]["containerDefinitions"][0]
        app["image"] = f"shop@{here.cloud.registry.digest('shop:v1')}"
        app["versionConsistency"] = "disabled"
    outcome = here.release(request())
    assert outcome.state == "Rejected"
    assert "versionConsistency disabled" in outcome.cause


def test_an_old_version_that_somebody_brings_back_by_its_tag_is_looked_into(here: World) -> None:
    here.cloud.broken_images = {(SERVED, "shop:v2")}

    def by_hand() -> None:
        here.cloud.registry.push("shop:v1")
        here.cloud.ecs_update(SERVED, f"{SERVED}:1")

    here.clock.after(1_300, by_hand)
    here.clock.after(2_000, lambda: here.signal("revert"))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "somebody else deployed the primary example1 again" in outcome.cause.lower()


def test_a_canary_that_is_deployed_again_at_the_gate_is_named(here: World) -> None:
    here.cloud.broken_images = {(SERVED, "shop:v2")}

    def again() -> None:
        here.cloud.registry.push("shop:v2")
        here.cloud.deploy_foreign(CANARY, same_revision=True)

    here.clock.after(1_500, again)
    here.clock.after(1_560, lambda: here.invoke("ReconcileFunction", {"id": "schedule"}))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "somebody else deployed the canary example2 again" in outcome.cause.lower()


def test_a_sweep_asks_for_tasks_only_of_those_whose_turn_it_is(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.cloud.broken_images = {(SERVED, "shop:v2")}
    asked: list[int] = []

    def sweep(most: int) -> None:
        monkeypatch.setattr(looks, "MOST_TARGETS_A_SWEEP", most)
        before = len(here.cloud.calls)
        here.invoke("ReconcileFunction", {"id": "schedule"})
        asked.append([name for name, _ in here.cloud.calls[before:]].count("ecs.ListTasks"))

    def again() -> None:
        # It runs the same, and ECS is not done with it.
        here.cloud.deploy_foreign(CANARY, same_revision=True)
        here.clock.after(10, lambda: sweep(0))
        here.clock.after(11, lambda: sweep(1))

    here.clock.after(1_500, again)
    here.clock.after(2_000, lambda: here.signal("revert"))
    assert here.release(request()).state == "Reverted"
    assert asked == [0, 1]


def test_the_same_version_twice_is_no_version_to_go_back_to(here: World) -> None:
    assert here.release(request(), "first").state == "Released"
    assert here.release(request(), "again").state == "Released"
    assert act(here, "rollback").state == "Released"
    assert here.cloud.running_image(SERVED) == "shop:v1"


def test_the_same_version_is_released_also_by_help_from_outside(here: World) -> None:
    assert here.release(request(), "first").state == "Released"
    here.wait(here.start_and_stop(request(), "again", 1_100))
    here.pass_minutes(3)
    assert here.records()["again"] == "Released"


def test_a_sidecar_that_is_another_on_purpose_stays_so(here: World) -> None:
    sidecar = here.cloud.definitions[SERVED][0]["containerDefinitions"][1]
    sidecar["image"] = "envoy:v2"
    here.cloud.ecs_update(SERVED, here.cloud._register(here.cloud.definitions[SERVED][0]))
    here.clock.sleep(60)
    for number in (2, 3, 4):
        version = request(images={"app": f"shop:v{number}"})
        assert here.release(version, f"r{number}").state == "Released"
        content = here.cloud.content(SERVED)
        assert content == {"app": f"shop:v{number}", "envoy": "envoy:v2"}
    assert here.release(request(images={"app": "shop:v4"}), "again").state == "Released"
    assert act(here, "rollback").state == "Released"
    assert here.cloud.content(SERVED) == {"app": "shop:v3", "envoy": "envoy:v2"}
    assert act(here, "rollback", to="r2").state == "Released"
    assert here.cloud.content(SERVED) == {"app": "shop:v2", "envoy": "envoy:v2"}


def test_a_sidecar_of_the_same_tag_follows_the_canary_each_time(here: World) -> None:
    for number in (2, 3, 4):
        here.cloud.registry.push("envoy:v1")
        baked = here.cloud.registry.label("envoy:v1")
        version = request(images={"app": f"shop:v{number}"})
        assert here.release(version, f"r{number}").state == "Released"
        assert here.cloud.content(SERVED) == {"app": f"shop:v{number}", "envoy": baked}


def test_after_a_rollback_the_sidecars_have_their_tags_again(here: World) -> None:
    assert here.release(request(), "first").state == "Released"
    assert act(here, "rollback").state == "Released"
    here.cloud.registry.push("envoy:v1")
    assert here.release(request(images={"app": "shop:v3"}), "third").state == "Released"
    assert here.cloud.content(SERVED) == {"app": "shop:v3", "envoy": "envoy:v1 (2)"}
