"""Profiles: what the stack knows of its services, found by name, by repository or by pipeline."""

from fnmatch import fnmatchcase

from stepcanary.aws import ssm
from stepcanary.domain.profile import Profile, Triggers
from stepcanary.domain.request import parse_profile
from stepcanary.errors import RequestRejected
from stepcanary.observability import logger
from stepcanary.store import triggers

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
    return _valid(ssm.read_profiles())


def _valid(texts: list[tuple[str, str]]) -> Found:
    found: Found = []
    for service, text in texts:
        try:
            found.append((service, parse_profile(text, f"profile of {service}")))
        except RequestRejected as rejected:
            logger.warning("a profile is not valid", extra={"cause": str(rejected)})
    return found


def of_repository(repository: str) -> Found:
    """Of all profiles as they are now, for whoever has to know that it is the only one."""
    return [(s, p) for s, p in every() if p.triggers and p.triggers.repository == repository]


def released_by_tag(repository: str, tag: str) -> list[tuple[str, Triggers]]:
    found = _triggered("repository", repository)
    return [(s, t) for s, t in found if t.repository == repository and _any(t.release_tags, tag)]


def promoted_by_tag(repository: str, tag: str) -> list[str]:
    """Services."""
    found = _triggered("repository", repository)
    return [s for s, t in found if t.repository == repository and _any(t.promote_tags, tag)]


def promoted_by_pipeline(pipeline: str) -> list[str]:
    """Services."""
    return [s for s, t in _triggered("pipeline", pipeline) if pipeline in t.promote_pipelines]


def _triggered(kind: triggers.Kind, name: str) -> list[tuple[str, Triggers]]:
    """By the profiles as they are now, and only those that the index names."""
    found = _valid(ssm.read_profiles_of(triggers.services_of(kind, name)))
    return [(service, profile.triggers) for service, profile in found if profile.triggers]


def _any(patterns: list[str], tag: str) -> bool:
    return any(fnmatchcase(tag, pattern) for pattern in patterns)
