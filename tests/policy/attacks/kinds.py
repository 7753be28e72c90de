"""Kinds: who attacks, what they try, and the stack as it is deployed for them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from emulator.account import ACCOUNT, REGION
from sandbox.slack import CHANNEL, Document
from tests.fakes.accounts import ELSEWHERE, ROLE
from tests.policy.deployed import Values
from tests.policy.iam import Policy, Principal, Request
from tests.slack.conftest import Workspace

Layer = Literal["iam", "plan", "pattern", "bus", "signature", "allow-list"]

REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/example"
ROLES = [f"arn:aws:iam::{ACCOUNT}:role/checkout-{kind}" for kind in ("task", "execution")]
SLACK_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:slack-AbCdEf"

GIVEN: Values = {
    "TaskRoleArns": ROLES,
    "ClusterArns": [CLUSTER],
    "ImageRepositories": [f"{REGISTRY}/shop", f"{REGISTRY}/payments"],
    "ReleaseRoleArns": [ROLE],
    "StartOnImages": "ENABLED",
    "PromoteOnPipelines": "ENABLED",
    "AnnouncementTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:announcements",
    "ReportBucket": "shop-reports",
    "SlackSecretArn": SLACK_SECRET,
    "SlackChannel": CHANNEL,
    "SlackTeamId": "T1DC2JH3J",
}
"""The parameters of a stack that two teams use, checkout and payments. All others have their
defaults."""

BARE: Values = {}
"""Nobody has given a parameter."""


@dataclass(frozen=True, slots=True)
class Outsider:
    """Somebody with rights of their own."""

    principal: Principal
    policies: Sequence[Policy] = ()


def _may(*actions: str, on: str = "*") -> Policy:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": on}
    return {"Version": "2012-10-17", "Statement": statement}


PUBLISHER = Outsider(
    Principal(f"arn:aws:iam::{ACCOUNT}:role/orders"),
    [_may("events:PutEvents", on=f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default")],
)
"""Any program of the account that publishes events of its own."""
DEVELOPER = Outsider(
    Principal(f"arn:aws:iam::{ACCOUNT}:user/developer"), [_may("sts:AssumeRole", "iam:Get*")]
)
NEIGHBOUR = Outsider(Principal(f"arn:aws:iam::{ELSEWHERE}:user/admin"), [_may("*")])
"""An administrator of another account."""
EVENTBRIDGE = Outsider(Principal("events.amazonaws.com"))
"""On behalf of whoever has made the rule."""
LOGS = Outsider(Principal("logs.amazonaws.com"))
"""On behalf of whoever has made the subscription filter."""
EC2 = Outsider(Principal("ec2.amazonaws.com"))


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of AWS, all of which have to be allowed. `by` is who makes them, or else any one role
    of the stack. `unlike` is what that very role may do: without it, a denial would prove nothing
    about the attack."""

    requests: Sequence[Request]
    by: str | Outsider | None = None
    unlike: Sequence[Request] = ()
    given: Values = field(default_factory=lambda: GIVEN)


@dataclass(frozen=True, slots=True)
class Invocations:
    """Calls of this action on each of the functions, or on each of the roles."""

    action: str
    on: Literal["functions", "roles"]
    by: Outsider
    context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Input:
    """Of an execution, from whoever may start one. `stored` are the profiles that they may write,
    by service, as they differ from the one of checkout."""

    document: Any
    words: str
    stored: Mapping[str, Document] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """On the default bus. It comes from AWS or by an administrator's forwarding, unless it is
    `put` there by somebody."""

    event: Document
    put: Outsider | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """To the public URL. `again` says that it was sent before, and did what it does."""

    event: Callable[[Workspace], Document]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Attack:
    """`layer` is what stops it."""

    name: str
    layer: Layer
    what: Calls | Invocations | Input | Event | Post


def arn(service: str, name: str, account: str = ACCOUNT, region: str = REGION) -> str:
    return f"arn:aws:{service}:{region}:{account}:{name}"
