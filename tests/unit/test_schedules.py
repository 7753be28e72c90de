"""When scheduled actions run, by the examples of AWS's documentation, and by a second reading."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.schedule_expression import parse_expression
from stepcanary.domain.schedules import ScheduleUnknown, next_run

BEGAN = datetime(2026, 11, 1, 9, 7, tzinfo=UTC)
SINCE = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
"""A Wednesday."""
WEEK = SINCE + timedelta(days=7)
YEAR = SINCE + timedelta(days=366)


def runs(expression: str, zone: str = "", until: datetime = YEAR) -> str:
    found = next_run(expression, zone, SINCE, until, began=BEGAN)
    return f"{found:%Y-%m-%d %H:%M}" if found else ""


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("at(2026-11-26T08:30:00)", "2026-11-26 08:30"),
        ("at(2026-11-25T10:00:00)", ""),
        ("rate(1 hour)", "2026-11-25 10:07"),
        ("rate(2 days)", "2026-11-27 09:07"),
        ("rate(5 minutes)", "2026-11-25 10:02"),
        ("cron(0 10 * * ? *)", "2026-11-26 10:00"),
        ("cron(15 12 * * ? *)", "2026-11-25 12:15"),
        ("cron(0 18 ? * MON-FRI *)", "2026-11-25 18:00"),
        ("cron(0 8 1 * ? *)", "2026-12-01 08:00"),
        ("cron(0/15 * * * ? *)", "2026-11-25 10:15"),
        ("cron(0/10 * ? * MON-FRI *)", "2026-11-25 10:10"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-25 10:05"),
        ("cron(0 9 ? * 2#1 *)", "2026-12-07 09:00"),
        ("cron(0 9 ? * 6L *)", "2026-11-27 09:00"),
        ("cron(0 9 L * ? *)", "2026-11-30 09:00"),
        ("cron(0 9 28W * ? *)", "2026-11-27 09:00"),
        ("cron(0 9 1W * ? *)", "2026-12-01 09:00"),
        ("cron(0 9 ? * FRI-SUN *)", "2026-11-27 09:00"),
        ("cron(30 6 ? JAN SUN 2027)", "2027-01-03 06:30"),
        ("cron(0 9 25 12 ? 2025)", ""),
    ],
)
def test_the_next_run(expression: str, expected: str) -> None:
    assert runs(expression) == expected


def test_times_are_in_the_zone_of_the_action() -> None:
    assert runs("cron(0 18 * * ? *)", "America/New_York") == "2026-11-25 23:00"
    assert runs("at(2026-11-25T18:00:00)", "Asia/Kolkata") == "2026-11-25 12:30"


def test_nothing_runs_after_the_time_that_is_asked_about() -> None:
    assert runs("cron(0 9 ? * TUE *)", until=SINCE + timedelta(days=5)) == ""
    assert runs("cron(0 9 ? * TUE *)", until=WEEK) == "2026-12-01 09:00"


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "cron()",
        "cron(0 25 * * ? *)",
        "cron(0 9 * *)",
        "cron(a 9 * * ? *)",
        "rate(0 minutes)",
        "rate(5 weeks)",
        "at(tomorrow)",
        "every day",
    ],
)
def test_what_is_no_schedule_is_said_to_be_none(expression: str) -> None:
    with pytest.raises(ScheduleUnknown):
        runs(expression)


def test_an_unknown_time_zone_is_said_to_be_none() -> None:
    with pytest.raises(ScheduleUnknown, match="Mars/Base"):
        runs("rate(1 hour)", "Mars/Base")


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    weekday=st.integers(1, 7),
    hours_later=st.integers(0, 24 * 30),
)
def test_a_weekly_run_is_the_first_minute_that_fits(
    minute: int, hour: int, weekday: int, hours_later: int
) -> None:
    since = SINCE + timedelta(hours=hours_later)
    found = next_run(f"cron({minute} {hour} ? * {weekday} *)", "", since, YEAR, began=BEGAN)
    assert found is not None
    assert since < found <= since + timedelta(days=7)
    # AWS counts from Sunday, which is 1.
    assert (found.minute, found.hour, found.isoweekday() % 7 + 1) == (minute, hour, weekday)


FIELDS = st.tuples(
    st.sampled_from(["0", "*/20", "5,50", "59"]),
    st.sampled_from(["*", "9", "8-17/3", "23"]),
    st.sampled_from([("?", "*"), ("*", "?"), ("1", "?"), ("L", "?"), ("15W", "?")])
    | st.sampled_from([("?", "MON-FRI"), ("?", "6L"), ("?", "2#2"), ("?", "SUN,3")]),
    st.sampled_from(["*", "12", "NOV-JAN"]),
)


@given(
    fields=FIELDS,
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]),
    minutes=st.integers(1, 60 * 24 * 40),
)
def test_the_emulator_reads_the_same_expressions_the_same_way(
    fields: tuple[str, str, tuple[str, str], str], zone: str, minutes: int
) -> None:
    """Two readings that share no code."""
    minute, hour, (day, weekday), month = fields
    expression = f"cron({minute} {hour} {day} {month} {weekday} *)"
    until = SINCE + timedelta(minutes=minutes)
    found = next_run(expression, zone, SINCE, until, began=BEGAN)
    theirs = parse_expression(expression, zone)
    assert theirs.is_due(SINCE, until, BEGAN) == (found is not None)
    if found is not None:
        assert not theirs.is_due(SINCE, found - timedelta(minutes=1), BEGAN)
