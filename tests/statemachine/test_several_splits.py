"""Several splits in one release: they move together, and they all come back."""

from collections.abc import Iterator

import pytest

from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.store import leases, table
from stepcanary.store.lease_items import lease_key
from stepcanary.store.table import Change, Put
from tests.builders import profile, request
from tests.fakes.cloud import Document, Refusal
from tests.fakes.fronts import ThreeFronts
from tests.statemachine.runner import World, world

AT_REST = [(100, 0)] * 3
SHIFTS = 3
"""How often a release raises the canary's weight."""


class Three(World):
    cloud: ThreeFronts
    signalled: bool

    def release_all(self, name: str = "release-1", **changed: object) -> str:
        traffic = self.cloud.all_traffic()
        return self.release(request(profile=profile(traffic=traffic), **changed), name).state


@pytest.fixture
def here() -> Iterator[Three]:
    three = Three()
    three.cloud = ThreeFronts(three.clock)
    three.cloud.on_alarm = three._tell_of_alarm
    with world(three):
        yield three


def held(here: Three) -> list[str]:
    """The splits that somebody holds."""
    items = [item for item in here.leases() if "holder" in item]
    return [item["pk"]["S"].removeprefix("split#") for item in items]


def writes(here: Three) -> list[str]:
    return [name for name, _ in here.cloud.calls if name in here.cloud.writes]


def is_write(here: Three, name: str, number: int) -> bool:
    """Whether this call, noted already, is the write of this number, counted route by route.

    On the way back the three are written at the same time, in no order: so each route's own are
    counted.
    """
    turn, route = divmod(number, 3)
    return name == here.cloud.writes[route] and writes(here).count(name) == turn + 1


def test_all_move_together_and_nothing_else_changes(here: Three) -> None:
    before, seen = here.cloud.all_without_weights(), []
    judged = here.handlers["JudgeCanaryFunction"]

    def judge(event: Document, context: object) -> object:
        seen.append(here.cloud.splits())
        return judged(event, context)

    here.handlers["JudgeCanaryFunction"] = judge
    assert here.release_all() == "Released"
    assert seen == [[(95, 5)] * 3, [(50, 50)] * 3, [(0, 100)] * 3]
    assert here.cloud.splits() == AT_REST
    assert here.cloud.all_without_weights() == before
    up, back = writes(here)[: 3 * SHIFTS], writes(here)[3 * SHIFTS :]
    assert up == list(here.cloud.writes) * SHIFTS
    assert sorted(back) == sorted(here.cloud.writes), "at the same time, so in no order"
    assert held(here) == []


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "done, and the answer refused"])
@pytest.mark.parametrize("number", range(3 * SHIFTS))
def test_a_write_that_fails_brings_all_of_them_back(here: Three, number: int, lost: bool) -> None:
    before = here.cloud.all_without_weights()

    def refuse(name: str, _params: Document) -> None:
        if is_write(here, name, number):
            code = {"appmesh": "ForbiddenException", "elbv2": "AccessDenied"}
            raise Refusal(code.get(name.split(".")[0], "AccessDeniedException"), "no", 403)

    setattr(here.cloud, "after_call" if lost else "before_call", refuse)
    assert here.release_all() == "Reverted"
    assert here.cloud.splits() == AT_REST
    assert here.cloud.all_without_weights() == before
    assert held(here) == []


@pytest.mark.parametrize("number", range(3 * (SHIFTS + 1)))
def test_a_write_that_is_throttled_once_is_made_again(here: Three, number: int) -> None:
    def throttle(name: str, _params: Document) -> None:
        if is_write(here, name, number):
            raise Refusal("ThrottlingException", "slow down", 429)

    here.cloud.before_call = throttle
    assert here.release_all() == "Released"
    assert here.cloud.splits() == AT_REST


@pytest.mark.parametrize("stuck", ThreeFronts.writes)
def test_one_that_cannot_be_returned_keeps_no_other_from_it(here: Three, stuck: str) -> None:
    number = ThreeFronts.writes.index(stuck)

    def go_wrong() -> None:
        def refuse(name: str, _params: Document) -> None:
            if name == stuck:
                raise Refusal("AccessDenied", "no", 403)

        here.cloud.before_call = refuse
        here.signal("revert")

    here.clock.after(60, go_wrong)
    outcome = here.release(request(profile=profile(traffic=here.cloud.all_traffic())))
    assert outcome.state == "RevertFailed"
    assert "AccessDenied" in outcome.cause
    assert here.cloud.splits() == [(95, 5) if n == number else (100, 0) for n in range(3)]
    assert len(held(here)) == 3
    assert "AccessDenied" in here.invoke("ReconcileFunction", {})["stranded"][0]
    here.cloud.before_call = lambda _name, _params: None
    here.pass_minutes(4)
    assert here.cloud.splits() == AT_REST
    assert held(here) == []


def test_a_foreign_write_to_any_of_them_reverts_all(here: Three) -> None:
    here.clock.after(60, lambda: here.cloud.lattice.write_foreign(30))
    outcome = here.release(request(profile=profile(traffic=here.cloud.all_traffic())))
    assert outcome.state == "Reverted"
    assert f"somebody else wrote rule {here.cloud.lattice.rule}" in outcome.cause
    assert here.cloud.splits() == AT_REST


@pytest.mark.parametrize("number", range(3))
def test_another_release_of_any_of_them_is_rejected(here: Three, number: int) -> None:
    other = request(
        service="basket",
        images={"app": "shop:v9"},
        profile=profile(traffic=[here.cloud.all_traffic()[number]]),
    )
    causes = []
    here.clock.after(60, lambda: causes.append(here.release(other, "basket-1").cause))
    assert here.release_all() == "Released"
    assert "release-1 is releasing on the same split" in causes[0]
    # And afterwards it may.
    assert here.release(other, "basket-2").state == "Released"
    assert here.invoke("ReconcileFunction", {})["stranded"] == []


def test_all_splits_are_taken_or_none(here: Three) -> None:
    """Another release takes the third between the plan and the lease."""
    third = max(here.cloud.all_traffic(), key=lambda traffic: str(traffic["router"]))
    assert third["router"] == "lattice"
    split = f"lattice/{'/'.join(lattice_key(third))}"
    fast = "arn:aws:states:us-east-1:123456789012:execution:stepcanary-release:fast"
    takes = leases.take

    def late(release: Release) -> Lease:
        table.put(Put(lease_key(split), {"holder": fast, "execution": fast}))
        return takes(release)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(leases, "take", late)
        assert here.release_all() == "Rejected"
    assert held(here) == [split]
    assert leases.held() == []


def lattice_key(traffic: Document) -> list[str]:
    return [traffic["service"], traffic["listener"], traffic["rule"]]


def test_a_dead_release_is_brought_home_on_all_of_them(here: Three) -> None:
    all_of_them = request(profile=profile(traffic=here.cloud.all_traffic()))
    here.wait(here.start_and_stop(all_of_them, "release-1", 400))
    here.pass_minutes(4)
    assert here.cloud.splits() == AT_REST
    assert here.records() == {"release-1": "Reverted"}
    assert held(here) == []


def test_a_split_whose_lead_was_freed_by_hand_is_free(here: Three) -> None:
    here.lost.add("ReconcileFunction")
    all_of_them = request(profile=profile(traffic=here.cloud.all_traffic()))
    here.wait(here.start_and_stop(all_of_them, "release-1", 12))
    (lead,) = leases.held()
    table.change(Change(lease_key(lead.split), remove=("holder",)))
    assert here.release_all("release-2", images={"app": "shop:v3"}) == "Released"
    assert held(here) == []


def test_a_split_that_is_freed_by_hand_keeps_no_other(here: Three) -> None:
    """Of a release that goes on and ends well."""

    def free() -> None:
        (lead,) = leases.held()
        other = next(s for s in leases.release_of(lead).splits if s != lead.split)
        table.change(Change(lease_key(other), remove=("holder", "lead")))

    here.clock.after(400, free)
    assert here.release_all() == "Released"
    assert (held(here), here.left_behind()) == ([], [])
    assert here.invoke("ReconcileFunction", {}) == {
        "recovered": [],
        "stranded": [],
        "left": [],
    }


def test_a_shift_of_all_of_them_is_left_where_it_was_wanted(here: Three) -> None:
    here.cloud.ecs_update("example2", "example2:1")
    here.cloud.services["example2"]["desiredCount"] = 2
    here.clock.sleep(60)
    whole = profile(traffic=here.cloud.all_traffic())
    shift = {"action": "shift", "service": "checkout", "weight": 30, "profile": whole}
    assert here.release(shift, "shift-1").state == "Done"
    assert {canary for _, canary in here.cloud.splits()} == {30}
    assert here.invoke("ReconcileFunction", {})["stranded"] == []
    here.cloud.alb.write_foreign(40)
    assert len(here.invoke("ReconcileFunction", {})["stranded"]) == 1


def test_one_route_listed_twice_is_rejected(here: Three) -> None:
    twice = [here.cloud.traffic, {**here.cloud.traffic, "mesh_owner": "123456789012"}]
    outcome = here.release(request(profile=profile(traffic=twice)))
    assert outcome.state == "Rejected"
    assert "is listed twice" in outcome.cause


def test_one_that_cannot_be_read_keeps_no_care_from_the_others(here: Three) -> None:
    """A promotion fails while a rule is gone: the canary is held, and the primary put back."""
    here.cloud.broken_images = {("example1", "shop:v2")}

    def lose() -> None:
        def refuse(name: str, _params: Document) -> None:
            if name == "vpc-lattice.GetRule":
                raise Refusal("AccessDeniedException", "no", 403)

        here.cloud.before_call = refuse

    # Three bakes of 300 s, each after the 90 s that Lattice may take.
    here.clock.after(1_195, lose)
    assert here.release_all() == "PromotionFailed"
    here.pass_minutes(5)
    assert here.cloud.running_image("example1") == "shop:v1"
    assert here.cloud.splits() == [(100, 0), (100, 0), (0, 100)]
    assert len(held(here)) == 3
    here.cloud.before_call = lambda _name, _params: None
    here.pass_minutes(5)
    assert here.cloud.splits() == AT_REST
    assert held(here) == []
    assert here.records() == {"release-1": "Reverted"}


@pytest.mark.parametrize("number", range(3))
def test_a_return_that_fails_once_is_made_again(here: Three, number: int) -> None:
    def refuse(name: str, _params: Document) -> None:
        if is_write(here, name, 3 * SHIFTS + number):
            raise Refusal("AccessDenied", "no", 403)

    here.cloud.before_call = refuse
    assert here.release_all() == "Released"
    assert here.cloud.splits() == AT_REST


def test_who_wrote_is_named_although_another_route_failed(here: Three) -> None:
    denied: list[str] = []

    def deny_once(name: str, _params: Document) -> None:
        if name == "vpc-lattice.UpdateRule" and here.signalled and not denied:
            denied.append(name)
            raise Refusal("AccessDeniedException", "no", 403)

    def meddle() -> None:
        here.cloud.before_call = deny_once
        here.cloud.alb.write_foreign(30)
        here.signalled = True
        here.signal("revert")

    here.signalled = False
    here.clock.after(100, meddle)
    outcome = here.release(request(profile=profile(traffic=here.cloud.all_traffic())))
    assert outcome.state == "Reverted"
    assert denied
    assert "somebody else wrote listener rule" in outcome.cause


def test_what_a_lead_left_is_not_taken_for_a_release(here: Three) -> None:
    """A person has freed it by hand; then its split is one of several."""
    for number in range(3):
        stale = request(
            service="checkout", profile=profile(traffic=[here.cloud.all_traffic()[number]])
        )
        here.wait(here.start_and_stop(stale, f"dead-{number}", 100))
        for split in held(here):
            table.change(Change(lease_key(split), remove=("holder",)))
        here.cloud.services["example2"]["desiredCount"] = 0
        for cloud in (here.cloud, here.cloud.alb, here.cloud.lattice):
            cloud.write_foreign(0)
    message: list[object] = []
    here.clock.after(60, lambda: message.append(here.signal("promote")["executions"]))
    outcome = here.release(request(profile=profile(traffic=here.cloud.all_traffic())), "release-9")
    assert outcome.state == "Released", outcome.cause
    assert len(message) == 1
    assert len(message[0]) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize("dies", [False, True])
def test_clients_that_are_pinned_to_the_canary_keep_its_tasks(here: Three, dies: bool) -> None:
    here.cloud.alb.pin(1_800)
    scaled_in, returned = [], []

    def note(name: str, params: Document) -> None:
        if name == "ecs.UpdateService" and params.get("desiredCount") == 0:
            scaled_in.append(here.clock.now())
        if name == "elbv2.ModifyRule" and here.cloud.alb.split() == (100, 0):
            returned.append(here.clock.now())

    here.cloud.after_call = note
    traffic = [{**here.cloud.alb.traffic, "accept_stickiness": True}]
    wanted = request(profile=profile(traffic=traffic))
    if dies:
        here.wait(here.start_and_stop(wanted, "release-1", 100))
        here.pass_minutes(40)
    else:
        assert here.release(wanted).state == "Released"
    assert (scaled_in[0] - returned[0]).total_seconds() >= 1_800
    assert held(here) == []
