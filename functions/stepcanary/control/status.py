"""Status: how a service stands, and everything of the stack that is not at rest."""

from stepcanary.access import entered
from stepcanary.aws import stepfunctions
from stepcanary.contracts.actions import EndedRelease, RunningRelease, WaitingRelease
from stepcanary.contracts.questions import (
    Holder,
    ServiceStatus,
    StackStatus,
    StatusQuestion,
    Waiter,
)
from stepcanary.domain.lease import Lease
from stepcanary.domain.profile import Profile
from stepcanary.errors import AwsRefused, DocumentUnreadable, RequestRejected
from stepcanary.release import routes, waiting
from stepcanary.release.holder import is_alive
from stepcanary.release.plan import read_split
from stepcanary.store import leases, ledger, profiles, queue, rest, settings
from stepcanary.traffic.router import TrafficRouter

ASKING = "question"
"""What CloudTrail of another account has as the session of whoever only asks."""
ASKS = {"resume", "retry"}
"""Of the signals that a wait ends on: one of these is what only a person sends."""


def answer(question: StatusQuestion) -> ServiceStatus | StackStatus:
    return of_service(ASKING, question.service) if question.service else of_stack()


def of_service(execution: str, service: str, inline: Profile | None = None) -> ServiceStatus:
    """Its running release, those that wait, its weights, and what became of the last.

    `execution` is who asks. Raises `RequestRejected` where nothing runs and there is no profile.
    """
    last = _last(service)
    places = _waiting(service)
    if leased := leases.of_service(service):
        name = leased[0].holder.rpartition(":")[2]
        return ServiceStatus(
            service=service,
            summary=f"release {name} is running",
            running=[running(lease) for lease in leased],
            waiting=places,
            last=last,
        )
    profile = profiles.of_service(service, inline, is_new=False)
    with entered(profile.access(execution)):
        found = [read_split(traffic) for traffic in profile.traffic]
    at_rest = all(reading.split.at_rest for _, reading in found)
    return ServiceStatus(
        service=service,
        summary="no release is running" + ("" if at_rest else ", and the split is not at rest"),
        splits={router.name: str(reading.split) for router, reading in found},
        waiting=places,
        last=last,
    )


def _waiting(service: str) -> list[WaitingRelease]:
    places = waiting.of_service(service)
    return [WaitingRelease(execution=p.execution, since=p.since, split=p.split) for p in places]


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


def running(lease: Lease) -> RunningRelease:
    """How the release that holds the lease stands."""
    alive, stage = is_alive(lease), lease.stage.phase
    try:
        release = leases.release_of(lease)
    except DocumentUnreadable:
        # Written by another version of this stack.
        return RunningRelease(execution=lease.holder, alive=alive, stage=stage)
    with entered(release.access):
        splits = {router.name: _read(router) for _, router in routes.routers(release)}
    return RunningRelease(
        execution=lease.holder,
        alive=alive,
        stage=stage,
        since=lease.since,
        weight=lease.weight,
        by=release.by,
        wait=lease.wait if lease.token else None,
        ends_on=lease.offers,
        needs=_needs(lease, alive=alive),
        signal=str(lease.signal) if lease.signal else None,
        splits=splits,
        warnings=release.warnings,
    )


def _read(router: TrafficRouter) -> str:
    """Where the route is gone in mid-release, all the rest has to be seen all the more."""
    try:
        return str(router.read().split)
    except (AwsRefused, RequestRejected) as hindrance:
        return f"cannot be read. {hindrance}"


def of_stack() -> StackStatus:
    """Everything that is not at rest: what it costs grows with what runs, not with the services.

    Routes are not read: `moved` is what the sweep has seen.
    """
    alive = stepfunctions.running_executions(settings.of_stack().state_machine)
    held = leases.seen()
    holders = [_holder(lease, alive=lease.holder in alive or is_alive(lease)) for lease in held]
    places = [place for lease in held if (place := queue.queued(lease.split))]
    waiters = [
        Waiter(execution=p.execution, service=p.service, split=p.split, since=p.since)
        for p in places
        if p.execution in alive and not p.withdrawn
    ]
    known = {holder.execution for holder in holders} | {waiter.execution for waiter in waiters}
    waiters += [Waiter(execution=execution) for execution in sorted(alive - known)]
    return StackStatus(
        running=[holder for holder in holders if holder.alive],
        waiting=waiters,
        stranded=[holder for holder in holders if not holder.alive],
        moved=rest.moved(),
    )


def _holder(lease: Lease, *, alive: bool) -> Holder:
    service = by = ""
    try:
        release = leases.release_of(lease)
        service, by = release.service, release.by
    except DocumentUnreadable:
        # Written by another version of this stack.
        pass
    return Holder(
        execution=lease.holder,
        split=lease.split,
        service=service,
        by=by,
        alive=alive,
        stage=lease.stage.phase,
        since=lease.since,
        weight=lease.weight,
        wait=lease.wait if lease.token else None,
        ends_on=lease.offers,
        needs=_needs(lease, alive=alive),
    )


def _needs(lease: Lease, *, alive: bool) -> str:
    if lease.parked:
        return "its promotion failed; mend the primary, then revert it"
    if not alive:
        return "its execution has ended; the sweep puts it right, or says in an alarm why not"
    return f"it waits for a person: {', '.join(lease.offers)}" if ASKS & set(lease.offers) else ""
