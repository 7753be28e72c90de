"""While a release runs, tasks die, others deploy, autoscalers scale and revisions go."""

from typing import Any

import pytest

from stepcanary.errors import LeaseLost
from stepcanary.release import copies, looks
from stepcanary.store import due, leases, register
from tests.builders import profile, request
from tests.fakes.cloud import Cloud
from tests.fakes.ecs import FOREIGN_IMAGE
from tests.fakes.service import Document, Refusal
from tests.statemachine.runner import World
from tests.statemachine.timeline import FIRST_BAKE, later

SECOND_BAKE = 500.0
THIRD_BAKE = 850.0
PROMOTED = 1_040.0
"""The primary's tasks of the new version have not started yet."""
OLD = "arn:aws:ecs:us-east-1:123456789012:task-definition/example1:1"
AT_ANY_TIME = pytest.mark.parametrize(
    "seconds", [5.0, FIRST_BAKE, SECOND_BAKE, THIRD_BAKE, 1_028.0, PROMOTED, 1_060.0, 1_085.0]
)


def tick(here: World) -> Any:
    return here.invoke("ReconcileFunction", {"id": "schedule"})


def copies_of(cloud: Cloud, family: str = "example1") -> list[str]:
    return [
        cloud.arn(family, number)
        for number, document in enumerate(cloud.definitions[family], 1)
        if copies.TAG in [tag["key"] for tag in document.get("tags", [])]
    ]


# Capacity


def test_a_canary_whose_tasks_all_die_is_left_at_the_next_look(here: World) -> None:
    later(here, SECOND_BAKE, lambda: here.cloud.lose_tasks("example2"))
    swept = later(here, SECOND_BAKE + 20, lambda: tick(here))
    gone = later(here, SECOND_BAKE + 25, here.cloud.split)
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "0 of 1 tasks that example2 needs for 50 % run" in outcome.cause
    assert gone == [(100, 0)]
    assert swept[0]["stranded"] == []
    assert "PromotePrimary" not in outcome.path


def test_a_canary_that_is_short_for_less_than_its_grace_goes_on(here: World) -> None:
    later(here, THIRD_BAKE, lambda: here.cloud.lose_tasks("example2", 1, heals_after=50))
    for seconds in (10, 40, 60):
        later(here, THIRD_BAKE + seconds, lambda: tick(here))
    assert here.release(request()).state == "Released"
    assert not here.lease().get("short_since")


def test_a_canary_that_stays_short_is_left_after_its_grace(here: World) -> None:
    later(here, THIRD_BAKE, lambda: here.cloud.lose_tasks("example2", 1))
    shown = []
    for seconds in (10, 40, 75):
        later(here, THIRD_BAKE + seconds, lambda: tick(here))
        shown.append(later(here, THIRD_BAKE + seconds + 5, here.cloud.split))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "1 of 2 tasks that example2 needs for 100 % run" in outcome.cause
    assert shown == [[(0, 100)], [(0, 100)], [(100, 0)]]


def test_where_no_side_can_carry_the_traffic_it_stays_and_a_person_hears(here: World) -> None:
    later(here, THIRD_BAKE, lambda: here.cloud.lose_tasks("example1"))
    later(here, THIRD_BAKE, lambda: here.cloud.lose_tasks("example2"))
    swept = later(here, THIRD_BAKE + 20, lambda: tick(here))
    stays = later(here, THIRD_BAKE + 25, here.cloud.split)
    here.release(request())
    assert stays == [(0, 100)]
    (sentence,) = swept[0]["stranded"]
    assert "no side can carry the traffic" in sentence


@AT_ANY_TIME
@pytest.mark.parametrize("service", ["example1", "example2"])
def test_an_autoscaler_that_scales_out_changes_nothing(
    here: World, seconds: float, service: str
) -> None:
    later(here, seconds, lambda: here.cloud.autoscale(service, 2))
    later(here, seconds + 3, lambda: tick(here))
    outcome = here.release(request())
    assert outcome.state == "Released"
    assert here.cloud.split() == (100, 0)
    assert here.cloud.running_image("example1") == "shop:v2"


def test_a_canary_that_was_scaled_in_is_scaled_out_by_the_shift_that_needs_it(here: World) -> None:
    later(here, SECOND_BAKE, lambda: here.cloud.set_desired("example2", 1))
    assert here.release(request()).state == "Released"


def test_a_canary_that_loses_a_task_holds_at_the_shift_that_needs_it(here: World) -> None:
    later(here, SECOND_BAKE, lambda: here.cloud.lose_tasks("example2", 1))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "the canary gets no more weight" in outcome.cause
    assert "has not changed for 120 s" in outcome.cause
    assert (50, 50) in here.cloud.weights
    assert (0, 100) not in here.cloud.weights


def test_a_canary_that_gets_its_tasks_in_time_goes_on(here: World) -> None:
    later(here, SECOND_BAKE, lambda: here.cloud.lose_tasks("example2", 1, heals_after=245))
    assert here.release(request()).state == "Released"


# Others' deployments


@pytest.mark.parametrize("seconds", [FIRST_BAKE, SECOND_BAKE, THIRD_BAKE])
def test_a_hotfix_on_the_primary_stays_and_the_release_reverts(here: World, seconds: float) -> None:
    later(here, seconds, lambda: here.cloud.deploy_foreign("example1"))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "somebody else deployed example1:2 to the primary example1" in outcome.cause
    assert here.cloud.running_image("example1") == FOREIGN_IMAGE
    assert here.cloud.split() == (100, 0)
    assert "PromotePrimary" not in outcome.path


@pytest.mark.parametrize("slow", [5, 60])
def test_a_hotfix_while_the_primary_is_promoted_stays(here: World, slow: float) -> None:
    later(here, PROMOTED, lambda: here.cloud.deploy_foreign("example1", seconds=slow))
    outcome = here.release(request())
    assert here.cloud.services["example1"]["taskDefinition"].endswith("example1:3")
    assert outcome.state == "Reverted"
    assert "somebody else deployed example1:3" in outcome.cause
    assert here.cloud.split() == (100, 0)


def test_a_hotfix_that_takes_longer_than_the_deadline_is_waited_for_from_outside(
    here: World,
) -> None:
    later(here, PROMOTED, lambda: here.cloud.deploy_foreign("example1", seconds=300))
    assert here.release(request()).state == "PromotionFailed"
    assert here.cloud.split() == (0, 100)
    here.pass_minutes(5)
    assert here.records() == {"release-1": "Reverted"}
    assert here.cloud.split() == (100, 0)
    assert here.cloud.running_image("example1") == FOREIGN_IMAGE


@pytest.mark.parametrize("seconds", [FIRST_BAKE, SECOND_BAKE, THIRD_BAKE])
def test_a_hotfix_on_the_canary_gets_no_traffic_for_long(here: World, seconds: float) -> None:
    later(here, seconds, lambda: here.cloud.deploy_foreign("example2"))
    swept = later(here, seconds + 10, lambda: tick(here))
    gone = later(here, seconds + 15, here.cloud.split)
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "somebody else deployed example2:3 to the canary example2" in outcome.cause
    assert (gone, swept[0]["stranded"]) == ([(100, 0)], [])


@AT_ANY_TIME
@pytest.mark.parametrize("service", ["example1", "example2"])
def test_the_same_revision_deployed_anew_is_waited_for(
    here: World, seconds: float, service: str
) -> None:
    later(here, seconds, lambda: here.cloud.deploy_foreign(service, same_revision=True))
    later(here, seconds + 3, lambda: tick(here))
    outcome = here.release(request())
    assert outcome.state == "Released"
    assert here.cloud.running_image("example1") == "shop:v2"


# Revisions that go


@pytest.mark.parametrize(
    ("seconds", "deleted"),
    [(0.0, False), (FIRST_BAKE, False), (PROMOTED, False), (PROMOTED, True)],
    ids=["before", "in a bake", "while it is replaced", "deleted while it is replaced"],
)
def test_a_failed_promotion_goes_back_to_a_copy(here: World, seconds: float, deleted: bool) -> None:
    def clean_up() -> None:
        here.cloud.deregister(OLD)
        if deleted:
            here.cloud.delete(OLD)

    here.clock.after(seconds, clean_up)
    here.clock.sleep(0)
    here.cloud.broken_images = {("example1", "shop:v2")}
    document = profile(promotion={"on_failure_timeout": "revert", "gate_seconds": 60})
    outcome = here.release(request(profile=document))
    assert outcome.state == "Reverted"
    (copy,) = copies_of(here.cloud)
    assert here.cloud.services["example1"]["taskDefinition"] == copy
    assert here.cloud.running_image("example1") == "shop:v1"
    here.pass_minutes(15)
    assert here.cloud.status(copy) == "ACTIVE"
    assert here.cloud.split() == (100, 0)


def test_a_primary_whose_revision_was_deleted_is_promoted_from_what_was_kept(here: World) -> None:
    later(here, FIRST_BAKE, lambda: here.cloud.deregister(OLD))
    later(here, FIRST_BAKE, lambda: here.cloud.delete(OLD))
    outcome = here.release(request())
    assert outcome.state == "Released"
    assert here.cloud.running_image("example1") == "shop:v2"
    assert here.cloud.split() == (100, 0)


def test_a_copy_that_nothing_runs_goes_with_the_release(here: World) -> None:
    here.cloud.deregister(OLD)
    assert here.release(request()).state == "Released"
    (copy,) = copies_of(here.cloud)
    assert here.cloud.status(copy) == "INACTIVE"
    assert register.entries(here.arn("release-1")) == []


def test_a_copy_whose_answer_was_lost_is_registered_once(here: World) -> None:
    here.cloud.deregister(OLD)
    lost: list[str] = []

    def lose(name: str, _params: Document) -> None:
        if name == "ecs.RegisterTaskDefinition" and not lost:
            lost.append(name)
            raise Refusal("ServerException", "lost", 500)

    here.cloud.after_call = lose
    assert here.release(request()).state == "Released"
    assert lost
    (copy,) = copies_of(here.cloud)
    assert here.cloud.status(copy) == "INACTIVE"


def test_somebody_elses_equal_revision_is_not_deregistered(here: World) -> None:
    here.cloud.deregister(OLD)
    theirs = here.cloud.register("example1", "shop:v1")
    assert here.release(request()).state == "Released"
    assert here.cloud.status(theirs) == "ACTIVE"


def test_a_copy_that_cannot_be_deregistered_is_seen_to_later(here: World) -> None:
    here.cloud.deregister(OLD)
    refused = True

    def refuse(name: str, _params: Document) -> None:
        if refused and name == "ecs.DeregisterTaskDefinition":
            raise Refusal("AccessDeniedException", "not yours")

    here.cloud.before_call = refuse
    assert here.release(request()).state == "Released"
    (copy,) = copies_of(here.cloud)
    left = []
    for _ in range(20):
        here.clock.sleep(60)
        left += tick(here)["left"]
    assert left
    assert all("copy example1:1" in sentence for sentence in left)
    refused = False
    here.pass_minutes(15)
    assert here.cloud.status(copy) == "INACTIVE"
    assert register.entries(here.arn("release-1")) == []


# What is left at rest


def test_a_canary_that_its_autoscaler_starts_again_is_scaled_in_again(here: World) -> None:
    here.cloud.autoscaler_minimum = {"example2": 1}
    assert here.release(request()).state == "Released"
    here.clock.sleep(70)
    assert here.cloud.services["example2"]["desiredCount"] == 1
    left: list[str] = []
    looks = []
    for _ in range(30):
        here.clock.sleep(60)
        found = tick(here)["left"]
        left += found
        looks.append(here.cloud.services["example2"]["desiredCount"])
    assert 0 in looks
    assert left
    assert all("is its autoscaler's minimum 0?" in sentence for sentence in left)
    here.cloud.autoscaler_minimum = {}
    here.pass_minutes(25)
    assert here.cloud.services["example2"]["desiredCount"] == 0
    assert due.until(2_000_000_000) == []


def test_a_canary_that_stays_scaled_in_is_looked_at_twice(here: World) -> None:
    assert here.release(request()).state == "Released"
    assert len(due.until(2_000_000_000)) == 2
    here.pass_minutes(3)
    assert len(due.until(2_000_000_000)) == 1
    here.pass_minutes(20)
    assert due.until(2_000_000_000) == []


def test_whoever_has_the_split_next_keeps_its_canary(here: World) -> None:
    assert here.release(request()).state == "Released"
    before = due.until(2_000_000_000)
    later(here, FIRST_BAKE + 30, lambda: tick(here))
    tasks = later(here, FIRST_BAKE + 35, lambda: due.until(2_000_000_000))
    desired = later(here, FIRST_BAKE + 35, lambda: here.cloud.services["example2"].desired)
    second = request(images={"app": "shop:v3"})
    assert here.release(second, "release-2").state == "Released"
    assert {task.execution for task in before} == {here.arn("release-1")}
    # It waits for the split to be free again, and counts that as no try.
    assert [(len(found), found[-1].tries) for found in tasks] == [(2, 0)]
    assert desired == [2]
    assert here.cloud.running_image("example1") == "shop:v3"


# Lending


def test_traffic_is_lent_while_the_primary_serves_nothing_and_returns_with_it(here: World) -> None:
    later(here, FIRST_BAKE, lambda: here.cloud.lose_tasks("example1", heals_after=200))
    swept = later(here, FIRST_BAKE + 20, lambda: tick(here))
    lent = later(here, FIRST_BAKE + 25, here.cloud.split)
    outcome = here.release(request())
    assert lent == [(0, 100)]
    assert "example1 serves nothing" in swept[0]["stranded"][0]
    assert outcome.state == "Reverted"
    assert "example1 serves nothing" in outcome.cause
    assert here.cloud.split() == (100, 0)


def test_a_look_that_comes_too_late_lends_nothing(here: World) -> None:
    seen = later(here, FIRST_BAKE, leases.held)
    later(here, FIRST_BAKE + 5, lambda: here.signal("revert"))
    assert here.release(request()).state == "Reverted"
    (stale,) = seen[0]
    here.cloud.lose_tasks("example1")
    here.cloud.set_desired("example2", 1)
    here.clock.sleep(60)
    with pytest.raises(LeaseLost):
        looks._lend(stale, leases.release_of(stale))
    assert here.cloud.split() == (100, 0)


def test_a_dead_release_whose_weights_had_returned_is_lent_for_as_well(here: World) -> None:
    here.start_and_stop(request(), "release-1", 1_062)
    here.wait(here.arn("release-1"))
    assert here.cloud.split() == (100, 0)
    here.cloud.lose_tasks("example1", heals_after=300)
    here.pass_minutes(2)
    assert here.cloud.split() == (0, 100)
    here.pass_minutes(10)
    assert here.cloud.split() == (100, 0)
    assert here.records() == {"release-1": "Released"}


def test_who_is_down_for_long_is_not_told_to_return_the_weights(here: World) -> None:
    later(here, FIRST_BAKE, lambda: here.cloud.lose_tasks("example1"))
    later(here, FIRST_BAKE + 20, lambda: tick(here))
    outcome = here.release(request())
    assert outcome.state == "RevertFailed"
    assert outcome.cause.startswith("The canary carries the traffic, because the primary serves")
    assert "by hand" not in outcome.cause


# Help that nobody has to hear of


def test_a_canary_that_is_scaled_in_late_is_nobodys_trouble(here: World) -> None:
    later(here, SECOND_BAKE, lambda: here.cloud.autoscale("example1", -1))
    later(here, SECOND_BAKE + 5, lambda: here.signal("revert"))
    assert here.release(request()).state == "Reverted"
    left: list[str] = []
    for _ in range(30):
        here.clock.sleep(60)
        left += tick(here)["left"]
    assert left == []
    assert here.cloud.services["example2"]["desiredCount"] == 0


def test_a_copy_is_not_taken_for_steady_by_a_read_from_before_the_promotion(here: World) -> None:
    here.cloud.broken_images = {("example1", "shop:v2")}
    later(here, FIRST_BAKE, lambda: here.cloud.deregister(OLD))

    def lag() -> None:
        here.cloud.lag = {"ecs.DescribeServices": 40.0}

    later(here, PROMOTED, lag)
    later(here, PROMOTED + 2, lambda: here.signal("revert"))
    retired: list[tuple[str, str]] = []

    def see(name: str, params: Document) -> None:
        newest = here.cloud.view("example1")["deployments"][0]
        if name == "ecs.UpdateService" and params.get("desiredCount") == 0:
            retired.append((newest["taskDefinition"], newest["rolloutState"]))

    here.cloud.before_call = see
    assert here.release(request()).state == "Reverted"
    assert retired == [(copies_of(here.cloud)[0], "COMPLETED")]
