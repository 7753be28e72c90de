"""Failure: a Step Functions error output as a sentence that a person can act on."""

import json

LONGEST_CAUSE = 2_000


def sentence(error: str, cause: str) -> str:
    """`Error: message`, taken out of the JSON that Lambda wraps around an exception."""
    try:
        document = json.loads(cause)
    except ValueError:
        document = None
    message = document.get("errorMessage", cause) if isinstance(document, dict) else cause
    return f"{error}: {message}"[:LONGEST_CAUSE]


OUTCOMES = {
    "Released": "The primary serves the new version.",
    "Reverted": "All traffic is on the primary again.",
    "PromotionFailed": "The canary carries the traffic; mend the primary, then return the weights.",
    "RevertFailed": "TRAFFIC MAY STILL REACH THE CANARY: return the weights by hand.",
}


def explain(outcome: str, error: str, cause: str, notes: list[str]) -> str:
    """Where the traffic is now, and why."""
    failure = [sentence(error, cause)] if error else []
    told = [OUTCOMES[outcome], *failure, *(note for note in notes if note)]
    return " ".join(f"{part.rstrip('. ')}." for part in told)
