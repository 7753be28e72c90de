"""Durations: short, and to two units."""

import pytest

from stepcanary.domain.durations import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3_600, "1 h"),
        (3_661, "1 h 1 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_is_said_to_two_units(seconds: float | None, words: str) -> None:
    assert duration(seconds) == words
