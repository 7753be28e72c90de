"""Plan: check a request against the world and fix the release. Reads only."""

from collections.abc import Collection

from stepcanary.aws import cloudwatch, ecs
from stepcanary.aws.ecs import TaskDefinition
from stepcanary.domain.deployment import Service, check_releasable, with_images
from stepcanary.domain.members import Paths, refusal, warnings_of
from stepcanary.domain.profile import Profile, Traffic
from stepcanary.domain.release import Release, Side
from stepcanary.domain.request import (
    ActionRequest,
    Request,
    TaskDefinitions,
    parse_built,
    parse_request,
)
from stepcanary.domain.revisions import short_name
from stepcanary.domain.split import SideName, check_expressible
from stepcanary.domain.verdict import Alarm
from stepcanary.errors import AwsRefused, DocumentUnreadable, RequestRejected, SplitTaken
from stepcanary.release.holder import is_alive
from stepcanary.release.rollback import rolled_back
from stepcanary.store import leases, profiles
from stepcanary.traffic.factory import router_for
from stepcanary.traffic.router import Reading, TrafficRouter


def resolve(document: object) -> tuple[Request, Profile]:
    """The request, and the profile of its service. Raises `RequestRejected`."""
    request = request_of(document)
    return request, profiles.of_service(request.service, request.profile)


def plan_release(
    execution: str, request: Request, profile: Profile, may_be_lost: Collection[str] = ()
) -> Release:
    """`may_be_lost` has the unknown members that the stack's parameter names.

    Raises `RequestRejected` with the field and what to do; `AwsUnavailable` to try again.
    """
    _check_distinct(execution, profile)
    try:
        if request.action == "rollback":
            request, profile = rolled_back(request, profile)
        abandoned = [_abandoned_traffic(execution, traffic) for traffic in profile.traffic]
        primary = ecs.require_service(profile.cluster, profile.primary, "primary")
        canary = ecs.require_service(profile.cluster, profile.canary, "canary")
        _check_services(primary, canary)
        current, wanted, warnings = _versions(request, "primary", primary, may_be_lost)
        warnings = warnings + _versions(request, "canary", canary, may_be_lost)[2]
        if current == wanted:
            field = "images" if request.task_definitions is None else "task_definitions.primary"
            raise RequestRejected(
                f"{field}: the primary {primary.name} already runs this version; name a new one"
            )
        planned = []
        for traffic, left in zip(profile.traffic, abandoned, strict=True):
            route, losses = _check_split(traffic, profile, left, may_be_lost)
            planned.append(route)
            warnings += losses
        _check_alarms(profile.alarms)
    except AwsRefused as refused:
        raise RequestRejected(f"a check of the release was refused. {refused}") from refused
    return build_release(
        execution,
        request,
        profile,
        (primary, canary),
        planned,
        images=request.images,
        task_definitions=request.task_definitions,
        may_be_lost=may_be_lost,
        warnings=warnings,
    )


def check_possible(request: Request, profile: Profile, may_be_lost: Collection[str] = ()) -> None:
    """Raises `RequestRejected` for a request that has no chance, before it waits for its turn.

    Whether the primary runs the version already is left to the plan: until then it may change.
    """
    try:
        primary = ecs.require_service(profile.cluster, profile.primary, "primary")
        canary = ecs.require_service(profile.cluster, profile.canary, "canary")
        check_releasable("primary", primary)
        check_releasable("canary", canary)
        _versions(request, "primary", primary, may_be_lost)
        _versions(request, "canary", canary, may_be_lost)
        known_alarms(profile.alarms)
    except AwsRefused as refused:
        raise RequestRejected(f"a check of the release was refused. {refused}") from refused


def build_release(
    execution: str,
    request: Request | ActionRequest,
    profile: Profile,
    services: tuple[Service, Service],
    planned: list[Traffic],
    *,
    images: dict[str, str] | None = None,
    task_definitions: TaskDefinitions | None = None,
    may_be_lost: Collection[str] = (),
    warnings: Collection[str] = (),
) -> Release:
    """Assemble a `Release`: without images and task definitions it is a manual shift."""
    primary, canary = services
    return Release(
        execution=execution,
        service=request.service,
        by=request.by,
        cluster=profile.cluster,
        primary=Side(service=primary.name, task_definition=primary.task_definition),
        canary=Side(service=canary.name, task_definition=canary.task_definition),
        canary_tasks=profile.canary_tasks or max(1, primary.desired),
        primary_tasks=max(1, primary.desired),
        capacity_grace_seconds=profile.capacity_grace_seconds,
        images=images,
        task_definitions=task_definitions,
        traffic=planned,
        steps=profile.all_steps,
        alarms=profile.alarms,
        holds=profile.holds,
        deployment=profile.deployment,
        promotion=profile.promotion,
        revert_seconds=profile.revert_seconds,
        settle_seconds=profile.settle_seconds,
        drain_seconds=max(traffic.drain_seconds for traffic in planned),
        may_be_lost=list(may_be_lost),
        warnings=list(warnings),
    )


def request_of(document: object) -> Request:
    """The request, also where a pipeline sent only the file of what it has built."""
    built = parse_built(document)
    if not built:
        return parse_request(document)
    repository = built[0].repository
    found = profiles.of_repository(repository)
    if len(found) != 1:
        raise RequestRejected(
            f"request: {len(found)} profiles have triggers.repository {repository}, so the image"
            " does not say which service it is for; send `service` and `images`"
        )
    service, profile = found[0]
    assert profile.triggers is not None
    images = {each.container or profile.triggers.container: each.image for each in built}
    return Request(service=service, images=images, by=f"a push to {repository}")


def _check_distinct(execution: str, profile: Profile) -> None:
    keys = [traffic.key(execution) for traffic in profile.traffic]
    for key in keys:
        if keys.count(key) > 1:
            raise RequestRejected(f"traffic: {key} is listed twice; list each route once")


def _check_services(primary: Service, canary: Service) -> None:
    check_releasable("primary", primary)
    check_releasable("canary", canary)
    if primary.desired == 0:
        raise RequestRejected(
            f"primary: ECS service {primary.name} has a desired count of 0, so traffic would have"
            " nowhere to return to; scale it out"
        )
    if not primary.settled or primary.running == 0:
        raise RequestRejected(
            f"primary: ECS service {primary.name} is not steady ({primary.running} of"
            f" {primary.desired} tasks, {len(primary.deployments)} deployments); wait for it"
        )


def _versions(
    request: Request, side: SideName, service: Service, may_be_lost: Collection[str]
) -> tuple[object, object, list[str]]:
    """What the side runs and what the release would give it, to be compared, and what is lost.

    Raises `RequestRejected` for a version that cannot be deployed there.
    """
    ready = request.task_definitions
    losses: list[str] = []
    if side == "primary" or ready is None:
        current = _running_definition(side, service)
        # A revision that ECS does not deploy any more is registered again for the way back.
        if ready is None or not current.is_active:
            name = f"{side}: task definition {short_name(current.arn)}"
            losses = _losses(name, current.unknown, may_be_lost)
    if ready is not None:
        named: str = getattr(ready, side)
        wanted = ecs.require_task_definition(named, f"task_definitions.{side}")
        return service.task_definition, wanted.arn, losses
    return current.document, with_images(current.document, request.images or {}), losses


def _losses(name: str, unknown: Paths, may_be_lost: Collection[str]) -> list[str]:
    """What is lost of the document of this name when it is written back, in sentences.

    Raises `RequestRejected` for what must not be lost.
    """
    if refused := refusal(name, unknown, may_be_lost):
        raise RequestRejected(refused)
    return warnings_of(name, unknown, may_be_lost)


def _running_definition(side: SideName, service: Service) -> TaskDefinition:
    """Raises `RequestRejected` where it was deleted: then nobody can go back to it."""
    found = ecs.find_task_definition(service.task_definition)
    if found is None:
        raise RequestRejected(
            f"{side}: task definition {service.task_definition}, which {service.name} runs, was"
            " deleted, so there is no way back to it; deploy a registered one first"
        )
    return found


def _abandoned_traffic(execution: str, traffic: Traffic) -> Traffic | None:
    """Traffic recorded by an ended execution that still holds this split; None if it is free.

    OpenRelease puts such a split right first. Raises `SplitTaken` while the holder runs.
    """
    key = traffic.key(execution)
    lease = leases.read(key)
    if lease.holder in ("", execution):
        return None
    if is_alive(lease):
        raise SplitTaken(
            f"traffic: execution {lease.holder} is releasing on the same split,"
            f" {router_for(traffic).name}; wait for it to end, or revert it",
            lease.holder,
            key,
        )
    try:
        theirs = leases.release_of(lease).traffic
    except DocumentUnreadable as unreadable:
        raise RequestRejected(
            f"traffic: {lease.holder} left the split. {unreadable}"
        ) from unreadable
    return next((traffic for traffic in theirs if traffic.key(lease.holder) == key), None)


def _check_split(
    traffic: Traffic, profile: Profile, left: Traffic | None, may_be_lost: Collection[str]
) -> tuple[Traffic, list[str]]:
    """The traffic with what only the route at rest can tell, and what the route loses."""
    router, reading = read_split(traffic)
    split, rest_weight = reading.split, reading.rest_weight
    if not split.at_rest and left is None:
        raise RequestRejected(
            f"traffic: {router.name} is not at rest, its weights are {split}; return them to the"
            " primary, or wait for the release that moved them"
        )
    check_expressible(split.with_weight(0), [step.weight for step in profile.all_steps])
    losses = check_route(router, reading, may_be_lost)
    if not split.at_rest and left is not None:
        # It will be brought to the rest that the dead release found.
        rest_weight = left.rest_weight
    found = {"rest_weight": rest_weight, "drain_seconds": reading.pinned_seconds}
    return traffic.model_copy(update=found), losses


def check_route(router: TrafficRouter, reading: Reading, may_be_lost: Collection[str]) -> list[str]:
    """What the route loses when it is written, in sentences.

    Raises `RequestRejected` when no release should be begun on it.
    """
    losses = _losses(f"traffic: {router.name}", reading.unknown, may_be_lost)
    router.check(reading)
    return losses


def read_split(traffic: Traffic) -> tuple[TrafficRouter, Reading]:
    """Raises `RequestRejected` where there is no such route."""
    router = router_for(traffic)
    try:
        return router, router.read()
    except AwsRefused as refused:
        if refused.code in router.missing:
            raise RequestRejected(
                f"traffic: there is no {router.name}; mend the profile. {refused}"
            ) from refused
        raise


def known_alarms(names: list[str]) -> dict[str, Alarm]:
    found = {alarm.name: alarm for alarm in cloudwatch.describe_alarms(names, None)}
    for name in names:
        if name not in found:
            raise RequestRejected(f"alarms: there is no CloudWatch alarm {name}; create it")
    return found


def _check_alarms(names: list[str]) -> None:
    found = known_alarms(names)
    for name in names:
        if found[name].state == "ALARM":
            raise RequestRejected(
                f"alarms: {name} is in ALARM already, so it cannot judge a canary; clear it first"
                f" ({found[name].reason[:300]})"
            )
