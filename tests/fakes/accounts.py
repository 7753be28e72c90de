"""Accounts: the roles of another account, and whose credentials a service's own calls have."""

import itertools
from datetime import datetime, timedelta

from tests.fakes.clock import VirtualClock
from tests.fakes.service import Document, Refusal

ELSEWHERE = "999988887777"
"""Another account."""
ROLE = f"arn:aws:iam::{ELSEWHERE}:role/stepcanary-release"
EXTERNAL_ID = "checkout-7f3c2a91"
IN_ANOTHER_ACCOUNT: Document = {"role_arn": ROLE, "external_id": EXTERNAL_ID}
"""What a profile says of its account."""

OF_A_SERVICE = {
    "application-autoscaling",
    "appmesh",
    "cloudwatch",
    "ecs",
    "elbv2",
    "servicediscovery",
    "vpc-lattice",
}
"""What a release calls about the service; all else is the stack's own."""


class Accounts:
    """`roles` have the external id that their trust policies ask for, or None where they ask for
    none. Where somebody is `owner`, that role alone may call what the service consists of."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self._keys: dict[str, tuple[str, datetime]] = {}
        self.roles: dict[str, str | None] = {}
        self.owner = ""
        self.sessions: list[str] = []
        """Those of the roles that were assumed."""

    def move(self) -> None:
        """All of the service is in another account from now on."""
        self.roles[ROLE] = EXTERNAL_ID
        self.owner = ROLE

    def assume(self, params: Document) -> Document:
        role = params["RoleArn"]
        asked = self.roles.get(role, "")
        if asked is not None and params["ExternalId"] != asked:
            who = "User: arn:aws:sts::123456789012:assumed-role/stepcanary is not authorized"
            raise Refusal("AccessDenied", f"{who} to perform: sts:AssumeRole on {role}", 403)
        self.sessions.append(params["RoleSessionName"])
        key = f"ASIATESTING{next(self._numbers):09}"
        expires = self._clock.now() + timedelta(hours=1)
        self._keys[key] = role, expires
        return {
            "Credentials": {
                "AccessKeyId": key,
                "SecretAccessKey": "testing",
                "SessionToken": "testing",
                "Expiration": expires,
            }
        }

    def know(self, name: str, key: str) -> None:
        service = name.partition(".")[0]
        role, expires = self._keys[key] if key else ("", None)
        if expires is not None and expires <= self._clock.now():
            raise Refusal("ExpiredTokenException", "The security token is expired", 403)
        if service not in OF_A_SERVICE and role:
            raise Refusal("AccessDenied", f"{role} calls {name}, which is the stack's own", 403)
        if service in OF_A_SERVICE and role != self.owner:
            who = role or "the stack's own role"
            raise Refusal("AccessDeniedException", f"{who} may not call {name} there", 403)
