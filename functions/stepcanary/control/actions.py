"""Actions: what a person, a pipeline or an event can do about a service that is released."""

from collections.abc import Collection
from typing import Any

from stepcanary.access import entered
from stepcanary.contracts.answers import EndedRelease, RunningRelease, Taken, WaitingRelease
from stepcanary.control.manual_shift import shift_manually
from stepcanary.domain.lease import Lease
from stepcanary.domain.request import ActionRequest, parse_action
from stepcanary.errors import (
    AwsUnavailable,
    DocumentUnreadable,
    NotEnoughCapacity,
    ReleaseError,
    RequestRejected,
    SignalRefused,
)
from stepcanary.release import routes, signalling, waiting
from stepcanary.release.holder import is_alive
from stepcanary.release.plan import read_split
from stepcanary.store import leases, ledger, profiles, senders


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
        return status(execution, request)
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


def status(execution: str, request: ActionRequest) -> Taken:
    """How the service stands: its running release, those that wait, its weights, and what became
    of the last."""
    leased = leases.of_service(request.service)
    last = _last(request.service)
    places = _waiting(request.service)
    if leased:
        name = leased[0].holder.rpartition(":")[2]
        running = [_running(lease) for lease in leased]
        did = f"release {name} is running"
        return _taken(request, did, running=running, waiting=places, last=last)
    profile = profiles.of_service(request.service, request.profile, is_new=False)
    with entered(profile.access(execution)):
        found = [read_split(traffic) for traffic in profile.traffic]
    at_rest = all(reading.split.at_rest for _, reading in found)
    did = "no release is running" + ("" if at_rest else ", and the split is not at rest")
    splits = {router.name: str(reading.split) for router, reading in found}
    return _taken(request, did, splits=splits, waiting=places, last=last)


def _waiting(service: str) -> list[WaitingRelease] | None:
    """None where nobody waits."""
    places = waiting.of_service(service)
    found = [WaitingRelease(execution=p.execution, since=p.since, split=p.split) for p in places]
    return found or None


def _last(service: str) -> EndedRelease | None:
    last = ledger.last(service)
    if last is None:
        return None
    return EndedRelease(
        execution=last.execution,
        outcome=last.outcome,
        cause=last.cause,
        at=last.updated_at,
    )


def _running(lease: Lease) -> RunningRelease:
    alive, stage = is_alive(lease), lease.stage.phase
    try:
        release = leases.release_of(lease)
    except DocumentUnreadable:
        # Written by another version of this stack.
        return RunningRelease(execution=lease.holder, alive=alive, stage=stage)
    with entered(release.access):
        splits = {router.name: str(router.read().split) for _, router in routes.routers(release)}
    return RunningRelease(
        execution=lease.holder,
        alive=alive,
        stage=stage,
        since=lease.since,
        weight=lease.weight,
        by=release.by,
        wait=lease.wait if lease.token else None,
        ends_on=sorted(lease.ends_on or []) if lease.token else [],
        signal=str(lease.signal) if lease.signal else None,
        splits=splits,
        warnings=release.warnings,
    )
