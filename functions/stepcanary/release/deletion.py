"""Deletion: why the stack may not go yet, since nobody else would undo what its releases did."""

from stepcanary.aws import cloudformation
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


def why_not(stack: str) -> str:
    """Empty where it may go. The door is closed then, and open where it may not."""
    if cloudformation.status_of(stack) != DELETED:
        # Another version of the template has no guard, or the stack was never there.
        return ""
    door.close()
    may_go = False
    try:
        reason = "; ".join(_left())
        may_go = not reason
    finally:
        if not may_go:
            door.open_again()
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
