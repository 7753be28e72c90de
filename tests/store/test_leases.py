"""Leases: taken and given back whole, and found by what they are about."""

import pytest

from stepcanary.domain import moments
from stepcanary.domain.moments import MOST
from stepcanary.domain.signals import Signal
from stepcanary.domain.stage import OPENING, ROLLOUT
from stepcanary.errors import DocumentUnreadable, LeaseHeld, LeaseLost, SignalRefused, SplitTaken
from stepcanary.store import leases, ledger, mailbox, queue, stages, table
from stepcanary.store.lease_items import lease_key
from stepcanary.store.table import Change, ItemKey
from tests.store.conftest import StandingClock, release_named

ALL_ITEMS_OF_A_FREE_SPLIT = {"lease", "document"}


def items() -> list[tuple[str, str]]:
    from stepcanary.aws import clients

    found = clients.dynamodb().scan(TableName="ledger")["Items"]
    return sorted((item["pk"]["S"], item["sk"]["S"]) for item in found)


def test_a_lease_is_found_by_all_that_it_is_about() -> None:
    release = release_named("one")
    lease = leases.take(release)
    assert (lease.holder, lease.fence, lease.stage) == (release.execution, 1, OPENING)
    assert leases.read(release.split) == lease
    assert leases.held() == [lease]
    ((found, service),) = leases.watching("checkout-5xx")
    assert (found.split, found.holder, found.since) == (lease.split, lease.holder, lease.since)
    assert service == "checkout"
    assert leases.of_service("checkout") == [lease]
    assert leases.release_of(lease) == release


def test_nothing_finds_a_lease_that_was_given_back() -> None:
    release = release_named("one")
    leases.free(leases.take(release), release)
    assert leases.read(release.split).holder == ""
    assert leases.read(release.split).fence == 1
    assert (leases.held(), leases.watching("checkout-5xx"), leases.of_service("checkout")) == (
        [],
        [],
        [],
    )
    kept = {("rest", release.split), (f"split#{release.split}", "lease")}
    assert set(items()) == kept | {("release#one", "document")}


def test_who_takes_again_has_it_already() -> None:
    release = release_named("one")
    first = leases.take(release)
    assert leases.take(release) == first


def test_the_fence_rises_with_each_holder() -> None:
    for number in (1, 2, 3):
        release = release_named(f"number-{number}")
        lease = leases.take(release)
        assert lease.fence == number
        leases.free(lease, release)


def test_a_split_has_one_holder() -> None:
    leases.take(release_named("one"))
    with pytest.raises(SplitTaken, match="one began a release on the same split"):
        leases.take(release_named("two"))


def test_all_splits_are_taken_or_none() -> None:
    leases.take(release_named("one", service="basket", routes=["b"]))
    before = items()
    with pytest.raises(SplitTaken):
        leases.take(release_named("two", routes=["a", "b", "c"]))
    assert items() == before


def test_all_splits_are_given_back_together() -> None:
    release = release_named("one", routes=["a", "b", "c"])
    lease = leases.take(release)
    assert [leases.read(split).holder for split in release.splits] == [release.execution] * 3
    leases.free(lease, release)
    assert [leases.read(split).holder for split in release.splits] == [""] * 3


@pytest.mark.parametrize(
    "cluster", ["example", "arn:aws:ecs:us-east-1:123456789012:cluster/example"]
)
def test_two_splits_in_front_of_the_same_ecs_services_have_one_release(cluster: str) -> None:
    leases.take(release_named("one", routes=["a"]))
    with pytest.raises(LeaseHeld, match="one is releasing the same ECS services"):
        leases.take(release_named("two", routes=["b"], cluster=cluster))


def test_services_of_one_name_in_two_clusters_are_two() -> None:
    leases.take(release_named("one", routes=["a"]))
    leases.take(release_named("two", routes=["b"], cluster="another"))


def test_what_a_lease_that_was_freed_by_hand_left_behind_keeps_nobody_out() -> None:
    dead = release_named("dead", routes=["a", "b"])
    lease = leases.take(dead)
    table.change(Change(lease_key(lease.split), remove=("holder",)))
    ((found, _),) = leases.watching("checkout-5xx")
    with pytest.raises(SignalRefused, match="has ended just now"):
        mailbox.keep(found, Signal(kind="revert"))
    assert leases.read("appmesh/123456789012/example/example/b").holder == ""
    release = release_named("next", routes=["b"])
    for _ in range(3):
        try:
            leases.take(release)
        except SplitTaken:
            continue
        break
    assert leases.read(release.split).holder == release.execution
    # What the sweep would read each minute is gone with its first look.
    assert [lease.split for lease in leases.held()] == [release.split]
    assert [item["sk"] for item in table.every("held")] == [release.split]


def test_a_manual_shift_is_found_by_no_alarm_and_no_signal() -> None:
    shift = release_named("shift", images=None)
    queue.enqueue(shift.split, "checkout", f"{shift.execution}-waits", 1)
    lease = leases.take(shift)
    assert leases.held() == [lease]
    assert leases.watching("checkout-5xx") == []
    assert leases.of_service("checkout") == []
    # And it takes nobody's turn.
    assert queue.queued(shift.split) is not None


def test_a_release_takes_the_place_of_who_waits() -> None:
    release = release_named("one")
    queue.enqueue(release.split, "checkout", release.execution, 1)
    leases.take(release)
    assert queue.queued(release.split) is None
    assert queue.waiting("checkout") == []


def test_who_has_lost_the_lease_is_told(standing: StandingClock) -> None:
    release = release_named("one")
    lease = leases.take(release)
    leases.take_over(lease)
    with pytest.raises(LeaseLost):
        leases.check(release, lease.fence)
    with pytest.raises(LeaseLost):
        leases.park(lease)
    with pytest.raises(LeaseLost):
        stages.enter(release, lease.fence, ROLLOUT)


def test_a_lease_that_has_gone_on_is_not_given_back() -> None:
    release = release_named("one")
    opening = leases.take(release)
    stages.enter(release, opening.fence, ROLLOUT)
    leases.free(opening, release)
    assert leases.read(release.split).holder == release.execution
    assert len(leases.held()) == 1


def test_the_largest_release_fits_in_a_transaction() -> None:
    release = release_named(
        "large",
        routes=[f"route-{number}" for number in range(10)],
        alarms=[f"alarm-{number}" for number in range(50)],
    )
    lease = leases.take(release)
    assert len(leases._takes(release)) <= table.MOST_ITEMS_OF_A_TRANSACTION
    leases.free(lease, release)
    assert leases.held() == []


def test_a_lease_without_a_document_says_so() -> None:
    release = release_named("one")
    lease = leases.take(release)
    table.delete(table.Delete(ItemKey("release#one", "document")))
    with pytest.raises(DocumentUnreadable, match="no document"):
        leases.release_of(lease)


def test_the_item_of_a_lease_is_small() -> None:
    release = release_named("one", alarms=[f"alarm-{number}" for number in range(50)])
    lease = leases.take(release)
    item = table.get(lease_key(lease.split))
    assert len(str(item)) < 600
    assert ledger.release_of(release.execution) == release


def test_a_split_that_was_freed_by_hand_keeps_no_other_from_being_given_back() -> None:
    release = release_named("one", routes=["a", "b", "c"])
    lease = leases.take(release)
    stray = next(split for split in release.splits if split != lease.split)
    table.change(Change(lease_key(stray), remove=("holder", "lead")))
    thief = release_named("two", service="basket", routes=["b"])
    assert stray == thief.split
    leases.take(thief)
    assert leases.free(lease, release)
    assert [leases.read(split).holder for split in release.splits] == ["", thief.execution, ""]
    assert not leases.free(lease, release)


def test_every_route_of_a_manual_shift_remembers_its_weight() -> None:
    shift = release_named("shift", images=None, routes=["a", "b"])
    lease = stages.confirm(leases.take(shift), 30, {})
    leases.free(lease, shift)
    assert [leases.read(split).left_at for split in shift.splits] == [30, 30]
    release = release_named("next", routes=["a", "b"])
    leases.free(stages.confirm(leases.take(release), 50, {}), release)
    assert [leases.read(split).left_at for split in shift.splits] == [0, 0]


def test_what_finds_a_lease_that_was_freed_by_hand_is_gone_after_a_sweep() -> None:
    release = release_named("one")
    lease = leases.take(release)
    table.change(Change(lease_key(lease.split), remove=("holder",)))
    assert leases.held() == []
    kept = {("rest", release.split), (f"split#{release.split}", "lease")}
    taken_down = {key for key in items() if key[0] == "due" and "take_down" in key[1]}
    assert len(taken_down) == 1
    assert set(items()) == kept | taken_down | {("release#one", "document")}


def test_a_signal_of_a_newer_version_keeps_no_other_release_from_help() -> None:
    lease = leases.take(release_named("newer"))
    leases.take(release_named("ours", service="basket"))
    table.change(Change(lease_key(lease.split), set={"signal": {"kind": "halt", "at": 1}}))
    assert len(leases.held()) == 2


def test_what_is_noted_of_the_release_is_there_until_it_is_taken_out() -> None:
    release = release_named("one")
    lease = leases.take(release)
    lease = stages.note_canary(lease, "canary:2")
    lease = leases.change(lease, primary_revision="primary:2")
    lease = stages.note_copy(lease, "primary:3")
    lease = stages.note_shortage(lease, 1_000)
    lease = stages.note_held(lease, 2_000)
    assert leases.read(release.split) == lease
    noted = (lease.canary_revision, lease.primary_revision, lease.copy, lease.held_at)
    assert noted == ("canary:2", "primary:2", "primary:3", 2_000)
    assert (lease.short_since, stages.note_shortage(lease, None).short_since) == (1_000, None)
    assert stages.note_shortage(lease, None) == leases.read(release.split)
    assert leases.read(release.split).held_at == 2_000


def test_a_change_sets_and_removes_at_once_and_only_for_the_holder() -> None:
    release = release_named("one")
    lease = leases.change(leases.take(release), short_since=7)
    changed = leases.change(lease, remove=("short_since", "never_there"), copy="primary:3")
    assert (changed.short_since, changed.copy) == (None, "primary:3")
    leases.free(changed, release)
    with pytest.raises(LeaseLost):
        leases.change(changed, remove=("copy",))


def test_the_next_holder_knows_nothing_of_the_revisions_before() -> None:
    release = release_named("one")
    lease = leases.take(release)
    lease = stages.note_canary(leases.change(lease, primary_revision="primary:2"), "canary:2")
    lease = stages.note_held(stages.note_shortage(stages.note_copy(lease, "c"), 1), 2)
    leases.free(lease, release)
    after = leases.take(release_named("two"))
    noted = (after.canary_revision, after.primary_revision, after.copy)
    assert (noted, after.short_since, after.held_at) == (("", "", ""), None, None)


def test_the_moments_of_a_release_that_never_ends_are_bounded() -> None:
    release = release_named("one")
    lease = leases.take(release)
    for number in range(300):
        lease = stages.confirm(lease, 5, {}, foreign=f"somebody wrote it, for the {number}th time")
    assert len(lease.moments) <= MOST
    assert leases.read(release.split).moments == lease.moments
    found = moments.read(lease.moments)
    # The first one confirmed a weight as well.
    assert moments.left_out(found) + len(found) - 1 == 301
    assert found[0].kind == "weight"
    assert found[-1].text.endswith("299th time")


def test_two_that_shorten_a_lease_at_once_leave_out_no_more_than_one() -> None:
    release = release_named("one")
    lease = leases.take(release)
    told = [f"{at} weight 5" for at in range(1, MOST + 2)]
    lease = leases.change(lease, append={"moments": told})
    once = leases.shortened(lease)
    assert leases.shortened(lease).moments == lease.moments
    assert leases.read(release.split) == once
