"""Stages: a number in the ledger tells where a release is, and it only rises."""

from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.stage import (
    OPENING,
    RETURNING,
    ROLLOUT,
    Phase,
    Stage,
    promoting,
    restoring,
)

ATTEMPTS = st.integers(0, 10_000)
STAGES = st.sampled_from([OPENING, ROLLOUT, RETURNING]) | st.builds(
    Stage, st.sampled_from(["promotion", "restoring"]), ATTEMPTS
)


@given(STAGES)
def test_the_ledgers_number_gives_the_stage_back(stage: Stage) -> None:
    assert Stage.of(stage.number) == stage


@given(st.integers(0, 30_000))
def test_every_number_is_one_stages(number: int) -> None:
    assert Stage.of(number).number == number


def test_the_numbers_are_what_leases_in_the_ledger_already_say() -> None:
    numbers = [Stage.of(number) for number in range(6)]
    assert numbers == [OPENING, ROLLOUT, promoting(0), restoring(0), promoting(1), restoring(1)]
    assert RETURNING.number == 1_000_000


@given(STAGES, STAGES)
def test_stages_are_ordered_as_their_numbers_are(one: Stage, other: Stage) -> None:
    assert (one < other) == (one.number < other.number)
    assert (one >= other) == (one.number >= other.number)
    assert (one == other) == (one.number == other.number)


@given(ATTEMPTS)
def test_a_release_only_rises(attempt: int) -> None:
    course = [OPENING, ROLLOUT]
    for number in (attempt, attempt + 1):
        course += [promoting(number), restoring(number)]
    course.append(RETURNING)
    assert all(before < after for before, after in pairwise(course))


@pytest.mark.parametrize("phase", get_args(Phase))
def test_a_stage_reads_as_its_phase(phase: Phase) -> None:
    assert str(Stage(phase, 3)) == phase
