"""Deletion: whether the stack may go yet, since nobody else would undo what its releases did.

CloudFormation asks by the stack's deletion guard, a resource that is deleted before all else. It is
answered whatever happens: without an answer a stack waits for as long as its template says.
"""

from stepcanary.aws import cloudformation
from stepcanary.domain.model import Document
from stepcanary.observability import logger
from stepcanary.store import door, due, leases
from stepcanary.store.due import TAKE_DOWN, Task

DELETED = "DELETE_IN_PROGRESS"
MOST_NAMED = 5
LONGEST_REASON = 2_000
"""CloudFormation takes 4,096 bytes with all that goes with it."""
ANYWAY = (
    "To delete the stack all the same, delete it once more with --retain-resources DeletionGuard"
    " (docs/upgrade.md)"
)


def answer(event: Document) -> str:
    """Why the stack is not deleted; empty where it is, and where that was not the question."""
    reason = _refusal(event) if event["RequestType"] == "Delete" else _opened()
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


def _refusal(event: Document) -> str:
    try:
        reason = _why_not(event["StackId"])
    except Exception as error:
        logger.exception("it cannot be said whether the stack may go")
        reason = (
            f"whether a release holds a split cannot be said: {error}. Mend that and delete the"
            " stack again"
        )
    return f"{reason[:LONGEST_REASON]}. {ANYWAY}" if reason else ""


def _opened() -> str:
    """A stack that is made or updated is kept; whoever waits for that is not kept by this."""
    try:
        door.open_again()
    except Exception:
        logger.exception("the door opens by itself")
    return ""


def _why_not(stack: str) -> str:
    """Empty where it may go. The door is closed then, and open where it may not."""
    if cloudformation.status_of(stack) != DELETED:
        # Another version of the template has no guard, or the first deployment has failed.
        return ""
    mark = door.close()
    may_go = False
    try:
        reason = "; ".join(_left())
        may_go = not reason
    finally:
        if not may_go:
            door.open_again(mark)
    return reason


def _left() -> list[str]:
    sentences = []
    if holders := leases.holders():
        sentences.append(
            f"{_named(holders)} still hold a split, and only this stack brings its traffic back:"
            " wait for the end, or send revert"
        )
    if tasks := sorted({task.execution for task in due.every() if _is_to_be_undone(task)}):
        sentences.append(
            f"something of {_named(tasks)} is still to be taken down: wait until the sweep has done"
            " it"
        )
    return sentences


def _is_to_be_undone(task: Task) -> bool:
    """A look at a canary that has stayed scaled in so far undoes nothing."""
    return task.what == TAKE_DOWN or task.tries > 0 or task.worked


def _named(executions: list[str]) -> str:
    named = ", ".join(executions[:MOST_NAMED])
    more = len(executions) - MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named
