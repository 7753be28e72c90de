"""Checking: what a release of a service would be refused for, before anybody starts one."""

from contextlib import suppress
from typing import Any

from stepcanary.access import entered
from stepcanary.aws import cloudwatch, stepfunctions
from stepcanary.contracts.questions import Checked, CheckQuestion
from stepcanary.domain.alarms import Described
from stepcanary.domain.names import in_execution_name
from stepcanary.domain.preview import Source
from stepcanary.domain.profile import Profile
from stepcanary.domain.release import Release
from stepcanary.domain.request import Request, ServiceRequest, parse, parse_request
from stepcanary.errors import AwsRefused
from stepcanary.release import foreseen
from stepcanary.release.inspection import Inspection, inspect
from stepcanary.store import profiles, settings


def check(question: CheckQuestion) -> Checked:
    """Raises `RequestRejected` where it is not even known what to look at: for a request or a
    profile that is not valid."""
    service, profile, request = resolved(question.request)
    execution = execution_of(service)
    found = inspect(execution, profile, request, settings.of_stack().may_be_lost)
    return Checked(
        service=service,
        releasable=not found.findings,
        findings=found.findings,
        warnings=found.warnings,
        cost=found.release.cost if found.release else "",
        sources=_sources(execution, profile, sketched(execution, service, profile, found)),
    )


def _sources(execution: str, profile: Profile, release: Release | None) -> list[Source]:
    """Without alarms where these cannot be read, which the findings tell."""
    if release is None:
        return []
    alarms: Described = {}
    with suppress(AwsRefused), entered(profile.access(execution)):
        alarms = cloudwatch.describe(release.alarms)
    return foreseen.sources(release, alarms)


def sketched(execution: str, service: str, profile: Profile, found: Inspection) -> Release | None:
    """What would begin, or what any release of the service would be like; None where not even that
    can be read."""
    if found.release is not None or found.services is None:
        return found.release
    routes = found.routes if len(found.routes) == len(profile.traffic) else profile.traffic
    return foreseen.drawn(execution, service, profile, found.services, routes)


def execution_of(service: str) -> str:
    """What the ARN of a release that only is asked about would look like."""
    name = f"check-{in_execution_name(service)}"
    return stepfunctions.arn_of(settings.of_stack().state_machine, name)


def resolved(document: Any) -> tuple[str, Profile, Request | None]:
    """The service, its profile, and the request where it names a version. Raises
    `RequestRejected`."""
    if isinstance(document, dict) and {"images", "task_definitions", "action"} & document.keys():
        request = parse_request(document)
        is_new = request.action != "rollback"
        profile = profiles.of_service(request.service, request.profile, is_new=is_new)
        return request.service, profile, request
    named = parse(ServiceRequest, document, "request")
    return named.service, profiles.of_service(named.service, named.profile), None
