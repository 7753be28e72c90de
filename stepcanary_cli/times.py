"""Times: as people read them: how long ago, how long yet, and in the clock of where they are."""

import time
from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3_600, 86_400


def now() -> float:
    """In epoch seconds."""
    return time.time()


def local(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).astimezone()


def clock(seconds: float, beside: float) -> str:
    """The time of day; with the date where that is another one than of the moment `beside`."""
    at = local(seconds)
    is_same = at.date() == local(beside).date()
    return f"{at:%H:%M:%S}" if is_same else f"{at:%Y-%m-%d %H:%M}"


def moment(seconds: float | None) -> str:
    """In full, with the name of the time zone."""
    return "" if seconds is None else f"{local(seconds):%Y-%m-%d %H:%M:%S %Z}"


def roughly(seconds: float) -> str:
    """To one unit, for what is long ago or far away."""
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name}"
    return f"{max(0, int(seconds))} s"


def ago(seconds: float | None, at: float) -> str:
    """How long before the moment `at`."""
    return "" if seconds is None else f"{roughly(at - seconds)} ago"
