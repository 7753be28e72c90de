"""Profiles: what the stack knows of its services, found by name, by repository or by pipeline."""

from fnmatch import fnmatchcase

from stepcanary.aws import ssm
from stepcanary.domain.profile import Profile
from stepcanary.domain.request import parse_profile
from stepcanary.domain.rules import parse_rules
from stepcanary.errors import RequestRejected
from stepcanary.observability import logger
from stepcanary.store import settings

RULES = "_policy"
"""No service can have this name."""

Found = list[tuple[str, Profile]]
"""Service and profile."""


def of_service(service: str, inline: Profile | None = None) -> Profile:
    """The one in the request where the stack allows that, or else the stored one.

    Raises `RequestRejected`, also for one that does not keep the rules of whoever runs the stack.
    """
    stack = settings.of_stack()
    if inline is not None and not stack.inline_profiles:
        raise RequestRejected(
            "profile: this stack takes profiles from its parameter store alone; remove it from the"
            " request, or update the stack with AllowInlineProfiles=ENABLED"
        )
    name, rules = (f"{stack.profile_prefix}/{each}" for each in (service, RULES))
    found = ssm.read_some([rules] if inline else [name, rules])
    if inline is None and name not in found:
        raise RequestRejected(f"service: there is no profile {name}; store one as an SSM parameter")
    profile = inline or parse_profile(found[name], f"profile {name}")
    if rules in found:
        parse_rules(found[rules], rules).require(profile, rules)
    return profile


def every() -> Found:
    """All that are valid; an invalid one is told when its own service is released."""
    found: Found = []
    for service, text in ssm.read_below(settings.of_stack().profile_prefix).items():
        if service == RULES:
            continue
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
