"""Actions: what a person, a pipeline or an event can do about a service that is released."""

from collections.abc import Collection
from typing import Any

from stepcanary.access import entered
from stepcanary.contracts.actions import Taken
from stepcanary.control import status
from stepcanary.control.manual_shift import shift_manually
from stepcanary.domain.request import ActionRequest, parse_action
from stepcanary.errors import (
    AwsUnavailable,
    NotEnoughCapacity,
    ReleaseError,
    RequestRejected,
    SignalRefused,
)
from stepcanary.release import signalling, waiting
from stepcanary.store import profiles, senders


def take_action(execution: str, document: object, may_be_lost: Collection[str] = ()) -> Taken:
    """What was done. `may_be_lost` has the unknown members that the stack's parameter names.

    Raises `RequestRejected` for what cannot be done, and `AwsUnavailable` to try again.
    """
    request = parse_action(document)
    try:
        request = request.model_copy(update={"by": senders.named(execution, request.by)})
        return _take(execution, request, may_be_lost)
    except (AwsUnavailable, RequestRejected):
        raise
    except (SignalRefused, NotEnoughCapacity) as refused:
        raise RequestRejected(str(refused)) from refused
    except ReleaseError as failure:
        raise RequestRejected(_why_failed(request, failure)) from failure


def _why_failed(request: ActionRequest, failure: ReleaseError) -> str:
    match request.action:
        case "status":
            consequence = "Nothing was changed"
        case "shift":
            consequence = "Weights may have moved; the action status says how they are"
        case _:
            consequence = "The action status says how the release stands"
    subject = f"{request.action.capitalize()} of {request.service}"
    return f"{subject} failed: {type(failure).__name__}: {failure}. {consequence}"


def _take(execution: str, request: ActionRequest, may_be_lost: Collection[str]) -> Taken:
    if request.action == "status":
        return _status(execution, request)
    if request.action == "shift":
        is_new = request.weight != 0
        profile = profiles.of_service(request.service, request.profile, is_new=is_new)
        with entered(profile.access(execution)):
            return _taken(request, shift_manually(execution, request, profile, may_be_lost))
    if request.action == "withdraw":
        withdrawn = waiting.withdraw(request)
        return _taken(request, f"withdrawn: {_names(withdrawn)}", executions=withdrawn)
    executions = signalling.signal_service(request, request_id=execution)
    did = f"the signal {request.action} reached {_names(executions)}"
    return _taken(request, did, executions=executions)


def _names(executions: list[str]) -> str:
    return ", ".join(execution.rpartition(":")[2] for execution in executions)


def _taken(request: ActionRequest, did: str, **more: Any) -> Taken:
    return Taken(action=request.action, service=request.service, did=did, **more)


def _status(execution: str, request: ActionRequest) -> Taken:
    found = status.of_service(execution, request.service, request.profile)
    return _taken(
        request,
        found.summary,
        running=found.running or None,
        waiting=found.waiting or None,
        splits=found.splits or None,
        last=found.last,
    )
