"""Floors: the counts below which autoscaling does not take a side while a release runs.

Traffic that leaves a side makes it look idle, and the tasks that it loses then are missing when the
traffic comes back.
"""

import json
from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from stepcanary import clock
from stepcanary.aws import autoscaling, ecs
from stepcanary.domain.deployment import Service
from stepcanary.domain.lease import Lease
from stepcanary.domain.profile import Profile
from stepcanary.domain.release import Release
from stepcanary.domain.scaling import Bounds, Floor, next_run_of
from stepcanary.errors import AwsRefused, AwsUnavailable, FixtureKept, RequestRejected
from stepcanary.observability import logger
from stepcanary.release import kept
from stepcanary.release.routes import note_losses
from stepcanary.release.world import Sides
from stepcanary.store import register, stages
from stepcanary.store.register import Entry

KIND = "floor"
STAYS_SECONDS = 1_200
"""Target tracking scales in after 15 minutes of little load, and its metrics come late; see
https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""
LONGEST_RELEASE = timedelta(days=8)
_floors = TypeAdapter(Floor)


def check_scaling(
    profile: Profile, primary: Service, canary: Service, *, only_reads: bool = False
) -> list[str]:
    """What of it the release cannot make up for, in sentences. Whether it may be changed only a
    call that changes nothing can tell, and who `only_reads` may not make it.

    Raises `RequestRejected` where what scales the services may not be changed, or leaves the canary
    too few tasks.
    """
    unreadable: list[str] = []
    try:
        found = autoscaling.bounds(profile.cluster, [primary.name, canary.name])
        for service in (primary, canary):
            bounds = found.get(service.name)
            if bounds and not bounds.schedules_suspended:
                unreadable += _unreadable(profile, service)
            # A service that is outside of its bounds would be brought within them.
            is_within = bounds and bounds.minimum <= service.desired <= bounds.maximum
            if is_within and not only_reads:
                autoscaling.require_changeable(profile.cluster, service.name)
    except AwsRefused as refused:
        raise RequestRejected(
            "autoscaling: the bounds between which Application Auto Scaling takes the services may"
            f" not be changed, and it could scale one in while the other has the traffic: {refused}"
        ) from refused
    bounds = found.get(canary.name)
    needed = profile.sizing(primary.desired).tasks(100)
    if bounds is not None and bounds.maximum < needed:
        raise RequestRejected(
            f"canary: autoscaling lets {canary.name} have {bounds.maximum} tasks at most, and with"
            f" all traffic it needs {needed}; raise its MaxCapacity, or set canary_tasks"
        )
    return unreadable


def _unreadable(profile: Profile, service: Service) -> list[str]:
    return [
        f"autoscaling: when the scheduled action {action.name} of {service.name} runs cannot be"
        f" read ({action.schedule}). It is suspended while the release runs, and not made up for"
        for action in autoscaling.scheduled(profile.cluster, service.name)
        if not action.is_readable
    ]


def put_up(release: Release, lease: Lease, sides: Sides, *, canary: int) -> Lease:
    """The primary has what it was planned with, and the canary so many tasks, from here on,
    whatever autoscaling makes of it."""
    wanted = {sides.primary.name: release.primary_tasks, sides.canary.name: canary}
    since = clock.now()
    found = autoscaling.bounds(release.cluster, list(wanted))
    floors = [_put_up(release, name, wanted[name], it, since) for name, it in found.items()]
    return _note_next(lease, floors)


def _put_up(release: Release, service: str, tasks: int, found: Bounds, since: datetime) -> Floor:
    """`since` is from before its bounds were read: an action may run at any moment."""
    entry = register.find(release.execution, KIND, service)
    if entry is None:
        fresh = Entry(KIND, service, _kept(Floor(tasks, found, since)), "[]")
        # A floor that stays for a while after its release is this one's now.
        entry = register.own(release.service, release.execution, fresh)
        return _set(release, entry, tasks, found, anew=True)
    return _set(release, entry, tasks, found)


def grow(release: Release, canary: Service, tasks: int) -> None:
    """The canary has at least so many tasks soon."""
    if canary.desired < tasks and canary.status == "ACTIVE":
        ecs.scale(release.cluster, canary, tasks)
        _raise(release, canary.name, tasks)


def keep_count(release: Release, lease: Lease, primary: Service, tasks: int = 0) -> Lease:
    """The primary has at least the tasks that it was planned with, or so many.

    Whoever has taken some is named: an operator, or an autoscaler of somebody's own.
    """
    wanted = max(release.primary_tasks, tasks)
    if primary.desired >= wanted or primary.status != "ACTIVE":
        return lease
    if primary.desired < release.primary_tasks:
        lease = note_losses(
            lease,
            f"The desired count of {primary.name} was brought down to {primary.desired} meanwhile;"
            f" it has {wanted} again",
        )
    ecs.scale(release.cluster, primary, wanted)
    # Whoever has set other bounds meanwhile has taken the floor away.
    _raise(release, primary.name, wanted)
    return lease


def try_to_keep_count(release: Release, lease: Lease, primary: Service) -> Lease:
    """The same where something else matters more: what stands in its way is logged, and the next
    look tries again."""
    try:
        return keep_count(release, lease, primary)
    except (AwsRefused, AwsUnavailable) as error:
        logger.warning("a count was not given back", extra={"error": str(error)})
        return lease


def follow(release: Release, lease: Lease, sides: Sides) -> None:
    """Carry out what a scheduled action would have raised by now."""
    if lease.scales_at is None or lease.scales_at > clock.epoch_seconds():
        return
    found = autoscaling.bounds(release.cluster, [sides.primary.name, sides.canary.name])
    floors = [
        _set(release, entry, 0, found[entry.key])
        for entry in register.entries(release.execution, KIND)
        if entry.key in found
    ]
    _note_next(lease, floors)


def _note_next(lease: Lease, floors: list[Floor]) -> Lease:
    now = clock.now()
    coming = [next_run_of(floor.actions, now, now + LONGEST_RELEASE) for floor in floors]
    at = min((int(run.timestamp()) for run in coming if run is not None), default=None)
    return lease if at == lease.scales_at else stages.note_scales_at(lease, at)


def _raise(release: Release, service: str, tasks: int) -> None:
    """Only where something scaled the side by itself when the release began."""
    entry = register.find(release.execution, KIND, service)
    found = autoscaling.bounds(release.cluster, [service]).get(service) if entry else None
    if entry is not None and found is not None:
        _set(release, entry, tasks, found)


def _set(release: Release, entry: Entry, tasks: int, found: Bounds, *, anew: bool = False) -> Floor:
    """Written down before it is done, so that whoever takes it down knows what is ours.

    Registering the bounds brings the service within them at once.
    """
    ours = _ours(entry)
    floor = _now(release, entry, found)
    floor = replace(floor, tasks=tasks if anew else max(floor.tasks, tasks))
    wanted = floor.bounds
    made = json.dumps(sorted({*ours, (wanted.minimum, wanted.maximum)}))
    if not register.change(release.execution, entry, Entry(KIND, entry.key, _kept(floor), made)):
        # An act and the sweep are at it at the same moment.
        raise AwsUnavailable(f"the floor of {entry.key} is being changed by somebody else")
    if wanted != found:
        autoscaling.set_bounds(release.cluster, entry.key, wanted)
    return floor


def _kept(floor: Floor) -> dict[str, str]:
    return {"floor": _floors.dump_json(floor).decode()}


def take_down(release: Release, entry: Entry) -> None:
    """The bounds that there would be without it, unless somebody else has set others meanwhile.

    The primary keeps its floor for a while after its traffic is back, for autoscaling judges by
    metrics of minutes ago. A canary at rest is not started by its minimum; one that is kept for a
    person is not scaled in. Raises `FixtureKept`.
    """
    if entry.key == release.primary.service:
        _require_over(release, entry)
    found = autoscaling.bounds(release.cluster, [entry.key]).get(entry.key)
    if found is None:
        return
    wanted = _now(release, entry, found).before
    if entry.key == release.canary.service:
        kept.require_not_kept(release)
        wanted = replace(wanted, minimum=min(wanted.minimum, release.canary.at_rest))
    if wanted != found:
        autoscaling.set_bounds(release.cluster, entry.key, wanted)
        logger.info("scaling is as before", extra={"ecs_service": entry.key})


def lower(release: Release, canary: str) -> None:
    """The canary has no weight any more, and needs no floor."""
    entry = register.find(release.execution, KIND, canary)
    if entry is not None:
        take_down(release, entry)
        register.remove(release.execution, entry, release.service)


def _require_over(release: Release, entry: Entry) -> None:
    now = clock.epoch_seconds()
    until = int(entry.before.get("until", 0))
    if not until:
        until = now + STAYS_SECONDS
        register.change(
            release.execution, entry, replace(entry, before={**entry.before, "until": str(until)})
        )
    if now < until:
        raise FixtureKept(f"the floor of {entry.key} stays for a while", until)


def _now(release: Release, entry: Entry, found: Bounds) -> Floor:
    """The floor with what has happened since."""
    actions = autoscaling.scheduled(release.cluster, entry.key)
    floor = _floors.validate_json(entry.before["floor"])
    return floor.at(clock.now(), found, _ours(entry), actions)


def _ours(entry: Entry) -> set[tuple[int, int]]:
    return {(minimum, maximum) for minimum, maximum in json.loads(entry.made or "[]")}
