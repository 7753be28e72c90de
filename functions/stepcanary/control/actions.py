"""Actions: what a person, a pipeline or an event can do about a service that is released."""

from stepcanary.aws import stepfunctions
from stepcanary.contracts.events import SignalInput
from stepcanary.control.manual_shift import shift_manually
from stepcanary.domain.lease import Lease
from stepcanary.domain.request import ActionRequest, parse_action
from stepcanary.errors import (
    AwsUnavailable,
    DocumentUnreadable,
    LeaseHeld,
    NotEnoughCapacity,
    ReleaseError,
    RequestRejected,
    SignalRefused,
)
from stepcanary.release import routes, signalling
from stepcanary.release.plan import read_split
from stepcanary.store import leases, ledger, profiles

Answer = dict[str, object]


def take_action(execution: str, document: object) -> Answer:
    """What was done, with `did` in a sentence.

    Raises `RequestRejected` for what cannot be done, and `AwsUnavailable` to try again.
    """
    request = parse_action(document)
    try:
        done = _take(execution, request)
    except (AwsUnavailable, RequestRejected):
        raise
    except (SignalRefused, LeaseHeld, NotEnoughCapacity) as refused:
        raise RequestRejected(str(refused)) from refused
    except ReleaseError as failed:
        told = f"{type(failed).__name__}: {failed}"
        if request.action == "shift":
            told += ". Weights may have moved; the action status says how they are"
        raise RequestRejected(f"{request.action}: it could not be done. {told}") from failed
    return {"action": request.action, "service": request.service, **done}


def _take(execution: str, request: ActionRequest) -> Answer:
    if request.action == "status":
        return status(request)
    if request.action == "shift":
        profile = profiles.of_service(request.service, request.profile)
        return {"did": shift_manually(execution, request, profile)}
    told = signalling.signal_service(
        SignalInput(
            service=request.service,
            signal=request.action,
            reason=request.reason,
            by=request.by,
            execution=request.execution,
            wait=request.wait,
        ),
        request_id=execution,
    )
    return {"did": f"told {', '.join(told)}", "executions": told}


def status(request: ActionRequest) -> Answer:
    """How the service stands: its running release, its weights, and what became of the last."""
    running = leases.of_service(request.service)
    last = ledger.last(request.service)
    ended = last and {
        "execution": last.execution,
        "outcome": last.outcome,
        "cause": last.cause,
        "at": last.updated_at,
    }
    if running:
        return {
            "did": f"release {running[0].holder.rpartition(':')[2]} is running",
            "running": [_running(lease) for lease in running],
            "last": ended,
        }
    profile = profiles.of_service(request.service, request.profile)
    found = [read_split(traffic) for traffic in profile.traffic]
    at_rest = all(reading.split.at_rest for _, reading in found)
    return {
        "did": "no release is running" + ("" if at_rest else ", and the split is not at rest"),
        "splits": {router.name: str(reading.split) for router, reading in found},
        "last": ended,
    }


def _running(lease: Lease) -> Answer:
    alive = stepfunctions.is_running(lease.holder)
    try:
        release = leases.release_of(lease)
    except DocumentUnreadable:
        # Written by another version of this stack.
        return {"execution": lease.holder, "alive": alive, "stage": str(lease.stage)}
    return {
        "execution": lease.holder,
        "alive": alive,
        "stage": str(lease.stage),
        "since": lease.since,
        "weight": lease.weight,
        "by": release.by,
        "wait": lease.wait if lease.token else None,
        "ends_on": sorted(lease.ends_on or []) if lease.token else [],
        "signal": str(lease.signal) if lease.signal else None,
        "splits": {router.name: str(router.read().split) for _, router in routes.routers(release)},
    }
