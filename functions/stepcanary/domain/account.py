"""Account: where a service is, if it is not in the account of the stack."""

import re
from collections.abc import Hashable, Iterable
from typing import Annotated, Protocol, TypeVar

from pydantic import Field

from stepcanary.access import Access
from stepcanary.domain.identifiers import Like
from stepcanary.domain.model import Model

LONGEST_SESSION = 64
"""See https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html, which has the
patterns as well."""

RoleArn = Annotated[
    str,
    Field(max_length=2_048),
    Like(
        r"arn:[a-z-]+:iam::[0-9]{12}:role/[\w+=,.@/-]+",
        "arn:aws:iam::210987654321:role/stepcanary-release",
    ),
]
ExternalId = Annotated[
    str,
    Field(max_length=1_224),
    Like(
        r"[\w+=,.@:/-]{2,}",
        "checkout-7f3c2a91",
        ", of two or more letters, digits and _ + = , . @ : / -",
    ),
]


class Account(Model):
    """The account of a service, by a role of it that the stack assumes.

    Both keys are required: a role that is assumed without an external id does whatever anybody
    makes the stack ask of it. See
    https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """

    role_arn: RoleArn
    """The role that the stack assumes there, which it may if ReleaseRoleArns names it."""
    external_id: ExternalId
    """The external id that the role's trust policy asks for."""

    @property
    def number(self) -> str:
        return self.role_arn.split(":")[4]

    def access(self, execution: str) -> Access:
        """For what this execution, by ARN or by name, does there."""
        name = re.sub(r"[^\w+=,.@-]", "-", execution.rpartition(":")[2], flags=re.ASCII)
        return Access(self.role_arn, self.external_id, f"stepcanary-{name}"[:LONGEST_SESSION])


class Placed(Protocol):
    """What is in an account; None is the stack's own."""

    @property
    def account(self) -> Account | None: ...


P = TypeVar("P", bound=Placed)


def by_account(placed: Iterable[P]) -> dict[Hashable, list[P]]:
    """Apart, for one call is made in one account."""
    found: dict[Hashable, list[P]] = {}
    for each in placed:
        found.setdefault(each.account, []).append(each)
    return found
