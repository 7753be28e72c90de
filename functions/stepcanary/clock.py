"""The one place where time comes from, so that tests can let hours pass at once."""

import time
from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def epoch_seconds() -> int:
    return int(now().timestamp())


def epoch_milliseconds() -> int:
    return int(now().timestamp() * 1_000)


def sleep(seconds: float) -> None:
    """For moments only: a function that sleeps is paid for."""
    time.sleep(seconds)
