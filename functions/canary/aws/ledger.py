"""Ledger: what became of each release.

Items: `pk=service#<name>, sk=release#<execution name>` {release, outcome, cause, started_at,
updated_at}. The leases are in the same table; `canary.aws.lease` has them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from canary import clock
from canary.aws import clients
from canary.aws.failures import aws_failures
from canary.release import Release
from canary.settings import settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

KEPT_SECONDS = 400 * 86_400
RUNNING = "Running"


def _key(release: Release) -> "dict[str, UniversalAttributeValueTypeDef]":
    name = release.execution.rsplit(":", 1)[-1]
    return {"pk": {"S": f"service#{release.service}"}, "sk": {"S": f"release#{name}"}}


@dataclass(frozen=True, slots=True)
class Record:
    outcome: str
    cause: str


@aws_failures
def find(release: Release) -> Record | None:
    """How the release stands; None when nothing was written down yet."""
    answer = clients.dynamodb().get_item(
        TableName=settings().ledger_table, Key=_key(release), ConsistentRead=True
    )
    item = answer.get("Item")
    return None if item is None else Record(item["outcome"]["S"], item["cause"]["S"])


@aws_failures
def record(release: Release, outcome: str, cause: str) -> None:
    """Write down the release and how it stands; a second call only updates it."""
    now = clock.epoch_seconds()
    clients.dynamodb().update_item(
        TableName=settings().ledger_table,
        Key=_key(release),
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
