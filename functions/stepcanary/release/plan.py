"""Plan: check a request against the world and fix the release. Reads only."""

from collections.abc import Collection

from stepcanary import access
from stepcanary.access import entered
from stepcanary.aws import cloudwatch, ecs, sts
from stepcanary.domain.alarm_fitness import check_exist, check_fit
from stepcanary.domain.alarm_fitness import warnings as alarm_warnings
from stepcanary.domain.alarms import Described
from stepcanary.domain.content import Content, with_tags
from stepcanary.domain.deployment import Service, check_releasable, check_replaceable
from stepcanary.domain.deployment import warnings as service_warnings
from stepcanary.domain.judging import Judging
from stepcanary.domain.names import TaskDefinitions
from stepcanary.domain.origin import Origin
from stepcanary.domain.permitted import check_cluster, check_tags
from stepcanary.domain.preview import last_bake_warnings, sources
from stepcanary.domain.profile import Profile, Traffic
from stepcanary.domain.release import Release, Side
from stepcanary.domain.request import (
    ActionRequest,
    Request,
    parse_built,
    parse_request,
)
from stepcanary.domain.settings import StackSettings
from stepcanary.domain.split import SideName, check_expressible
from stepcanary.domain.tier import tier_warnings
from stepcanary.errors import AwsRefused, DocumentUnreadable, RequestRejected, SplitTaken
from stepcanary.release import resting, subscriptions, versions
from stepcanary.release.estimates import estimated
from stepcanary.release.floors import check_scaling
from stepcanary.release.holder import is_alive
from stepcanary.release.rollback import Rollback, rolled_back
from stepcanary.release.running import content_at_rest
from stepcanary.release.subscriptions import Canary
from stepcanary.store import leases, ledger, profiles, senders, settings
from stepcanary.traffic.factory import router_for
from stepcanary.traffic.router import Reading, TrafficRouter


def resolve(document: object) -> tuple[Request, Profile]:
    """The request, and the profile of its service. Raises `RequestRejected`."""
    request = request_of(document)
    is_new = request.action != "rollback"
    return request, profiles.of_service(request.service, request.profile, is_new=is_new)


def plan_release(
    execution: str,
    request: Request,
    profile: Profile,
    may_be_lost: Collection[str] = (),
    *,
    last_try: bool = True,
    only_reads: bool = False,
    estimates: Judging | None = None,
) -> Release:
    """`may_be_lost` has the unknown members that the stack's parameter names. What AWS may say
    later is refused at the `last_try` alone. Whether autoscaling may be changed is known only
    where the plan does more than read. `estimates` are those of an earlier plan of this release.

    Raises `RequestRejected` with the field and what to do; `AwsUnavailable` to try again.
    """
    with entered(profile.access(execution)):
        release = _planned(
            execution, request, profile, may_be_lost, last_try=last_try, only_reads=only_reads
        )
        return _with_judge(release, estimates)


def _planned(
    execution: str,
    request: Request,
    profile: Profile,
    may_be_lost: Collection[str],
    *,
    last_try: bool,
    only_reads: bool,
) -> Release:
    check_distinct(execution, profile)
    rollback: Rollback | None = None
    try:
        require_access()
        if request.action == "rollback":
            rollback = rolled_back(request, profile)
            request, profile = rollback.request, rollback.profile
        abandoned = [abandoned_on(execution, traffic) for traffic in profile.traffic]
        primary = ecs.require_service(profile.cluster, profile.primary, "primary")
        canary = ecs.require_service(profile.cluster, profile.canary, "canary")
        sides: list[tuple[SideName, Service]] = [("primary", primary), ("canary", canary)]
        for side, service in sides:
            check_service(side, service)
        check_serving(primary)
        check_gateway(primary, canary)
        stack = settings.of_stack()
        check_permitted(stack, profile, primary)
        for side, service in sides:
            check_tags(side, f"ECS service {service.name}", service.tags)
        limits = versions.Limits(stack, profile.repositories)
        version = versions.check(request, primary, canary, may_be_lost, limits)
        if not version.is_new:
            field = "images" if request.task_definitions is None else "task_definitions.primary"
            raise RequestRejected(
                f"{field}: the primary {primary.name} already runs this version; name a new one"
            )
        planned, losses = [], version.losses
        for traffic, left in zip(profile.traffic, abandoned, strict=True):
            route, lost = check_split(execution, traffic, profile, left, may_be_lost)
            planned.append(route)
            losses += lost
        alarms = cloudwatch.describe(profile.alarms)
        check_fit(profile.alarms, alarms)
        subscriptions.check(execution, Canary(profile.cluster, canary.name), profile.judge)
        content = content_at_rest(profile.cluster, primary, version.running, last_try=last_try)
        for known in ledger.known_contents(request.service):
            content = with_tags(content, known)
        version.require_one(content)
        unreadable = check_scaling(profile, primary, canary, only_reads=only_reads)
        at_rest = resting.at_rest(request.service, canary, next(filter(None, abandoned), None))
    except AwsRefused as refused:
        raise RequestRejected(f"a check of the release was refused. {refused}") from refused
    return build_release(
        execution,
        request,
        profile,
        (primary, canary),
        planned,
        by=senders.named(execution, request.by),
        content=content,
        at_rest=at_rest,
        images=request.images,
        task_definitions=request.task_definitions,
        rollback=rollback,
        may_be_lost=may_be_lost,
        warnings=[
            *losses,
            *standing_warnings(profile, primary, canary),
            *unreadable,
            *judging_warnings(profile, alarms),
        ],
    )


def _with_judge(release: Release, estimates: Judging | None) -> Release:
    """With what the judge needs and the profile leaves out."""
    if release.judge is None:
        return release
    try:
        found = estimated(release, release.judge, estimates)
    except AwsRefused as refused:
        raise RequestRejected(f"judge: its metrics cannot be read. {refused}") from refused
    warnings = [*release.warnings, *found.warnings]
    return release.model_copy(update={"judge": found.judging, "warnings": warnings})


def check_possible(
    execution: str, request: Request, profile: Profile, may_be_lost: Collection[str] = ()
) -> None:
    """Raises `RequestRejected` for a request that has no chance, before it waits for its turn.

    What depends on what the primary runs is left to the plan: until then it may change.
    """
    with entered(profile.access(execution)):
        _check_possible(request, profile, may_be_lost)


def _check_possible(request: Request, profile: Profile, may_be_lost: Collection[str]) -> None:
    try:
        primary = ecs.require_service(profile.cluster, profile.primary, "primary")
        canary = ecs.require_service(profile.cluster, profile.canary, "canary")
        check_releasable("primary", primary)
        check_releasable("canary", canary)
        check_replaceable("primary", primary)
        check_gateway(primary, canary)
        stack = settings.of_stack()
        check_permitted(stack, profile, primary)
        check_tags("primary", f"ECS service {primary.name}", primary.tags)
        check_tags("canary", f"ECS service {canary.name}", canary.tags)
        limits = versions.Limits(stack, profile.repositories)
        versions.check(request, primary, canary, may_be_lost, limits)
        check_exist(profile.alarms, cloudwatch.describe(profile.alarms))
    except AwsRefused as refused:
        raise RequestRejected(f"a check of the release was refused. {refused}") from refused


def build_release(
    execution: str,
    request: Request | ActionRequest,
    profile: Profile,
    services: tuple[Service, Service],
    planned: list[Traffic],
    *,
    by: str,
    content: Content | None = None,
    at_rest: int = 0,
    images: dict[str, str] | None = None,
    task_definitions: TaskDefinitions | None = None,
    rollback: Rollback | None = None,
    may_be_lost: Collection[str] = (),
    warnings: Collection[str] = (),
) -> Release:
    """Assemble a `Release`: without images and task definitions it is a manual shift. `by` is who
    it is by, as people read it, and `at_rest` how many tasks the canary has when no release runs.
    """
    primary, canary = services
    sizing = profile.sizing(primary.desired)
    return Release(
        execution=execution,
        service=request.service,
        account=profile.account,
        by=by,
        origin=request.origin if isinstance(request, Request) else Origin(),
        cluster=profile.cluster,
        primary=_side(primary, content or {}),
        canary=_side(canary, {}).model_copy(update={"at_rest": at_rest}),
        canary_tasks=sizing.full,
        capacity=sizing.mode,
        headroom_percent=sizing.headroom_percent,
        minimum_tasks=sizing.minimum_tasks,
        primary_tasks=max(1, primary.desired),
        capacity_grace_seconds=profile.capacity_grace_seconds,
        images=images,
        task_definitions=task_definitions,
        traffic=planned,
        steps=profile.all_steps,
        alarms=profile.alarms,
        judge=profile.judge,
        holds=profile.holds,
        deployment=profile.deployment,
        promotion=profile.promotion,
        revert_seconds=profile.revert_seconds,
        keep_failed_seconds=profile.keep_failed_seconds,
        settle_seconds=profile.settle_seconds,
        drain_seconds=max(traffic.drain_seconds or 0 for traffic in planned),
        fled=rollback.fled if rollback else None,
        pins=rollback.pins if rollback else {},
        may_be_lost=list(may_be_lost),
        warnings=list(warnings),
    )


def _side(service: Service, content: Content) -> Side:
    return Side(
        service=service.name,
        task_definition=service.task_definition,
        deployment=service.current["id"] if service.current else "",
        content=content,
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


def require_access() -> None:
    """Raises `RequestRejected` where what was entered cannot be used."""
    if entered_now := access.current():
        sts.require_role(entered_now)


def check_distinct(execution: str, profile: Profile) -> None:
    keys = [traffic.key(execution) for traffic in profile.traffic]
    for key in keys:
        if keys.count(key) > 1:
            raise RequestRejected(f"traffic: {key} is listed twice; list each route once")


def check_service(side: SideName, service: Service) -> None:
    """Raises `RequestRejected` for one that could not be deployed to."""
    check_releasable(side, service)
    check_replaceable(side, service)


def check_serving(primary: Service) -> None:
    """Raises `RequestRejected` where traffic would have nowhere to return to."""
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


def check_permitted(stack: StackSettings, profile: Profile, primary: Service) -> None:
    """Raises `RequestRejected` for a cluster or a router that the parameters do not allow."""
    check_cluster(stack, primary.cluster)
    if not stack.app_mesh and any(traffic.router == "appmesh" for traffic in profile.traffic):
        raise RequestRejected(
            "traffic: the stack has no rights on App Mesh; update it with AppMesh=ENABLED"
        )


def standing_warnings(profile: Profile, primary: Service, canary: Service) -> list[str]:
    """Of whatever version."""
    seconds = profile.deployment.deadline_seconds
    return [
        *tier_warnings(profile),
        *service_warnings("primary", primary, seconds),
        *service_warnings("canary", canary, seconds),
    ]


def judging_warnings(profile: Profile, alarms: Described) -> list[str]:
    """Of what judges the canary. A judge that decides ends no bake before it knows."""
    steps = profile.all_steps
    decides = profile.judge is not None and not profile.judge.observe
    found = [] if decides else sources(alarms, profile.alarms, ())
    return [*alarm_warnings(profile.alarms, alarms, steps), *last_bake_warnings(steps, found)]


def check_gateway(primary: Service, canary: Service) -> None:
    """Raises `RequestRejected` for services that get requests beside the split."""
    for name in ecs.has_gateway([primary, canary]):
        field = "primary" if name == primary.name else "canary"
        raise RequestRejected(
            f"{field}: ECS service {name} has gateway connectors, which send it requests that no"
            " split can share out; remove them, or name another service"
        )


def abandoned_on(execution: str, traffic: Traffic) -> Release | None:
    """The release of an ended execution that still holds this split; None if it is free.

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
        return leases.release_of(lease)
    except DocumentUnreadable as unreadable:
        raise RequestRejected(
            f"traffic: {lease.holder} left the split. {unreadable}"
        ) from unreadable


def check_split(
    execution: str,
    traffic: Traffic,
    profile: Profile,
    abandoned: Release | None,
    may_be_lost: Collection[str],
) -> tuple[Traffic, list[str]]:
    """The traffic with what only the route at rest can tell, and what the route loses.

    Raises `RequestRejected` when no release should be begun on it.
    """
    key = traffic.key(execution)
    theirs = abandoned.traffic if abandoned else []
    left = next((t for t in theirs if abandoned and t.key(abandoned.execution) == key), None)
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
    drain_seconds = traffic.drain_seconds
    if drain_seconds is None:
        drain_seconds = max(reading.pinned_seconds, router.drain_seconds(reading))
    found = {"rest_weight": rest_weight, "drain_seconds": drain_seconds}
    return traffic.model_copy(update=found), losses


def check_route(router: TrafficRouter, reading: Reading, may_be_lost: Collection[str]) -> list[str]:
    """What the route loses when it is written, in sentences.

    Raises `RequestRejected` when no release should be begun on it.
    """
    losses = versions.losses_of(f"traffic: {router.name}", reading.unknown, may_be_lost)
    check_tags("traffic", router.name, router.tags())
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
