"""Schedule expressions: when a scheduled action of Application Auto Scaling runs.

Pure. The cron fields are those of
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
UNITS = {"minute": MINUTE, "hour": timedelta(hours=1), "day": timedelta(days=1)}
MONTHS = {"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6}
MONTHS |= {"JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11, "DEC": 12}
DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}


class ScheduleExpression(Protocol):
    def is_due(self, after: datetime, until: datetime, origin: datetime, /) -> bool:
        """Whether it runs later than `after` and not later than `until`.

        `origin` is when a rate begins to count. All moments know their time zone.
        """


def parse_expression(text: str, zone: str | None = None) -> ScheduleExpression:
    """Raises ValueError for what is no expression, or names no time zone."""
    try:
        tz = ZoneInfo(zone) if zone else ZoneInfo("UTC")
    except (LookupError, OSError) as error:
        raise ValueError(f"{zone} is no time zone") from error
    kind = re.fullmatch(r"(at|rate|cron)\((.+)\)", text.strip())
    if kind is None:
        raise ValueError(f"{text} is none of at(...), rate(...) and cron(...)")
    if kind[1] == "at":
        return At(datetime.strptime(kind[2], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=tz))
    if kind[1] == "rate":
        return Rate(_period(kind[2]))
    return Cron.parse(kind[2], tz)


@dataclass(frozen=True, slots=True)
class At:
    moment: datetime

    def is_due(self, after: datetime, until: datetime, _origin: datetime, /) -> bool:
        return after < self.moment <= until


@dataclass(frozen=True, slots=True)
class Rate:
    period: timedelta

    def is_due(self, after: datetime, until: datetime, origin: datetime, /) -> bool:
        return (until - origin) // self.period > max(-1, (after - origin) // self.period)


@dataclass(frozen=True, slots=True)
class Cron:
    """The minutes that match, in a time zone. One that its clocks skip never comes, and one that
    they repeat comes twice."""

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    years: frozenset[int]
    days: str
    weekdays: str
    tz: ZoneInfo

    @classmethod
    def parse(cls, text: str, tz: ZoneInfo) -> "Cron":
        fields = text.upper().split()
        if len(fields) != 6:
            raise ValueError(f"cron({text}) has {len(fields)} fields, not 6")
        minutes, hours, days, months, weekdays, years = fields
        if (days == "?") == (weekdays == "?"):
            raise ValueError(f"cron({text}): either the day of month or that of week is a ?")
        cron = cls(
            minutes=_values(minutes, 0, 59),
            hours=_values(hours, 0, 23),
            months=_values(months, 1, 12, MONTHS),
            years=_values(years, 1970, 2199),
            days=days,
            weekdays=weekdays,
            tz=tz,
        )
        # A field of days can be read in any month.
        cron._days_of(2024, 1)
        return cron

    def is_due(self, after: datetime, until: datetime, _origin: datetime, /) -> bool:
        minute = after.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
        while minute <= until:
            if self.matches(minute.astimezone(self.tz)):
                return True
            minute += MINUTE
        return False

    def matches(self, local: datetime) -> bool:
        return (
            local.minute in self.minutes
            and local.hour in self.hours
            and local.month in self.months
            and local.year in self.years
            and local.day in self._days_of(local.year, local.month)
        )

    def _days_of(self, year: int, month: int) -> set[int]:
        """The days of this month that match."""
        last = calendar.monthrange(year, month)[1]
        if self.weekdays == "?":
            return {day for part in self.days.split(",") for day in _days(part, year, month, last)}
        return {
            day
            for part in self.weekdays.split(",")
            for day in _days_by_weekday(part, year, month, last)
        }


def _days(part: str, year: int, month: int, last: int) -> Iterator[int]:
    if part == "L":
        yield last
    elif found := re.fullmatch(r"(\d+|L)W", part):
        day = last if found[1] == "L" else min(int(found[1]), last)
        yield _nearest_working_day(year, month, day, last)
    else:
        yield from _values(part, 1, 31)


def _nearest_working_day(year: int, month: int, day: int, last: int) -> int:
    """In the same month."""
    weekday = calendar.weekday(year, month, day)
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < last else day - 2
    return day


def _days_by_weekday(part: str, year: int, month: int, last: int) -> Iterator[int]:
    def days_on(weekday: int) -> list[int]:
        # In cron a week begins on Sunday, 1; in Python on Monday, 0.
        return [
            day
            for day in range(1, last + 1)
            if calendar.weekday(year, month, day) == (weekday - 2) % 7
        ]

    if found := re.fullmatch(r"(\w+)#([1-5])", part):
        [weekday] = _values(found[1], 1, 7, DAYS)
        yield from days_on(weekday)[int(found[2]) - 1 : int(found[2])]
    elif part == "L":
        yield from days_on(7)
    elif found := re.fullmatch(r"([A-Z]{3}|\d)L", part):
        [weekday] = _values(found[1], 1, 7, DAYS)
        yield days_on(weekday)[-1]
    else:
        for weekday in _values(part, 1, 7, DAYS):
            yield from days_on(weekday)


def _values(field: str, low: int, high: int, names: dict[str, int] | None = None) -> frozenset[int]:
    """The numbers that a field with `,`, `-`, `*` and `/` stands for."""

    def number(text: str) -> int:
        value = (names or {}).get(text)
        value = int(text) if value is None else value
        if not low <= value <= high:
            raise ValueError(f"{text} is not within {low}..{high}")
        return value

    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, dash, end = span.partition("-")
        start = low if span == "*" else number(first)
        stop = number(end) if dash else high if step or span == "*" else start
        every = int(step) if step else 1
        if every < 1:
            raise ValueError(f"{part} has no step")
        # FRI-MON goes over the end of the week.
        values = (
            range(start, stop + 1)
            if start <= stop
            else [*range(start, high + 1), *range(low, stop + 1)]
        )
        found.update(list(values)[::every])
    return frozenset(found)


def _period(text: str) -> timedelta:
    found = re.fullmatch(r"([1-9]\d*) (minute|hour|day)(s?)", text.strip())
    if found is None or (found[1] == "1") == bool(found[3]):
        raise ValueError(f"rate({text}) is not like rate(1 minute) or rate(5 minutes)")
    return int(found[1]) * UNITS[found[2]]
