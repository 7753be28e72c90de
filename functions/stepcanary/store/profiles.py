"""Profiles: what the stack knows of its services, found by name, by repository or by pipeline."""

from fnmatch import fnmatchcase

from stepcanary.aws import ssm
from stepcanary.domain.permitted import check_account
from stepcanary.domain.profile import Profile, Triggers
from stepcanary.domain.request import parse_profile
from stepcanary.domain.rules import parse_rules
from stepcanary.errors import ProfileMissing, RequestRejected
from stepcanary.observability import logger
from stepcanary.store import settings, triggers

RULES = "_policy"
"""No service can have this name."""

Found = list[tuple[str, Profile]]
"""Service and profile."""


def of_service(service: str, inline: Profile | None = None, *, is_new: bool = True) -> Profile:
    """The one in the request where the stack allows that, or else the stored one.

    Raises `RequestRejected`, for what brings something new also where it does not keep the rules of
    whoever runs the stack. Who looks or goes back is never kept from it by a rule.
    """
    stack = settings.of_stack()
    if inline is not None and not stack.inline_profiles:
        raise RequestRejected(
            "profile: this stack takes profiles from its parameter store alone; remove it from the"
            " request, or update the stack with AllowInlineProfiles=ENABLED"
        )
    name, rules = (f"{stack.profile_prefix}/{each}" for each in (service, RULES))
    found = ssm.read_some([*([] if inline else [name]), *([rules] if is_new else [])])
    profile = inline or _parsed(name, found)
    if rules in found:
        parse_rules(found[rules], rules).require(profile, rules)
    check_account(stack, profile.account)
    return profile


def stored(service: str) -> Profile:
    """As it is written down, whatever is allowed. Raises `RequestRejected`."""
    name = f"{settings.of_stack().profile_prefix}/{service}"
    return _parsed(name, ssm.read_some([name]))


def _parsed(name: str, found: dict[str, str]) -> Profile:
    if name not in found:
        raise ProfileMissing(f"service: there is no profile {name}; store one as an SSM parameter")
    return parse_profile(found[name], f"profile {name}")


def every() -> Found:
    """All that are valid; an invalid one is told when its own service is released."""
    return _valid(_texts())


def services() -> list[str]:
    """Those that have a profile, be it valid or not."""
    return sorted(_texts())


def _texts() -> dict[str, str]:
    texts = ssm.read_below(settings.of_stack().profile_prefix)
    return {service: text for service, text in texts.items() if service != RULES}


def _valid(texts: dict[str, str]) -> Found:
    found: Found = []
    for service, text in texts.items():
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
    prefix = settings.of_stack().profile_prefix
    names = {f"{prefix}/{service}": service for service in triggers.services_of(kind, name)}
    texts = {names[each]: text for each, text in ssm.read_some(list(names)).items()}
    return [(service, profile.triggers) for service, profile in _valid(texts) if profile.triggers]


def _any(patterns: list[str], tag: str) -> bool:
    return any(fnmatchcase(tag, pattern) for pattern in patterns)
