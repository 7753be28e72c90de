"""Old versions: published versions of the functions that no release and no alias needs any more.

Each deployment publishes a version of every function, and SAM keeps those of before for the
executions that run.
"""

from collections.abc import Callable, Sequence

from stepcanary.aws import awslambda, cloudformation, stepfunctions
from stepcanary.domain.published import (
    Named,
    Pinned,
    named_by_all,
    removable,
    versions_named,
)
from stepcanary.errors import ReleaseError
from stepcanary.observability import logger
from stepcanary.release.pace import Pace

AT_REST = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}
"""In any other state the stack may still go back to what was there before."""
DEFINITIONS_PER_SECOND = 1.0
"""What Step Functions gives DescribeStateMachineForExecution; the sweep uses none of it. See
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""
LAMBDA_CALLS_PER_SECOND = 5.0
"""A third of what Lambda gives all calls but invocations, of the whole account."""
MOST_AT_ONCE = 1_000
"""Removed in one go; the next goes on."""


def remove(stack: str, machine: str, functions: Sequence[str]) -> list[str]:
    """Remove what nothing needs, as `function:version`.

    The definition is read before all else and the stack's state after it: whoever begins meanwhile
    has that definition or one of the newest versions, and so has an update that goes back.
    """
    named = versions_named(stepfunctions.definition_of(machine))
    pace = Pace(LAMBDA_CALLS_PER_SECOND)
    found = {function: _published(function, pace) for function in functions}
    if not _to_go(found, named):
        return []
    named |= named_by_all(stepfunctions.running(machine), _slowly())
    status = cloudformation.status_of(stack)
    if status not in AT_REST:
        logger.info("nothing is removed while the stack changes", extra={"status": status})
        return []
    return _remove(_to_go(found, named)[:MOST_AT_ONCE], pace)


Found = dict[str, tuple[list[int], frozenset[int]]]
"""By function, its versions, and those that aliases name."""


def _published(function: str, pace: Pace) -> tuple[list[int], frozenset[int]]:
    pace.wait()
    published = awslambda.published(function)
    pace.wait()
    return published, awslambda.aliased(function)


def _to_go(found: Found, named: Named) -> list[tuple[str, int]]:
    return [
        (function, version)
        for function, (published, aliased) in found.items()
        for version in removable(function, published, aliased, named)
    ]


def _slowly() -> Callable[[str], Pinned | None]:
    pace = Pace(DEFINITIONS_PER_SECOND)

    def ask(execution: str) -> Pinned | None:
        pace.wait()
        return stepfunctions.pinned_by(execution)

    return ask


def _remove(to_go: list[tuple[str, int]], pace: Pace) -> list[str]:
    removed: list[str] = []
    failed: ReleaseError | None = None
    for function, version in to_go:
        pace.wait()
        try:
            if awslambda.remove_version(function, version):
                removed.append(f"{function}:{version}")
        except ReleaseError as error:
            # What ails one function keeps none of the others.
            logger.warning("a version stays", extra={"at": f"{function}:{version}"}, exc_info=True)
            failed = error
    if failed is not None:
        logger.info("versions removed", extra={"removed": removed})
        raise failed
    return removed
