"""CloudWatch Logs' deliveries: what a function gets that a subscription filter names."""

import base64
import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Any

from emulator.account import ACCOUNT
from emulator.events import Event

HEALTH = "CWL CONTROL MESSAGE: Checking health of destination Lambda."
_ids = count(1)


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A line of a log: `timestamp` is in milliseconds, and no other line has its `id`."""

    id: str
    timestamp: int
    message: str


def log_event(message: str | dict[str, Any], timestamp: int) -> LogEvent:
    """A line that is new; of an object its JSON."""
    text = message if isinstance(message, str) else json.dumps(message)
    return LogEvent(event_id(timestamp, next(_ids)), timestamp, text)


def event_id(timestamp: int, number: int) -> str:
    """56 digits, as AWS's have; who sorts by them has the order of time."""
    return f"3{timestamp:013d}{number:042d}"


def delivery(
    events: Iterable[LogEvent], *, group: str, stream: str, filters: Iterable[str]
) -> Event:
    """The event of a function that gets these lines, all of one stream."""
    return packed(
        {
            "messageType": "DATA_MESSAGE",
            "owner": ACCOUNT,
            "logGroup": group,
            "logStream": stream,
            "subscriptionFilters": list(filters),
            "logEvents": [
                {"id": each.id, "timestamp": each.timestamp, "message": each.message}
                for each in events
            ],
        }
    )


def control_message(timestamp: int) -> Event:
    """The event by which CloudWatch Logs sees whether a destination can be reached."""
    return packed(
        {
            "messageType": "CONTROL_MESSAGE",
            "owner": "CloudwatchLogs",
            "logGroup": "",
            "logStream": "",
            "subscriptionFilters": [],
            "logEvents": [{"id": "", "timestamp": timestamp, "message": HEALTH}],
        }
    )


def packed(message: dict[str, Any]) -> Event:
    """The event of CloudWatch Logs with this message in it."""
    # With no time in its header, one message is always the same bytes.
    packed = gzip.compress(json.dumps(message).encode(), mtime=0)
    return {"awslogs": {"data": base64.b64encode(packed).decode()}}


def unpacked(event: Event) -> dict[str, Any]:
    """The message in an event of CloudWatch Logs."""
    message: dict[str, Any] = json.loads(
        gzip.decompress(base64.b64decode(event["awslogs"]["data"]))
    )
    return message
