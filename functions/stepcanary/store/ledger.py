"""Ledger: what became of each release.

Items: `pk=service#<name>, sk=release#<execution name>` {release, outcome, cause, started_at,
updated_at, signals}; `sk=last` and `sk=last#Released` {release, outcome, cause, updated_at} of the
last release that came to an end, and of the last that came to a good one; `sk=thread#<execution
name>` {thread} of its first message in Slack. The leases are in the
same table; `stepcanary.store.leases` has them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from stepcanary import clock
from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.outcome import Outcome
from stepcanary.domain.release import Release
from stepcanary.domain.signals import Signal
from stepcanary.errors import AwsRefused, AwsUnavailable
from stepcanary.observability import logger
from stepcanary.settings import LedgerSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

KEPT_SECONDS = 400 * 86_400
RUNNING: Outcome = "Running"
RELEASED: Outcome = "Released"


def _key(release: Release) -> "dict[str, UniversalAttributeValueTypeDef]":
    return _item_key("release", release.service, release.execution)


def _item_key(
    kind: str, service: str, execution: str
) -> "dict[str, UniversalAttributeValueTypeDef]":
    name = execution.rpartition(":")[2]
    return {"pk": {"S": f"service#{service}"}, "sk": {"S": f"{kind}#{name}"}}


@dataclass(frozen=True, slots=True)
class Record:
    outcome: Outcome
    cause: str


@aws_failures
def find(release: Release) -> Record | None:
    """How the release stands; None when nothing was written down yet."""
    answer = clients.dynamodb().get_item(
        TableName=LedgerSettings.from_env().table, Key=_key(release), ConsistentRead=True
    )
    item = answer.get("Item")
    if item is None or "outcome" not in item:
        # A signal may have been noted before the release was.
        return None
    return Record(cast("Outcome", item["outcome"]["S"]), item["cause"]["S"])


@aws_failures
def record(release: Release, outcome: Outcome, cause: str) -> None:
    """Write down the release and how it stands; a second call only updates it."""
    now = clock.epoch_seconds()
    clients.dynamodb().update_item(
        TableName=LedgerSettings.from_env().table,
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


def close(release: Release, outcome: Outcome, cause: str) -> None:
    """Write down how a release ended, also where the next one looks for the last."""
    record(release, outcome, cause)
    _put_last(release, "last", outcome, cause)
    if outcome == RELEASED:
        _put_last(release, f"last#{RELEASED}", outcome, cause)


@aws_failures
def _put_last(release: Release, key: str, outcome: Outcome, cause: str) -> None:
    clients.dynamodb().put_item(
        TableName=LedgerSettings.from_env().table,
        Item={
            **_key(release),
            "sk": {"S": key},
            "release": {"S": release.model_dump_json()},
            "outcome": {"S": outcome},
            "cause": {"S": cause},
            "updated_at": {"N": str(clock.epoch_seconds())},
        },
    )


@dataclass(frozen=True, slots=True)
class Last:
    """`updated_at` is in epoch seconds."""

    release: Release
    outcome: Outcome
    cause: str
    updated_at: int


@aws_failures
def last(service: str, outcome: str | None = None) -> Last | None:
    """The last release that ended, or that ended so; None also where another version of this stack
    wrote it."""
    key = "last" if outcome is None else f"last#{outcome}"
    answer = clients.dynamodb().get_item(
        TableName=LedgerSettings.from_env().table,
        Key={"pk": {"S": f"service#{service}"}, "sk": {"S": key}},
        ConsistentRead=True,
    )
    item = answer.get("Item")
    if item is None:
        return None
    try:
        release = Release.model_validate_json(item["release"]["S"])
    except ValidationError:
        return None
    return Last(
        release,
        cast("Outcome", item["outcome"]["S"]),
        item["cause"]["S"],
        int(item["updated_at"]["N"]),
    )


def last_released(service: str) -> Release | None:
    found = last(service, RELEASED)
    return None if found is None else found.release


@aws_failures
def thread(service: str, execution: str) -> str | None:
    """Slack's name for the release's first message."""
    answer = clients.dynamodb().get_item(
        TableName=LedgerSettings.from_env().table,
        Key=_item_key("thread", service, execution),
        ConsistentRead=True,
    )
    return answer["Item"]["thread"]["S"] if "Item" in answer else None


@aws_failures
def keep_thread(service: str, execution: str, thread: str) -> None:
    clients.dynamodb().put_item(
        TableName=LedgerSettings.from_env().table,
        Item={
            **_item_key("thread", service, execution),
            "thread": {"S": thread},
            "expires_at": {"N": str(clock.epoch_seconds() + KEPT_SECONDS)},
        },
    )


def note_signal(service: str, execution: str, signal: Signal) -> None:
    """Who told a release what, for whoever asks later. What was told stays told without it."""
    try:
        _note_signal(service, execution, signal)
    except (AwsRefused, AwsUnavailable) as error:
        logger.warning("a signal was not noted", extra={"signal": str(signal), "error": str(error)})


@aws_failures
def _note_signal(service: str, execution: str, signal: Signal) -> None:
    told = {"kind": signal.kind, "by": signal.by, "reason": signal.reason}
    item = {**{k: {"S": v} for k, v in told.items()}, "at": {"N": str(signal.at)}}
    clients.dynamodb().update_item(
        TableName=LedgerSettings.from_env().table,
        Key=_item_key("release", service, execution),
        UpdateExpression=(
            "SET signals = list_append(if_not_exists(signals, :none), :one), expires_at = :expires"
        ),
        ExpressionAttributeValues={
            ":none": {"L": []},
            ":one": {"L": [{"M": item}]},
            ":expires": {"N": str(clock.epoch_seconds() + KEPT_SECONDS)},
        },
    )
