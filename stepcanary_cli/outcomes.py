"""Outcomes: how what was asked for has ended, and the exit code that says so."""

import json
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

Answer = dict[str, Any]


class Exit(IntEnum):
    """See docs/command-line.md, whose table a test holds against this."""

    DONE = 0
    REJECTED = 1
    MISUSE = 2
    REVERTED = 3
    PERSON = 4
    LOST = 5
    STOPPED = 6
    FAULT = 7
    INTERRUPTED = 130
    CLOSED_PIPE = 141


EXITS = {
    "Released": Exit.DONE,
    "Done": Exit.DONE,
    "Started": Exit.DONE,
    "Rejected": Exit.REJECTED,
    "Reverted": Exit.REVERTED,
    "PromotionFailed": Exit.PERSON,
    "RevertFailed": Exit.PERSON,
    "Waiting": Exit.PERSON,
}
"""By outcome; every other one is of an execution that was stopped or failed by itself."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of an execution. `answer` is what an action has answered, else empty."""

    execution: str
    outcome: str
    cause: str
    answer: Answer | None = None

    @property
    def exit_code(self) -> Exit:
        return EXITS.get(self.outcome, Exit.STOPPED)

    def as_json(self) -> Answer:
        return {**asdict(self), "exit_code": int(self.exit_code)}


def ended(described: Answer) -> Ended:
    """Of an execution that runs no more, as DescribeExecution has it."""
    arn, status = described["executionArn"], described["status"]
    if status == "SUCCEEDED":
        output = json.loads(described.get("output") or "null")
        match output:
            case {"outcome": str(outcome), "cause": str(cause)}:
                return Ended(arn, outcome, cause)
            case {"did": str(did)}:
                return Ended(arn, "Done", did, output)
        return Ended(
            arn, "Succeeded", "it answers nothing that a stack of stepcanary does; is it of one?"
        )
    outcome = described.get("error") or status.capitalize()
    cause = described.get("cause") or "its execution was stopped"
    if outcome not in EXITS:
        cause = (
            cause.rstrip(".")
            + ". Reconcile returns the traffic; `stepcanary status` shows how it stands"
        )
    return Ended(arn, outcome, cause)
