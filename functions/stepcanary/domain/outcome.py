"""Outcome: how a release ended, and why, in sentences that a person can act on."""

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

LONGEST_CAUSE = 2_000
"""Of one failure."""
LONGEST_EXPLANATION = 10_000
"""Of everything that an execution says at its end: it is in its cause, in the ledger and in an
event."""

ReleaseOutcome = Literal["Released", "Reverted", "PromotionFailed", "RevertFailed"]
"""What a release that was opened ends on."""

Outcome = ReleaseOutcome | Literal["Running", "Rejected", "Shifted"]
"""What the ledger says: a release that runs, one that never began, a manual shift."""

OUTCOMES: dict[ReleaseOutcome, str] = {
    "Released": "The primary serves {version}.",
    "Reverted": "All traffic is on the primary again.",
    "PromotionFailed": "{where}; mend the primary, then return the weights.",
    "RevertFailed": (
        "TRAFFIC MAY STILL REACH THE NEW VERSION: return the weights by hand, and look at what the"
        " primary runs. {where}."
    ),
}


class Failure(BaseModel):
    """An error output; its keys are AWS's, and either may be left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)
    error: str = Field(default="", alias="Error")
    cause: str = Field(default="", alias="Cause")

    def __str__(self) -> str:
        """`Error: message`, taken out of the JSON that Lambda wraps around an exception."""
        if not self.error:
            return ""
        try:
            document = json.loads(self.cause)
        except ValueError:
            document = None
        wrapped = document.get("errorMessage") if isinstance(document, dict) else None
        message = str(wrapped or self.cause)
        return f"{self.error}: {message}"[:LONGEST_CAUSE] if message else self.error


class Ending(BaseModel):
    """What an execution has to say at its end.

    `failure` is why it does not end Released, `trouble` what went wrong after that, `notes` are
    sentences or empty.
    """

    model_config = ConfigDict(frozen=True)
    failure: Failure
    trouble: Failure
    notes: list[str]


LENT = (
    "{where}, because the primary serves nothing: bring it up, and Reconcile returns the weights."
)


def explain(
    outcome: ReleaseOutcome, ending: Ending, version: str, where: str, *, lent: bool = False
) -> str:
    """Where the traffic is now, and why; what another part says as well is left out.

    `where` is a sentence on what the routes read when the release was closed; `lent` says that the
    canary has the traffic because the primary serves nothing.
    """
    sentence = LENT if lent and outcome == "RevertFailed" else OUTCOMES[outcome]
    first = sentence.format(version=version, where=where)
    parts = [first, str(ending.failure), *ending.notes, str(ending.trouble)]
    once: dict[str, str] = {}
    for part in filter(None, (part.rstrip(". ") for part in parts)):
        once.setdefault(part.lower(), part)
    kept = [once[key] for key in once if not any(key in other for other in once if other != key)]
    return " ".join(f"{part}." for part in kept)[:LONGEST_EXPLANATION]
