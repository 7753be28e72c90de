"""Capacity: what a weight needs, what is missing, and when traffic has to leave the canary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.capacity import (
    Capacity,
    Rolling,
    Sizing,
    can_take_over,
    cost,
    takes_back,
    tasks_for,
)

FULL = st.integers(1, 5_000)
COUNT = st.integers(0, 5_000)
PERCENT = st.integers(0, 100)
HEALTHY = st.none() | COUNT
CAPACITY = st.builds(Capacity, st.just("example2"), FULL, COUNT, HEALTHY)


@pytest.mark.parametrize(
    ("full", "weight", "needed"),
    [(2, 0, 0), (2, 5, 1), (2, 50, 1), (2, 51, 2), (2, 100, 2), (10, 11, 2), (1, 1, 1)],
)
def test_a_weight_needs_its_share_of_the_tasks_rounded_up(
    full: int, weight: int, needed: int
) -> None:
    assert tasks_for(full, weight) == needed


@given(FULL, PERCENT)
def test_no_share_is_too_small_for_its_weight_or_larger_than_all(full: int, weight: int) -> None:
    needed = tasks_for(full, weight)
    assert (needed - 1) * 100 < full * weight <= needed * 100
    assert needed <= full
    assert (needed == 0) is (weight == 0)


@pytest.mark.parametrize(
    ("capacity", "weight", "words"),
    [
        (Capacity("example2", 4, 2), 50, None),
        (Capacity("example2", 4, 2, 2), 50, None),
        (Capacity("example2", 4, 0), 0, None),
        (Capacity("example2", 4, 5, 9), 100, None),
        (
            Capacity("example2", 4, 2),
            75,
            "2 of 3 tasks that example2 needs for 75 % run",
        ),
        (
            Capacity("example2", 4, 2, 0),
            75,
            "2 of 3 tasks that example2 needs for 75 % run",
        ),
        (
            Capacity("example2", 4, 4, 2),
            75,
            "2 of 3 tasks that example2 needs for 75 % are healthy targets",
        ),
    ],
    ids=[
        "just enough",
        "just enough, and healthy",
        "no weight needs nothing",
        "more than enough",
        "too few run",
        "too few run, whatever is healthy",
        "they run, and are not healthy",
    ],
)
def test_a_shortage_names_the_service_and_both_numbers(
    capacity: Capacity, weight: int, words: str | None
) -> None:
    assert capacity.shortage(weight) == words


@given(CAPACITY, PERCENT, PERCENT)
def test_who_carries_a_weight_carries_less(capacity: Capacity, one: int, other: int) -> None:
    if capacity.shortage(max(one, other)) is None:
        assert capacity.shortage(min(one, other)) is None


@given(CAPACITY)
def test_what_serves_runs_and_is_healthy(capacity: Capacity) -> None:
    assert capacity.serving <= capacity.running
    if capacity.healthy is not None:
        assert capacity.serving <= capacity.healthy


@pytest.mark.parametrize(
    ("running", "healthy", "short_since", "stands"),
    [
        (2, None, None, "enough"),
        (2, 2, 0, "enough"),
        (1, None, None, "short"),
        (1, None, 941, "short"),
        (1, None, 940, "lost"),
        (1, None, 0, "lost"),
        (2, 1, 941, "short"),
        (0, None, None, "lost"),
        (2, 0, None, "lost"),
    ],
    ids=[
        "all run",
        "all run again",
        "short just now",
        "short for less than its time",
        "short for all of its time",
        "short for long",
        "too few healthy targets",
        "no task",
        "no healthy target",
    ],
)
def test_a_canary_that_serves_has_its_time_to_mend(
    running: int, healthy: int | None, short_since: int | None, stands: str
) -> None:
    canary = Capacity("example2", 2, running, healthy)
    assert canary.stands(100, short_since, 1_000, 60) == stands


@given(CAPACITY, PERCENT, st.none() | st.integers(0, 1_000), st.integers(0, 600))
def test_standing_is_enough_just_where_nothing_is_missing(
    capacity: Capacity, weight: int, since: int | None, grace: int
) -> None:
    stands = capacity.stands(weight, since, 1_000, grace)
    assert (stands == "enough") is (capacity.shortage(weight) is None)
    if stands == "short":
        assert capacity.serving > 0


@given(CAPACITY)
def test_without_grace_a_shortage_that_was_noted_is_a_loss(capacity: Capacity) -> None:
    assert capacity.stands(100, 1_000, 1_000, 0) in ("enough", "lost")


@pytest.mark.parametrize(
    ("primary", "canary", "takes"),
    [
        (Capacity("p", 2, 2), Capacity("c", 2, 5), True),
        (Capacity("p", 10, 3), Capacity("c", 10, 2), True),
        (Capacity("p", 10, 3), Capacity("c", 10, 3), False),
        (Capacity("p", 10, 0), Capacity("c", 10, 0), False),
        (Capacity("p", 10, 9, 0), Capacity("c", 10, 1), False),
    ],
    ids=["it carries all", "more than the canary", "as much", "neither", "nothing is healthy"],
)
def test_the_primary_takes_over_what_it_carries_better(
    primary: Capacity, canary: Capacity, takes: bool
) -> None:
    assert can_take_over(primary, canary) is takes


@given(CAPACITY, CAPACITY)
def test_a_primary_that_serves_nothing_takes_nothing(primary: Capacity, canary: Capacity) -> None:
    if primary.serving == 0:
        assert not can_take_over(primary, canary)


@given(FULL, st.integers(1, 100), st.integers(0, 200), st.integers(1, 50))
def test_a_proportional_canary_carries_its_weight_and_is_no_larger_than_the_primary_or_its_minimum(
    full: int, weight: int, headroom: int, minimum: int
) -> None:
    tasks = Sizing("proportional", full, headroom, minimum).tasks(weight)
    assert tasks_for(full, weight) <= tasks <= max(full, minimum)
    assert tasks >= minimum


@given(FULL, PERCENT, PERCENT)
def test_a_canary_does_not_shrink_as_its_weight_rises(full: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    sizing = Sizing("proportional", full, 10)
    assert sizing.tasks(low) <= sizing.tasks(high)


def test_a_canary_of_another_mode_has_all_its_tasks_at_once() -> None:
    assert Sizing("full", 20).tasks(5) == Sizing("fixed", 20).tasks(5) == 20


STEPS = [(5, 335), (25, 335), (50, 335), (100, 335)]


def test_what_a_release_adds_is_said_beside_what_other_sizes_would() -> None:
    """The figures of docs/configuration.md."""
    assert cost(Sizing("proportional", 20, 10), STEPS, 20) == (
        "The canary gets 2 tasks at 5 %, 6 tasks at 25 %, 11 tasks at 50 %, 20 tasks at 100 %;"
        " that adds about 5.7 task-hours (full 8.1)"
    )
    assert cost(Sizing("fixed", 4), STEPS, 20).endswith(
        "that adds about 1.6 task-hours (proportional 5.7, full 8.1)"
    )


@pytest.mark.parametrize(
    ("rolling", "primary", "takes"),
    [
        (Rolling(4, kept=True), Capacity("example1", 4, 4, 4), True),
        (Rolling(1, kept=True), Capacity("example1", 4, 4, 4), True),
        (Rolling(4, kept=True), Capacity("example1", 4, 8, 4), True),
        (Rolling(4, kept=True), Capacity("example1", 4, 4), True),
        (Rolling(0, kept=True), Capacity("example1", 4, 4, 4), False),
        (Rolling(4, kept=False), Capacity("example1", 4, 4, 4), False),
        (Rolling(3, kept=True), Capacity("example1", 4, 3, 3), False),
        (Rolling(4, kept=True), Capacity("example1", 4, 8, 3), False),
    ],
    ids=[
        "all serve",
        "one of them does",
        "new ones that do not serve yet",
        "the router cannot tell",
        "none is left",
        "they may be stopped before others run",
        "too few",
        "too few are healthy",
    ],
)
def test_a_primary_between_two_versions_takes_traffic_back_if_that_is_better(
    rolling: Rolling, primary: Capacity, takes: bool
) -> None:
    assert takes_back(rolling, primary) is takes


@given(st.builds(Rolling, COUNT, st.booleans()), CAPACITY)
def test_traffic_is_taken_back_only_where_all_of_it_is_carried(
    rolling: Rolling, primary: Capacity
) -> None:
    assert not takes_back(rolling, primary) or primary.serving >= primary.full
