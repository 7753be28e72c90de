"""Usual: what a primary counts on a day, with its incidents and without."""

import random

import pytest

from stepcanary.domain.chance import drawn
from stepcanary.domain.usual import Usual, usual_of

DAY = range(0, 86_400, 60)


def day(per_minute: int, share: float, incident: range = range(0)) -> list[tuple[int, int, int]]:
    chance = random.Random(3)
    return [
        (at, per_minute, drawn(per_minute, 0.5 if at in incident else share, chance)) for at in DAY
    ]


@pytest.mark.parametrize(("per_minute", "share"), [(30, 0.02), (600, 0.02), (600, 0.0002)])
def test_a_usual_day_is_counted_as_it_was(per_minute: int, share: float) -> None:
    """Also with few requests, where in many a minute one bad answer is much."""
    found = usual_of(day(per_minute, share))
    assert found is not None
    assert found.requests == per_minute * len(DAY)
    assert found.share == pytest.approx(share, rel=0.2)


def test_an_incident_is_left_out_and_the_rest_of_the_day_is_not() -> None:
    found = usual_of(day(600, 0.002, range(30_000, 34_000)))
    assert found is not None
    assert found.share == pytest.approx(0.002, rel=0.1)
    assert found.requests > 600 * 60 * 21


def test_a_primary_without_requests_has_nothing_usual() -> None:
    assert usual_of([]) is None
    assert usual_of([(0, 0, 0)]) is None
    assert usual_of([(0, 3, 3)]) == Usual(requests=3, bad=3)
