"""History: every part counts, and only what the profile allows more of costs more."""

from typing import Any

import pytest

from stepcanary.domain import history
from stepcanary.domain.history import LIMIT, MOST_EVENTS, SPARE, parts

DEFAULT: dict[str, Any] = {
    "steps": 4,
    "gates": 0,
    "holds": 3,
    "check_seconds": 15,
    "deadline_seconds": 1_800,
    "revert_seconds": 900,
}


def total(**changed: Any) -> int:
    return sum(parts(**{**DEFAULT, **changed}).values())


def test_the_default_profile_is_far_from_the_limit() -> None:
    assert total() < MOST_EVENTS / 2
    assert MOST_EVENTS + SPARE == LIMIT


@pytest.mark.parametrize(
    ("changed", "grow"),
    [
        ({"steps": 5}, {"steps and their holds", "tasks that the steps wait for"}),
        ({"holds": 4}, {"steps and their holds"}),
        ({"gates": 1}, {"gates"}),
        ({"revert_seconds": 7_200}, {"the way back"}),
        (
            {"deadline_seconds": 7_200},
            {
                "the canary's deployment",
                "tasks that the steps wait for",
                "promotions",
                "promotions that are tried again",
                "the old version's return",
            },
        ),
    ],
    ids=["a step", "a hold", "a gate", "a longer way back", "a longer deadline"],
)
def test_more_of_one_thing_costs_its_own_parts(changed: dict[str, Any], grow: set[str]) -> None:
    before, after = parts(**DEFAULT), parts(**{**DEFAULT, **changed})
    assert {part for part in before if after[part] > before[part]} == grow
    assert all(after[part] >= before[part] for part in before)


def test_a_hold_more_is_a_bake_more_of_every_step() -> None:
    assert total(holds=4) - total() == 4 * history.BAKE


def test_what_was_once_legal_and_too_much_is_over_the_limit() -> None:
    longest = {"steps": 50, "holds": 10, "gates": 50, "deadline_seconds": 7_200}
    assert total(**longest, check_seconds=1, revert_seconds=7_200) > LIMIT
