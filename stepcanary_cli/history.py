"""History: what an execution has done so far, as lines for people."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

QUIET = ("Is", "What", "Wait")
"""States that only lead on to others."""
GATES = ("Gate", "PromotionGate")
"""States that wait for a person."""


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    state: str
    weight: int | None

    @property
    def is_gate(self) -> bool:
        return self.state in GATES


@dataclass(slots=True)
class Reader:
    """Reads the events of one execution in their order, some at a time. `state` is the one that was
    entered last, `weight` the canary's."""

    state: str = ""
    weight: int | None = None

    def read(self, events: list[dict[str, Any]]) -> Iterator[Line]:
        """One line for each state that does something, with the canary's weight then."""
        for event in events:
            entered = event.get("stateEnteredEventDetails", {}).get("name", "")
            self.state = entered or self.state
            if entered and not entered.startswith(QUIET):
                yield Line(event["timestamp"], entered, self.weight)
            output = event.get("taskSucceededEventDetails", {}).get("output")
            self.weight = _weight_in(output, self.weight)


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
