"""The one place where time comes from, so that tests can let hours pass at once."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def epoch_seconds() -> int:
    return int(now().timestamp())
