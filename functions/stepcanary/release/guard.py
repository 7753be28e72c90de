"""Guard: the custom resource that is deleted before all else of the stack, or keeps all of it.

It answers whatever happens: without an answer a stack waits for as long as its template says.
"""

from stepcanary.aws import cloudformation
from stepcanary.domain.model import Document
from stepcanary.observability import logger
from stepcanary.release import deletion
from stepcanary.store import door


def answer(event: Document) -> str:
    """Why the stack is not deleted; empty where it is, and where that was not the question."""
    reason = _why_not(event) if event["RequestType"] == "Delete" else _opened()
    cloudformation.answer(
        event["ResponseURL"],
        {
            "Status": "FAILED" if reason else "SUCCESS",
            "Reason": reason or "nothing speaks against it",
            # One that changes would have CloudFormation delete what it takes for the old one.
            "PhysicalResourceId": event.get("PhysicalResourceId") or "deletion-guard",
            **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
        },
    )
    return reason


def _why_not(event: Document) -> str:
    try:
        reason = deletion.why_not(event["StackId"])
    except Exception as error:
        logger.exception("it cannot be said whether the stack may go")
        reason = (
            f"whether a release holds a split cannot be said: {error}. Mend that and delete the"
            " stack again"
        )
    return f"{reason[: deletion.LONGEST_REASON]}. {deletion.ANYWAY}" if reason else ""


def _opened() -> str:
    """A stack that is made or updated is kept; whoever waits for that is not kept by this."""
    try:
        door.open_again()
    except Exception:
        logger.exception("the door opens by itself")
    return ""
