"""Inspection: everything that a plan would refuse, at once, without an execution and without a
write.

The plan stops at the first refusal, because nothing follows from what is refused. Here each of its
checks is made that can be made without those that failed. Its own answer comes first, so that what
it would refuse is always among the findings. Warnings are in the plan's order.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from stepcanary.access import entered
from stepcanary.aws import cloudwatch, ecs
from stepcanary.domain.alarm_fitness import check_fit
from stepcanary.domain.alarm_fitness import warnings as alarm_warnings
from stepcanary.domain.deployment import Service
from stepcanary.domain.permitted import check_tags
from stepcanary.domain.profile import Profile
from stepcanary.domain.release import Release
from stepcanary.domain.request import Request
from stepcanary.domain.split import SideName
from stepcanary.errors import AwsRefused, RequestRejected
from stepcanary.release import plan, versions
from stepcanary.release.floors import check_scaling
from stepcanary.release.running import content_at_rest
from stepcanary.store import settings


@dataclass(slots=True)
class Inspection:
    """What was found, each once. `findings` are what a release would be refused for, `warnings`
    what it would take all the same; `release` is what would begin, where a version was named and
    nothing was found."""

    findings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    release: Release | None = None

    @contextmanager
    def noting(self) -> Iterator[None]:
        try:
            yield
        except AwsRefused as refused:
            self._note(f"a check of the release was refused. {refused}")
        except RequestRejected as rejected:
            self._note(str(rejected))

    def holds(self, check: Callable[[], None]) -> bool:
        """Whether the check has nothing to note."""
        with self.noting():
            check()
            return True
        return False

    def _note(self, finding: str) -> None:
        if finding not in self.findings:
            self.findings.append(finding)


def inspect(
    execution: str, profile: Profile, request: Request | None, may_be_lost: Collection[str]
) -> Inspection:
    """Without a request it is about what any release of the service needs.

    `execution` is the ARN that the release's would look like. Raises `AwsUnavailable`.
    """
    found = Inspection()
    if request is not None:
        with found.noting():
            found.release = plan.plan_release(
                execution, request, profile, may_be_lost, only_reads=True
            )
            found.warnings = found.release.warnings
            return found
    with entered(profile.access(execution)):
        _inspect(found, execution, profile, request, may_be_lost)
    return found


def _inspect(
    found: Inspection,
    execution: str,
    profile: Profile,
    request: Request | None,
    may_be_lost: Collection[str],
) -> None:
    with found.noting():
        plan.check_distinct(execution, profile)
    if not found.holds(plan.require_access):
        # Nothing of the service can be read.
        return
    services = _services(found, profile)
    for traffic in profile.traffic:
        with found.noting():
            abandoned = plan.abandoned_on(execution, traffic)
            _, lost = plan.check_split(execution, traffic, profile, abandoned, may_be_lost)
            found.warnings += lost
    if services is not None:
        _inspect_both(found, profile, request, services, may_be_lost)
    with found.noting():
        alarms = cloudwatch.describe(profile.alarms)
        found.warnings += alarm_warnings(profile.alarms, alarms, profile.all_steps)
        check_fit(profile.alarms, alarms)


def _services(found: Inspection, profile: Profile) -> tuple[Service, Service] | None:
    sides: list[tuple[SideName, str]] = [("primary", profile.primary), ("canary", profile.canary)]
    services: list[Service] = []
    for side, name in sides:
        with found.noting():
            service = ecs.require_service(profile.cluster, name, side)
            services.append(service)
            with found.noting():
                check_tags(side, f"ECS service {service.name}", service.tags)
            plan.check_service(side, service)
    if len(services) < len(sides):
        return None
    primary, canary = services
    return primary, canary


def _inspect_both(
    found: Inspection,
    profile: Profile,
    request: Request | None,
    services: tuple[Service, Service],
    may_be_lost: Collection[str],
) -> None:
    primary, canary = services
    stack = settings.of_stack()
    with found.noting():
        plan.check_serving(primary)
    with found.noting():
        plan.check_gateway(primary, canary)
    with found.noting():
        plan.check_permitted(stack, profile, primary)
    found.warnings += plan.standing_warnings(profile, primary, canary)
    with found.noting():
        found.warnings += check_scaling(profile, primary, canary, only_reads=True)
    with found.noting():
        limits = versions.Limits(stack, profile.repositories)
        version = versions.check(request, primary, canary, may_be_lost, limits)
        found.warnings += version.losses
        content = content_at_rest(profile.cluster, primary, version.running, last_try=True)
        version.require_one(content)
