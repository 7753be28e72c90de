"""History: what an execution has done so far, as lines for people."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

QUIET = ("Is", "What", "Wait")
"""States that only lead on to others."""


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    state: str
    weight: int | None


def lines(events: list[dict[str, Any]]) -> Iterator[Line]:
    """One for each state that does something, with the canary's weight then."""
    weight: int | None = None
    for event in events:
        entered = event.get("stateEnteredEventDetails", {}).get("name", "")
        if entered and not entered.startswith(QUIET):
            yield Line(event["timestamp"], entered, weight)
        output = event.get("taskSucceededEventDetails", {}).get("output")
        weight = _weight_in(output, weight)


def _weight_in(output: str | None, before: int | None) -> int | None:
    try:
        payload = json.loads(output or "null")["Payload"]
    except (ValueError, TypeError, KeyError):
        return before
    if not isinstance(payload, dict):
        return before
    if payload.get("next") == "confirm":
        return 0
    weight: int | None = payload.get("weight", before)
    return weight
