"""Inspection: everything that a plan would refuse, at once, without an execution and without a
write.

The plan stops at the first refusal, because nothing follows from what is refused. Here each of its
checks is made that can be made without those that failed. Its own answer comes first, so that what
it would refuse is always among the findings. Warnings are in the plan's order.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from stepcanary.access import entered
from stepcanary.aws import cloudwatch, ecs
from stepcanary.domain.alarm_fitness import check_fit
from stepcanary.domain.deployment import Service
from stepcanary.domain.permitted import check_tags
from stepcanary.domain.profile import Profile, Traffic
from stepcanary.domain.release import Release
from stepcanary.domain.request import Request
from stepcanary.domain.split import SideName
from stepcanary.errors import AwsRefused, RequestRejected
from stepcanary.release import plan, subscriptions, versions
from stepcanary.release.floors import check_scaling
from stepcanary.release.running import content_at_rest
from stepcanary.release.subscriptions import Canary
from stepcanary.store import settings

Asked = Literal[
    "the request",
    "each route is listed once",
    "the role can be assumed",
    "the primary exists and can be deployed to",
    "the canary exists and can be deployed to",
    "the routes are at rest, and can be written back",
    "the alarms exist, and are fit to judge",
    "the canary's log can be read",
    "the primary serves",
    "no requests come beside the split",
    "the stack may release it",
    "autoscaling can be kept off",
    "the version is new, and there is a way back",
]
"""What a check is about, as people read it."""


DEPLOYABLE: dict[SideName, Asked] = {
    "primary": "the primary exists and can be deployed to",
    "canary": "the canary exists and can be deployed to",
}


@dataclass(slots=True)
class Inspection:
    """What was found, each once. `findings` are what a release would be refused for, `warnings`
    what it would take all the same; `answers` has what each check has found, also where that is
    nothing. `release` is what would begin, where a version was named and nothing was found;
    `services` and `routes` are what there is, as far as it can be read."""

    findings: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    answers: dict[Asked, list[str]] = field(default_factory=dict)
    release: Release | None = None
    services: tuple[Service, Service] | None = None
    routes: list[Traffic] = field(default_factory=list)

    @contextmanager
    def noting(self, asked: Asked) -> Iterator[None]:
        answer = self.answers.setdefault(asked, [])
        try:
            yield
        except AwsRefused as refused:
            self._note(answer, f"a check of the release was refused. {refused}")
        except RequestRejected as rejected:
            self._note(answer, str(rejected))

    def holds(self, asked: Asked, check: Callable[[], None]) -> bool:
        """Whether the check has nothing to note."""
        with self.noting(asked):
            check()
            return True
        return False

    def _note(self, answer: list[str], finding: str) -> None:
        answer.append(finding)
        if finding not in self.findings:
            self.findings.append(finding)


def inspect(
    execution: str,
    profile: Profile,
    request: Request | None,
    may_be_lost: Collection[str],
    *,
    every: bool = False,
) -> Inspection:
    """Without a request it is about what any release of the service needs. With `every` each check
    has an answer, also where the plan as a whole finds nothing.

    `execution` is the ARN that the release's would look like. Raises `AwsUnavailable`.
    """
    found = Inspection()
    if request is not None:
        with found.noting("the request"):
            found.release = plan.plan_release(
                execution, request, profile, may_be_lost, only_reads=True
            )
            found.warnings = found.release.warnings
            if every:
                alone = inspect(execution, profile, None, may_be_lost)
                found.answers |= alone.answers
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
    with found.noting("each route is listed once"):
        plan.check_distinct(execution, profile)
    if not found.holds("the role can be assumed", plan.require_access):
        # Nothing of the service can be read.
        return
    services = found.services = _services(found, profile)
    for traffic in profile.traffic:
        with found.noting("the routes are at rest, and can be written back"):
            abandoned = plan.abandoned_on(execution, traffic)
            route, lost = plan.check_split(execution, traffic, profile, abandoned, may_be_lost)
            found.routes.append(route)
            found.warnings += lost
    if services is not None:
        _inspect_both(found, profile, request, services, may_be_lost)
    with found.noting("the alarms exist, and are fit to judge"):
        alarms = cloudwatch.describe(profile.alarms)
        found.warnings += plan.judging_warnings(profile, alarms)
        check_fit(profile.alarms, alarms)
    with found.noting("the canary's log can be read"):
        subscriptions.check(execution, Canary(profile.cluster, profile.canary), profile.judge)


def _services(found: Inspection, profile: Profile) -> tuple[Service, Service] | None:
    sides: list[tuple[SideName, str]] = [("primary", profile.primary), ("canary", profile.canary)]
    services: list[Service] = []
    for side, name in sides:
        question = DEPLOYABLE[side]
        with found.noting(question):
            service = ecs.require_service(profile.cluster, name, side)
            services.append(service)
            with found.noting(question):
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
    with found.noting("the primary serves"):
        plan.check_serving(primary)
    with found.noting("no requests come beside the split"):
        plan.check_gateway(primary, canary)
    with found.noting("the stack may release it"):
        plan.check_permitted(stack, profile, primary)
    found.warnings += plan.standing_warnings(profile, primary, canary)
    with found.noting("autoscaling can be kept off"):
        found.warnings += check_scaling(profile, primary, canary, only_reads=True)
    with found.noting("the version is new, and there is a way back"):
        limits = versions.Limits(stack, profile.repositories)
        version = versions.check(request, primary, canary, may_be_lost, limits)
        found.warnings += version.losses
        content = content_at_rest(profile.cluster, primary, version.running, last_try=True)
        version.require_one(content)
