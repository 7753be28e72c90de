"""Pages: what became of releases, what happened within one, and what is still to do."""

import json
from dataclasses import replace

import pytest

from stepcanary.aws import clients
from stepcanary.contracts.questions import HistoryQuestion
from stepcanary.control import past
from stepcanary.domain.signals import Signal
from stepcanary.store import due, groups, leases, ledger, queue, rest, table
from stepcanary.store.due import Task
from stepcanary.store.rest import Resting
from stepcanary.store.table import ItemKey
from tests.store.conftest import StandingClock, release_named

NOTHING = ledger.Shipped({}, "")


def look() -> list[Resting]:
    """The splits of one sweep."""
    looks = rest.next_looks()
    rest.have_looked(looks)
    return looks.looks


def rest_many(count: int) -> None:
    """The ledger after releases of so many services: what one of them leaves, so many times."""
    release = release_named("n", service="s000")
    leases.free(leases.take(release), release)
    (left,) = clients.dynamodb().query(
        TableName="ledger",
        KeyConditionExpression="pk = :rest",
        ExpressionAttributeValues={":rest": {"S": "rest"}},
    )["Items"]
    for number in range(1, count):
        another = json.loads(json.dumps(left).replace("s000", f"s{number:03d}"))
        clients.dynamodb().put_item(TableName="ledger", Item=another)


def test_what_became_of_the_releases_of_a_service_newest_first(standing: StandingClock) -> None:
    for number in range(60):
        release = release_named(f"n{number:02d}")
        ledger.record(release, "Running", "")
        standing.pass_seconds(60)
        ledger.close(release, "Released" if number % 2 else "Reverted", f"cause {number}", NOTHING)
    first = ledger.releases_of_service("checkout")
    second = ledger.releases_of_service("checkout", first.after or "")
    names = [record.execution.rpartition(":")[2] for record in (*first.records, *second.records)]
    assert names == [f"n{number:02d}" for number in reversed(range(60))]
    assert (first.records[0].outcome, first.records[0].cause) == ("Released", "cause 59")
    assert second.after is None


def test_a_day_has_the_releases_of_all_services(standing: StandingClock) -> None:
    for service in ("checkout", "basket"):
        ledger.record(release_named(f"of-{service}", service=service), "Running", "")
    standing.pass_seconds(86_400)
    ledger.record(release_named("later"), "Running", "")
    found = ledger.releases_of_day("2026-11-25").records
    assert {record.service for record in found} == {"checkout", "basket"}
    assert len(ledger.releases_of_day("2026-11-26").records) == 1


@pytest.mark.parametrize("since", ["", "2026-11-20"])
def test_the_history_of_all_services_counts_a_rollback_of_each(
    standing: StandingClock, since: str
) -> None:
    back = {"fled": {"version": "shop:v2"}}
    for changed in ({}, back):
        for service in ("basket", "checkout", "mail")[: 2 if changed else 3]:
            name = f"{service}-{len(changed)}"
            release = release_named(name, service=service, **changed)
            ledger.record(release, "Running", "")
            standing.pass_seconds(60 if service == "basket" else 120)
            ledger.close(release, "Released", "", NOTHING)
        standing.pass_seconds(86_400)
    found = past.history(HistoryQuestion(question="history", since=since))
    assert [each.rollback for each in found.releases] == [True, True, False, False, False]
    assert found.summary == ("3 changes, 2 failed (67 %); time to restore 1 min 30 s (median of 2)")
    of_one = past.history(HistoryQuestion(question="history", service="checkout"))
    assert of_one.summary.startswith("1 change, 1 failed (100 %); time to restore 2 min")


def test_a_release_is_one_record_however_often_it_is_written(standing: StandingClock) -> None:
    release = release_named("one")
    ledger.record(release, "Running", "")
    standing.pass_seconds(86_400)
    ledger.close(release, "Reverted", "an alarm", NOTHING)
    ledger.close(release, "Reverted", "an alarm", NOTHING)
    (record,) = ledger.releases_of_service("checkout").records
    assert (record.outcome, record.updated_at - record.started_at) == ("Reverted", 86_400)
    assert ledger.find(release) == record
    assert ledger.releases_of_day("2026-11-26").records == []


def test_the_last_good_release_is_remembered_beside_the_last() -> None:
    good, bad = release_named("good"), release_named("bad", images={"app": "shop:v3"})
    for release in (good, bad):
        leases.free(leases.take(release), release)
    ledger.close(good, "Released", "", NOTHING)
    ledger.close(bad, "Reverted", "", NOTHING)
    last = ledger.last("checkout")
    assert last is not None
    assert (last.execution, last.outcome) == (bad.execution, "Reverted")
    assert ledger.last_released("checkout") == good
    assert ledger.last("basket") is None
    assert ledger.last_released("basket") is None


def test_what_happened_within_a_release_is_told_in_order(standing: StandingClock) -> None:
    execution = release_named("one").execution
    for by in ("jane", "john"):
        ledger.note_signal(execution, Signal(kind="pause", by=by))
        standing.pass_seconds(5)
    story = ledger.story(execution)
    assert [event["signal"]["by"] for event in story.events] == ["jane", "john"]
    assert ledger.story(release_named("two").execution).events == []


def test_only_the_newest_waits_and_is_found_by_its_service() -> None:
    split, waits = release_named("one").split, release_named("waits").execution
    assert queue.enqueue(split, "checkout", waits, 2)
    assert not queue.enqueue(split, "checkout", f"{waits}-older", 1)
    (place,) = queue.waiting("checkout")
    assert place.execution == waits
    # Another service may have the same split.
    assert queue.enqueue(split, "basket", f"{waits}-newer", 3)
    assert queue.waiting("checkout") == []
    assert [place.split for place in queue.waiting("basket")] == [split]


def test_a_bounded_number_of_splits_at_rest_is_looked_at_each_time() -> None:
    rest_many(50)
    looks = [[resting.split for resting in look()] for _ in range(4)]
    assert [len(look) for look in looks] == [20, 20, 10, 20]
    assert len({split for look in looks[:3] for split in look}) == 50
    assert looks[3] == looks[0]


def test_a_split_that_was_moved_is_looked_at_each_time_until_it_rests() -> None:
    rest_many(50)
    first = look()[0]
    rest.set_moved(first)
    looks = [look() for _ in range(3)]
    assert [look[0] for look in looks] == [replace(first, moved=True)] * 3
    assert [len({resting.split for resting in look}) for look in looks] == [21, 11, 20]
    rest.set_rested(looks[0][0])
    assert first.split not in {resting.split for resting in look()}


def test_of_many_that_were_moved_each_has_its_turn_and_all_are_known() -> None:
    rest_many(50)
    for _ in range(3):
        for resting in look():
            rest.set_moved(resting)
    looks = [rest.next_looks()]
    for _ in range(2):
        rest.have_looked(looks[-1])
        looks.append(rest.next_looks())
    seen = {resting.split for each in looks for resting in each.looks if resting.moved}
    assert len(seen) == 50
    assert {len(each.looks) for each in looks} == {20}
    assert {len(each.moved_before) for each in looks} == {30}


def test_a_route_that_is_gone_is_looked_at_no_more() -> None:
    release = release_named("one")
    leases.free(leases.take(release), release)
    (resting,) = look()
    rest.set_moved(resting)
    rest.forget(resting)
    assert look() == []


def test_what_is_due_is_found_by_its_time() -> None:
    soon = Task(1_000, "retire", "checkout", "arn:one")
    later = Task(2_000, "keep", "basket", "arn:two")
    for task in (later, soon):
        due.add(task)
    assert due.until(999) == []
    assert due.until(1_000) == [soon]
    assert due.until(5_000) == [soon, later]
    due.done(soon)
    assert due.until(5_000) == [later]


@pytest.mark.parametrize("places", [1, 2])
def test_a_group_has_so_many_places(places: int) -> None:
    joined = [groups.join("payments", f"arn:{number}", places) for number in range(3)]
    assert joined == [number < places for number in range(3)]
    assert groups.join("payments", "arn:0", places)
    groups.leave("payments", "arn:0")
    assert groups.join("payments", "arn:2", places)
    assert "arn:0" not in groups.holders("payments")
    assert groups.holders("nobody's") == frozenset()


def test_the_last_good_release_can_be_gone_back_from_for_good() -> None:
    first, second = release_named("first"), release_named("second")
    for release in (first, second):
        leases.free(leases.take(release), release)
        ledger.close(release, "Released", "", NOTHING)
    keeps = {
        name: "expires_at" in (table.get(ItemKey(f"release#{name}", "document")) or {})
        for name in ("first", "second")
    }
    assert keeps == {"first": True, "second": False}
