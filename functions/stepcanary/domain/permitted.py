"""Permitted: what of an account a release may use, as the stack and the profile allow it.

IAM stops most of it as well, in the middle of a release; here it is refused before anything
changes, by the name of what allows it.
"""

import re
from collections.abc import Collection

from stepcanary.domain.account import Account
from stepcanary.domain.model import Document
from stepcanary.domain.patterns import is_among
from stepcanary.domain.settings import StackSettings
from stepcanary.errors import RequestRejected

TAG = ("stepcanary", "managed")
"""Key and value of the tag that opts a resource in."""

ROLES = ("taskRoleArn", "executionRoleArn")


def check_cluster(stack: StackSettings, arn: str) -> None:
    if not is_among(arn, stack.clusters):
        raise RequestRejected(
            f"cluster: the stack may not deploy to {arn}; update the stack with that in ClusterArns"
        )


def check_account(stack: StackSettings, account: Account | None) -> None:
    if account is not None and not is_among(account.role_arn, stack.release_roles):
        raise RequestRejected(
            f"account.role_arn: the stack may not assume {account.role_arn}; update the stack with"
            " that in ReleaseRoleArns"
        )


def check_roles(stack: StackSettings, field: str, document: Document) -> None:
    """Of a task definition."""
    for key in ROLES:
        role = document.get(key)
        if role and not _may_pass(role, stack.task_roles):
            raise RequestRejected(
                f"{field}: task definition {document['family']} has the {key} {role}, which the"
                " stack may not pass to ECS; update the stack with that in TaskRoleArns"
            )


def _may_pass(role: str, patterns: Collection[str]) -> bool:
    if not role.startswith("arn:"):
        # ECS takes a role's bare name as well.
        patterns = [pattern.rpartition(":role/")[2] for pattern in patterns]
    return is_among(role, patterns)


def check_families(named: str, field: str, own: Collection[str]) -> None:
    """A ready task definition is of one of the two services' families."""
    if named not in own:
        raise RequestRejected(
            f"task_definitions.{field}: {named} is no family of this service, which has"
            f" {' and '.join(sorted(set(own)))}; name a revision of these"
        )


def check_images(
    stack: StackSettings, repositories: Collection[str], before: Document, after: Document
) -> None:
    """Images that a release changes come from where the stack allows, and from the profile's
    `repositories`; without those, from where the container's image comes from by now."""
    running = {c["name"]: c.get("image", "") for c in before["containerDefinitions"]}
    for container in after["containerDefinitions"]:
        name, image = container["name"], container.get("image", "")
        if image == running.get(name):
            continue
        repository = repository_of(image)
        if not is_among(repository, stack.repositories):
            raise RequestRejected(
                f"images.{name}: the stack may not release from {repository}; update the stack with"
                " that in ImageRepositories"
            )
        own = [repository_of(running[name])] if name in running else []
        allowed = repositories or own
        if not is_among(repository, allowed):
            raise RequestRejected(
                f"images.{name}: {repository} is none of the service's repositories,"
                f" {', '.join(sorted(allowed)) or 'of which there are none'}; add it to the"
                " profile's `repositories`"
            )


def repository_of(image: str) -> str:
    """The image without its tag and digest."""
    return re.sub(r"(:\w[\w.-]{0,127})?(@sha256:[0-9a-f]{64})?\Z", "", image, flags=re.ASCII)


def check_tags(field: str, name: str, tags: Collection[tuple[str, str]]) -> None:
    """Of a resource with this name that nobody has opted in."""
    if TAG not in tags:
        raise RequestRejected(
            f"{field}: {name} lacks the tag stepcanary=managed, without which the stack may not"
            " change it; add it"
        )
