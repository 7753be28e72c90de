"""Schedule expressions of scheduled actions: at, rate and cron, in a time zone."""

from datetime import UTC, datetime, timedelta

import pytest

from emulator.schedule_expression import parse_expression

SECOND = timedelta(seconds=1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def runs_at(expression: str, at: str, zone: str | None = None) -> bool:
    """Whether it runs at this second of UTC."""
    until = moment(at)
    return parse_expression(expression, zone).is_due(until - SECOND, until, until)


@pytest.mark.parametrize(
    ("expression", "zone", "at"),
    [
        ("at(2026-10-01T09:00:05)", None, "2026-10-01T09:00:05"),
        ("at(2026-10-01T09:00:05)", "Asia/Tokyo", "2026-10-01T00:00:05"),
        ("cron(0 10 * * ? *)", None, "2026-10-01T10:00:00"),
        ("cron(0 10 * * ? *)", "Europe/Berlin", "2026-07-01T08:00:00"),
        ("cron(0 10 * * ? *)", "Europe/Berlin", "2026-12-01T09:00:00"),
        ("cron(0/15 * * * ? *)", None, "2026-10-01T13:45:00"),
        ("cron(0/10 * ? * MON-FRI *)", None, "2026-10-02T13:50:00"),
        ("cron(0 18 ? * FRI-MON *)", None, "2026-10-04T18:00:00"),
        ("cron(0 8 1 * ? *)", None, "2026-10-01T08:00:00"),
        ("cron(0 8 1,15 OCT ? 2026-2027)", None, "2026-10-15T08:00:00"),
        ("cron(0 8 L * ? *)", None, "2028-02-29T08:00:00"),
        ("cron(0 8 3W * ? *)", None, "2026-10-02T08:00:00"),
        ("cron(0 8 4W * ? *)", None, "2026-10-05T08:00:00"),
        ("cron(0 8 1W * ? *)", None, "2026-08-03T08:00:00"),
        ("cron(0 8 ? * 2#1 *)", None, "2026-10-05T08:00:00"),
        ("cron(0 8 ? * FRIL *)", None, "2026-10-30T08:00:00"),
    ],
)
def test_it_runs(expression: str, zone: str | None, at: str) -> None:
    assert runs_at(expression, at, zone)


@pytest.mark.parametrize(
    ("expression", "at"),
    [
        ("at(2026-10-01T09:00:05)", "2026-10-01T09:00:06"),
        ("cron(0 10 * * ? *)", "2026-10-01T10:00:01"),
        ("cron(0 10 * * ? *)", "2026-10-01T11:00:00"),
        ("cron(0/10 * ? * MON-FRI *)", "2026-10-03T13:50:00"),
        ("cron(0 8 ? * 2#1 *)", "2026-10-12T08:00:00"),
        ("cron(0 8 ? * FRIL *)", "2026-10-23T08:00:00"),
        ("cron(0 8 1 * ? 2027)", "2026-10-01T08:00:00"),
    ],
)
def test_it_does_not_run(expression: str, at: str) -> None:
    assert not runs_at(expression, at)


def test_a_rate_counts_from_its_origin() -> None:
    rate, origin = parse_expression("rate(5 minutes)"), moment("2026-10-01T09:00:30")
    seconds = [
        n
        for n in range(-60, 700)
        if rate.is_due(origin + (n - 1) * SECOND, origin + n * SECOND, origin)
    ]
    assert seconds == [0, 300, 600]


def test_a_long_time_between_two_looks_loses_nothing() -> None:
    cron, before = parse_expression("cron(30 9 * * ? *)"), moment("2026-10-01T09:00:00")
    assert cron.is_due(before, before + timedelta(hours=1), before)
    assert not cron.is_due(before, before + timedelta(minutes=29), before)


@pytest.mark.parametrize(
    "expression",
    [
        "every day",
        "at(tomorrow)",
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(0 minutes)",
        "rate(5 seconds)",
        "cron(0 10 * * *)",
        "cron(0 10 * * * *)",
        "cron(0 10 ? * ? *)",
        "cron(60 10 * * ? *)",
        "cron(0 10 ? * 8 *)",
        "cron(0 10 32 * ? *)",
        "cron(0/0 10 * * ? *)",
    ],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_expression(expression)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        parse_expression("rate(1 day)", "Europe/Atlantis")
