"""Waiting: which releases of a service have not begun, and how one of them is withdrawn."""

from stepcanary.aws import stepfunctions
from stepcanary.domain.lease import Place
from stepcanary.domain.request import ActionRequest
from stepcanary.errors import SignalRefused
from stepcanary.store import leases, queue


def of_service(service: str) -> list[Place]:
    """Those that wait for their split, or to begin; who was stopped has left its place behind."""
    return [
        place
        for place in queue.waiting(service)
        if (place.split or not leases.has_begun(place.execution))
        and stepfunctions.running_since(place.execution)
    ]


def withdraw(request: ActionRequest) -> list[str]:
    """The executions that end at their next look. Raises `SignalRefused` where none waits."""
    waiting = of_service(request.service)
    meant = [place for place in waiting if _is(place, request.execution)]
    sender = f"by {request.by or 'somebody'}"
    why = f"{sender}: {request.reason}" if request.reason else sender
    withdrawn = [place for place in meant if queue.withdraw(request.service, place, why)]
    if withdrawn:
        return [place.execution for place in withdrawn]
    if waiting and not meant:
        names = ", ".join(place.execution for place in waiting)
        raise SignalRefused(f"withdraw: {request.execution} does not wait; those that do: {names}")
    raise SignalRefused(
        f"withdraw: no release of {request.service} waits for its turn; revert one that runs"
    )


def _is(place: Place, execution: str) -> bool:
    """By ARN or by name; nobody named is everybody."""
    return execution in ("", place.execution, place.execution.rpartition(":")[2])
