"""Ledger: the DynamoDB table that says who may write a split, and what became of a release.

Items: `pk=split#<key>, sk=lease` {holder, fence, since, release}, which outlives its holder so
that `fence` only ever rises; and `pk=service#<name>, sk=<execution>` {release, outcome, cause}.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from canary import clock
from canary.aws import clients
from canary.aws.failures import aws_failures
from canary.errors import AwsRefused, LeaseHeld, LeaseLost
from canary.release import Release
from canary.settings import settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

KEPT_SECONDS = 400 * 86_400
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Lease:
    """`holder` is an execution ARN, or empty when the split is free."""

    holder: str
    fence: int


def _lease_key(split: str) -> "dict[str, UniversalAttributeValueTypeDef]":
    return {"pk": {"S": f"split#{split}"}, "sk": {"S": "lease"}}


def _record_key(release: Release) -> "dict[str, UniversalAttributeValueTypeDef]":
    name = release.execution.rsplit(":", 1)[-1]
    return {"pk": {"S": f"service#{release.service}"}, "sk": {"S": f"release#{name}"}}


@aws_failures
def read_lease(split: str) -> Lease:
    answer = clients.dynamodb().get_item(
        TableName=settings().ledger_table, Key=_lease_key(split), ConsistentRead=True
    )
    item = answer.get("Item")
    if item is None:
        return Lease(holder="", fence=0)
    return Lease(holder=item.get("holder", {}).get("S", ""), fence=int(item["fence"]["N"]))


def take_lease(release: Release) -> int:
    """Take the release's split and return the fencing number; the same one if already held.

    Raises `LeaseHeld` while another execution that still runs holds it.
    """
    split = release.traffic[0].key
    lease = read_lease(split)
    if lease.holder == release.execution:
        return lease.fence
    if lease.holder and _is_running(lease.holder):
        raise LeaseHeld(
            f"traffic: execution {lease.holder} is releasing on the same split; wait for it to"
            " end, or stop it"
        )
    try:
        _write_lease(split, lease, release)
    except AwsRefused as refused:
        if refused.code != "ConditionalCheckFailedException":
            raise
        # Another wrote between our read and our write: it may even have been our own retry.
        winner = read_lease(split)
        if winner.holder == release.execution:
            return winner.fence
        raise LeaseHeld(
            f"traffic: execution {winner.holder} began a release on the same split just before"
        ) from refused
    return lease.fence + 1


@aws_failures
def _write_lease(split: str, seen: Lease, release: Release) -> None:
    clients.dynamodb().update_item(
        TableName=settings().ledger_table,
        Key=_lease_key(split),
        UpdateExpression="SET holder = :me, fence = :next, since = :now, #release = :release",
        ConditionExpression=(
            "attribute_not_exists(pk) OR (fence = :seen AND"
            " (attribute_not_exists(holder) OR holder = :old))"
        ),
        ExpressionAttributeNames={"#release": "release"},
        ExpressionAttributeValues={
            ":me": {"S": release.execution},
            ":next": {"N": str(seen.fence + 1)},
            ":seen": {"N": str(seen.fence)},
            ":old": {"S": seen.holder or "-"},
            ":now": {"N": str(clock.epoch_seconds())},
            ":release": {"S": release.model_dump_json()},
        },
    )


@aws_failures
def _is_running(execution: str) -> bool:
    try:
        answer = clients.stepfunctions().describe_execution(executionArn=execution)
    except clients.stepfunctions().exceptions.ExecutionDoesNotExist:
        return False
    return answer["status"] in ("RUNNING", "PENDING_REDRIVE")


def check_lease(release: Release, fence: int) -> None:
    """Raises `LeaseLost` unless this execution still holds the split under this number."""
    lease = read_lease(release.traffic[0].key)
    if lease != Lease(holder=release.execution, fence=fence):
        raise LeaseLost(
            f"the split is leased to {lease.holder or 'nobody'} (fence {lease.fence}), not to this"
            f" execution (fence {fence}); it writes no weight any more"
        )


@aws_failures
def free_lease(release: Release) -> None:
    """Give the split back, if it is ours; the fencing number stays."""
    try:
        clients.dynamodb().update_item(
            TableName=settings().ledger_table,
            Key=_lease_key(release.traffic[0].key),
            UpdateExpression="REMOVE holder, #release",
            ConditionExpression="holder = :me",
            ExpressionAttributeNames={"#release": "release"},
            ExpressionAttributeValues={":me": {"S": release.execution}},
        )
    except clients.dynamodb().exceptions.ConditionalCheckFailedException:
        return


@aws_failures
def record(release: Release, outcome: str, cause: str) -> None:
    """Write down the release and how it stands; a second call only updates it."""
    now = clock.epoch_seconds()
    clients.dynamodb().update_item(
        TableName=settings().ledger_table,
        Key=_record_key(release),
        UpdateExpression=(
            "SET started_at = if_not_exists(started_at, :now), updated_at = :now,"
            " outcome = :outcome, cause = :cause, #release = :release, expires_at = :expires"
        ),
        ExpressionAttributeNames={"#release": "release"},
        ExpressionAttributeValues={
            ":now": {"N": str(now)},
            ":outcome": {"S": outcome},
            ":cause": {"S": cause},
            ":release": {"S": release.model_dump_json()},
            ":expires": {"N": str(now + KEPT_SECONDS)},
        },
    )
