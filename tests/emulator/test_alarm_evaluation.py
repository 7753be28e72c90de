"""The examples that the CloudWatch user guide gives for alarms with missing data."""

import pytest

from emulator.moto_gaps.alarm_evaluation import evaluate

STATES = ("missing", "ignore", "breaching", "notBreaching")


def points_of(pattern: str) -> list[float | None]:
    values: dict[str, float | None] = {"0": 0.0, "X": 10.0, "-": None}
    return [values[mark] for mark in pattern.split()]


@pytest.mark.parametrize(
    ("pattern", "needed", "expected"),
    [
        ("0 - X - X", 3, ("OK", "OK", "OK", "OK")),
        ("0 - - - -", 3, ("OK", "OK", "OK", "OK")),
        ("- - - - -", 3, ("INSUFFICIENT_DATA", "current", "ALARM", "OK")),
        ("0 X X - X", 3, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("- - X - -", 3, ("ALARM", "current", "ALARM", "OK")),
        ("0 - X - X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0 0 X 0 X", 2, ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0 - X - -", 2, ("OK", "OK", "ALARM", "OK")),
        ("- - - - 0", 2, ("OK", "OK", "ALARM", "OK")),
        ("- - - X -", 2, ("ALARM", "current", "ALARM", "OK")),
    ],
)
def test_missing_data(pattern: str, needed: int, expected: tuple[str, ...]) -> None:
    states = tuple(
        evaluate(
            points_of(pattern),
            comparison="GreaterThanThreshold",
            threshold=3,
            evaluation_periods=3,
            datapoints_to_alarm=needed,
            treat_missing_data=treatment,
            current="current",
        )
        for treatment in STATES
    )
    assert states == expected


@pytest.mark.parametrize(
    ("comparison", "value", "state"),
    [
        ("GreaterThanThreshold", 3, "OK"),
        ("GreaterThanOrEqualToThreshold", 3, "ALARM"),
        ("LessThanThreshold", 3, "OK"),
        ("LessThanOrEqualToThreshold", 3, "ALARM"),
    ],
)
def test_value_at_the_threshold(comparison: str, value: float, state: str) -> None:
    assert evaluate([value], comparison=comparison, threshold=3, evaluation_periods=1) == state


def test_too_few_breaching_points_keep_the_state() -> None:
    state = evaluate(
        points_of("- - - - X"),
        comparison="GreaterThanThreshold",
        threshold=3,
        evaluation_periods=3,
        current="OK",
    )
    assert state == "OK"
