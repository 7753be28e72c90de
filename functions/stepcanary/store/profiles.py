"""Profiles: what the stack knows of its services, found by name, by repository or by pipeline."""

from fnmatch import fnmatchcase

from stepcanary.aws import ssm
from stepcanary.domain.profile import Profile
from stepcanary.domain.request import parse_profile
from stepcanary.errors import RequestRejected
from stepcanary.observability import logger

Found = list[tuple[str, Profile]]
"""Service and profile."""


def of_service(service: str, inline: Profile | None = None) -> Profile:
    """The one in the request, or else the stored one. Raises `RequestRejected`."""
    if inline is not None:
        return inline
    name, text = ssm.read_profile(service)
    return parse_profile(text, f"profile {name}")


def every() -> Found:
    """All that are valid; an invalid one is told when its own service is released."""
    found: Found = []
    for service, text in ssm.read_profiles():
        try:
            found.append((service, parse_profile(text, f"profile of {service}")))
        except RequestRejected as rejected:
            logger.warning("a profile is not valid", extra={"cause": str(rejected)})
    return found


def of_repository(repository: str) -> Found:
    return [(s, p) for s, p in every() if p.triggers and p.triggers.repository == repository]


def released_by_tag(repository: str, tag: str) -> Found:
    found = of_repository(repository)
    return [(s, p) for s, p in found if p.triggers and _any(p.triggers.release_tags, tag)]


def promoted_by_tag(repository: str, tag: str) -> Found:
    found = of_repository(repository)
    return [(s, p) for s, p in found if p.triggers and _any(p.triggers.promote_tags, tag)]


def promoted_by_pipeline(pipeline: str) -> Found:
    return [(s, p) for s, p in every() if p.triggers and pipeline in p.triggers.promote_pipelines]


def _any(patterns: list[str], tag: str) -> bool:
    return any(fnmatchcase(tag, pattern) for pattern in patterns)
