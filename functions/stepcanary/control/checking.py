"""Checking: what a release of a service would be refused for, before anybody starts one."""

from typing import Any

from stepcanary.aws import stepfunctions
from stepcanary.contracts.questions import Checked, CheckQuestion
from stepcanary.domain.names import in_execution_name
from stepcanary.domain.profile import Profile
from stepcanary.domain.request import Request, ServiceRequest, parse, parse_request
from stepcanary.release.inspection import inspect
from stepcanary.store import profiles, settings


def check(question: CheckQuestion) -> Checked:
    """Raises `RequestRejected` where it is not even known what to look at: for a request or a
    profile that is not valid."""
    service, profile, request = resolved(question.request)
    found = inspect(execution_of(service), profile, request, settings.of_stack().may_be_lost)
    return Checked(
        service=service,
        releasable=not found.findings,
        findings=found.findings,
        warnings=found.warnings,
        cost=found.release.cost if found.release else "",
    )


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
    asked = parse(ServiceRequest, document, "request")
    return asked.service, profiles.of_service(asked.service, asked.profile), None
