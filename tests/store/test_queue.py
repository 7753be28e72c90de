"""Queue: places at a split, and of those that wait to begin."""

import pytest

from stepcanary.domain.release import Release
from stepcanary.errors import RequestRejected
from stepcanary.store import leases, queue
from tests.store.conftest import EXECUTION, StandingClock, release_named

SPLIT = "appmesh/example"
FIRST, SECOND = f"{EXECUTION}first", f"{EXECUTION}second"


@pytest.fixture
def release() -> Release:
    return release_named("release-1")


def withdraw(service: str = "checkout") -> list[bool]:
    return [queue.withdraw(service, place, "by jane") for place in queue.waiting(service)]


def test_who_asks_again_has_waited_since_the_first_time(standing: StandingClock) -> None:
    assert queue.enqueue(SPLIT, "checkout", FIRST, 1)
    before = queue.queued(SPLIT)
    standing.pass_seconds(3_600)
    assert queue.enqueue(SPLIT, "checkout", FIRST, 1)
    assert queue.queued(SPLIT) == before


def test_one_that_was_withdrawn_leaves_its_place_to_an_older_one() -> None:
    assert queue.enqueue(SPLIT, "checkout", SECOND, 2)
    assert not queue.enqueue(SPLIT, "checkout", FIRST, 1)
    assert withdraw() == [True]
    assert queue.waiting("checkout") == []
    assert queue.enqueue(SPLIT, "checkout", FIRST, 1)
    assert [place.execution for place in queue.waiting("checkout")] == [FIRST]


def test_one_that_was_withdrawn_takes_no_lease(release: Release) -> None:
    queue.enqueue(release.split, "checkout", release.execution, 1)
    assert withdraw() == [True]
    with pytest.raises(RequestRejected, match="withdrawn before it began: by jane"):
        leases.take(release)
    assert leases.read(release.split).holder == ""


def test_one_that_has_the_lease_is_withdrawn_no_more(release: Release) -> None:
    queue.enqueue(release.split, "checkout", release.execution, 1)
    (place,) = queue.waiting("checkout")
    leases.take(release)
    assert not queue.withdraw("checkout", place, "by jane")


def test_the_lease_of_another_leaves_the_place_where_it_is(release: Release) -> None:
    """Whether it is the newer one is not the table's to say."""
    queue.enqueue(release.split, "checkout", SECOND, 2)
    leases.take(release)
    assert [place.execution for place in queue.waiting("checkout")] == [SECOND]


def test_one_that_waits_to_begin_is_found_and_withdrawn_once() -> None:
    queue.start_later("checkout", FIRST, 60)
    assert [(place.execution, place.split) for place in queue.waiting("checkout")] == [(FIRST, "")]
    assert withdraw() == [True]
    for _ in range(2):
        place = queue.start_now("checkout", FIRST)
        assert place is not None
        assert place.withdrawn == "by jane"


def test_one_that_begins_waits_no_more() -> None:
    queue.start_later("checkout", FIRST, 60)
    assert queue.start_now("checkout", FIRST) is None
    assert queue.start_now("checkout", FIRST) is None
    assert queue.waiting("checkout") == []
