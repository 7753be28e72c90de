"""Roles: the credentials of roles in other accounts, kept until shortly before they expire.

A function's own credentials are of a role, so those that it gets for another last an hour at most.
See https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
"""

import json
from datetime import datetime, timedelta
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from botocore.credentials import Credentials

from stepcanary import clock
from stepcanary.access import Access
from stepcanary.aws.errors import aws_failures
from stepcanary.errors import AwsRefused, RequestRejected

if TYPE_CHECKING:
    from mypy_boto3_sts import STSClient
    from mypy_boto3_sts.type_defs import AssumeRoleResponseTypeDef

RENEWED_BEFORE = timedelta(minutes=5)
"""A call that has begun with them may be tried again for a while."""

DENIED = "AccessDenied"

READS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": [
                "appmesh:Describe*",
                "appmesh:List*",
                "application-autoscaling:Describe*",
                "cloudwatch:Describe*",
                "cloudwatch:GetMetricData",
                "ecs:Describe*",
                "ecs:List*",
                "elasticloadbalancing:Describe*",
                "servicediscovery:DiscoverInstances",
                "vpc-lattice:Get*",
                "vpc-lattice:List*",
            ],
            "Resource": "*",
        },
    },
    separators=(",", ":"),
)
"""The policy of a session that only reads: it has what the role allows and this does as well. See
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session"""

_kept: dict[Access, tuple[Credentials, datetime]] = {}


def credentials(access: Access, sts: "STSClient") -> Credentials:
    """Raises `AwsRefused` where the stack may not assume the role."""
    now = clock.now()
    kept = _kept.get(access)
    if kept and now < kept[1] - RENEWED_BEFORE:
        return kept[0]
    # What a container has assumed for executions that are over is of no use any more.
    for other in [each for each, (_, expires) in list(_kept.items()) if expires <= now]:
        # Another thread may be at it.
        _kept.pop(other, None)
    answer = _assume(access, access.external_id, sts)["Credentials"]
    found = Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
    _kept[access] = found, answer["Expiration"]
    return found


def forget() -> None:
    """As a function that has just been started."""
    _kept.clear()


@aws_failures
def _assume(access: Access, external_id: str, sts: "STSClient") -> "AssumeRoleResponseTypeDef":
    confined: dict[str, Any] = {"Policy": READS} if access.only_reads else {}
    return sts.assume_role(
        RoleArn=access.role_arn,
        RoleSessionName=access.session,
        ExternalId=external_id,
        **confined,
    )


def require(access: Access, sts: "STSClient") -> None:
    """Raises `RequestRejected` for a role that cannot be assumed, and for one that can be assumed
    with any external id."""
    try:
        credentials(access, sts)
    except AwsRefused as refused:
        raise RequestRejected(
            f"account: the stack cannot assume {access.role_arn} with this external_id; let the"
            f" role's trust policy name the stack's account and this id, and see"
            f" docs/permissions.md. {refused}"
        ) from refused
    try:
        _assume(access, token_hex(16), sts)
    except AwsRefused as refused:
        if refused.code != DENIED:
            raise
        return
    raise RequestRejected(
        f"account.role_arn: {access.role_arn} can be assumed with any external id, so whoever"
        " names it in a profile has its rights; let its trust policy ask for sts:ExternalId"
    )
