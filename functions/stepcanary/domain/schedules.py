"""Schedules: when a scheduled action of Application Auto Scaling runs.

`at(…)`, `rate(…)` and `cron(…)` as
https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
has them. Times are whole minutes, in the time zone of the action.
"""

import calendar
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTE = timedelta(minutes=1)
UNITS = {"minute": MINUTE, "hour": timedelta(hours=1), "day": timedelta(days=1)}
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
SATURDAY = 5


class ScheduleUnknown(ValueError):
    """An expression that this stack cannot read."""


def next_run(
    expression: str, zone: str, since: datetime, until: datetime, *, began: datetime
) -> datetime | None:
    """The first time after `since` and no later than `until` at which it runs, in UTC; None where
    it does not. It never does before the action `began`, from which a rate counts.

    Raises `ScheduleUnknown`.
    """
    kind, inside = _parsed(expression)
    since = max(since, began - MINUTE)
    try:
        local = ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        raise ScheduleUnknown(f"there is no time zone {zone}") from unknown
    if kind == "at":
        found = _at(inside, local)
        return found if since < found <= until else None
    if kind == "rate":
        return _rate(inside, since, until, began)
    return _cron(inside, local, since, until)


def _parsed(expression: str) -> tuple[str, str]:
    found = re.fullmatch(r"\s*(at|rate|cron)\s*\((.*)\)\s*", expression)
    if found is None:
        raise ScheduleUnknown(f"{expression} is no schedule")
    return found[1], found[2].strip()


def _at(inside: str, local: ZoneInfo) -> datetime:
    try:
        return datetime.fromisoformat(inside).replace(tzinfo=local).astimezone(UTC)
    except ValueError as unknown:
        raise ScheduleUnknown(f"at({inside}) is no time") from unknown


def _rate(inside: str, since: datetime, until: datetime, began: datetime) -> datetime | None:
    found = re.fullmatch(r"(\d+)\s+(minute|hour|day)s?", inside)
    if found is None or int(found[1]) == 0:
        raise ScheduleUnknown(f"rate({inside}) is no rate")
    every = int(found[1]) * UNITS[found[2]]
    runs = began if began > since else began + ((since - began) // every + 1) * every
    return runs if runs <= until else None


def _cron(inside: str, local: ZoneInfo, since: datetime, until: datetime) -> datetime | None:
    fields = inside.split()
    if len(fields) not in (5, 6):
        raise ScheduleUnknown(f"cron({inside}) has {len(fields)} fields, not 6")
    minutes, hours, days, months, weekdays, years = [*fields, "*"][:6]
    try:
        minute, hour = _within(minutes, 0, 59), _within(hours, 0, 23)
        month, year = _within(months, 1, 12, MONTHS), _within(years, 1970, 2199)
        is_day = _days(days, weekdays)
    except ValueError as unknown:
        raise ScheduleUnknown(f"cron({inside}) cannot be read: {unknown}") from unknown
    moment = since.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
    while moment <= until:
        here = moment.astimezone(local)
        if not (here.year in year and here.month in month and is_day(here.date())):
            moment += timedelta(minutes=60 - here.minute)
        elif here.hour in hour and here.minute in minute:
            return moment
        else:
            moment += MINUTE
    return None


def _number(text: str, names: list[str], first: int) -> int:
    return names.index(text.upper()) + first if text.upper() in names else int(text)


def _within(field: str, low: int, high: int, names: list[str] | None = None) -> set[int]:
    """The numbers that a field allows: `*`, `3`, `1-5`, `*/10`, `0/15`, and lists of them."""
    known = names or []
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        if span in ("*", "?"):
            first, last = low, high
        else:
            begin, _, end = span.partition("-")
            first = _number(begin, known, low)
            last = _number(end, known, low) if end else (high if step else first)
        if not (low <= first <= high and low <= last <= high):
            raise ScheduleUnknown(f"{part} is not within {low} and {high}")
        # A span such as FRI-MON goes over the end.
        span_of = range(first, last + 1) if first <= last else [*range(first, high + 1)]
        found |= set(span_of[:: int(step or 1)])
        if first > last:
            found |= set(range(low, last + 1))
    return found


def _days(days: str, weekdays: str) -> Callable[[date], bool]:
    """Which days a cron expression allows; one of its two fields is `?`, or `*`."""
    if weekdays in ("?", "*"):
        return _of_month(days)
    if days in ("?", "*"):
        return _of_week(weekdays)
    in_month, in_week = _of_month(days), _of_week(weekdays)
    return lambda day: in_month(day) or in_week(day)


def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _of_month(field: str) -> Callable[[date], bool]:
    if field == "L":
        return lambda day: day.day == _last(day)
    if nearest := re.fullmatch(r"(\d+|L)W", field):
        return lambda day: day == _weekday_near(day, nearest[1])
    allowed = _within(field, 1, 31)
    return lambda day: day.day in allowed


def _weekday_near(day: date, number: str) -> date | None:
    """The weekday of this day's month that is nearest to the day with the number."""
    last = _last(day)
    wanted = last if number == "L" else int(number)
    if wanted > last:
        return None
    near = day.replace(day=wanted)
    if near.weekday() == SATURDAY:
        return near - timedelta(days=1) if wanted > 1 else near + timedelta(days=2)
    if near.weekday() > SATURDAY:
        return near + timedelta(days=1) if wanted < last else near - timedelta(days=2)
    return near


def _of_week(field: str) -> Callable[[date], bool]:
    """By AWS's numbers, of which 1 is Sunday."""
    if last := re.fullmatch(r"(\w+)L", field):
        number = _number(last[1], DAYS, 1)
        return lambda day: _of_aws(day) == number and day.day + 7 > _last(day)
    if nth := re.fullmatch(r"(\w+)#([1-5])", field):
        number, which = _number(nth[1], DAYS, 1), int(nth[2])
        return lambda day: _of_aws(day) == number and (day.day - 1) // 7 + 1 == which
    if field == "L":
        return lambda day: _of_aws(day) == len(DAYS)
    allowed = _within(field, 1, 7, DAYS)
    return lambda day: _of_aws(day) in allowed


def _of_aws(day: date) -> int:
    return day.isoweekday() % 7 + 1
