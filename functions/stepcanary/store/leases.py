"""Lease: who may write a split, how far its release has got, and the signals that reached it.

One item per split, all under one partition key, so that one Query finds who watches an alarm and
whose execution is dead: `pk=lease, sk=<split>` {holder, fence, stage, since, release, service,
alarms, weight, target, versions, token, wait_number, wait_stage, wait_target, obeyed, signal,
heard, decided, decided_by, returning_at, rested_at, parked, touched, recovering, queued, queued_at,
queued_since}. The item outlives its holder, so that `fence` only ever rises and the split stays
watched.

Of a release with several splits one, the *lead*, has all of this. The others' items have {holder,
fence, release, lead_split, lead_fence}, and are held only as long as the lead has the same holder.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from stepcanary import clock
from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.lease import Lease, Place
from stepcanary.domain.release import Release
from stepcanary.domain.signals import TOKENS_PER_WAIT, WAIT_IS_OVER, Kind, Signal, why_refused
from stepcanary.domain.stage import OPENING, RETURNING, ROLLOUT
from stepcanary.errors import (
    LeaseHeld,
    LeaseLost,
    RevertRequested,
    SignalRefused,
    SplitTaken,
    StageOver,
)
from stepcanary.settings import LedgerSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import UniversalAttributeValueTypeDef

    Values = dict[str, UniversalAttributeValueTypeDef]

Item = dict[str, Any]
OURS = "holder = :me AND fence = :fence"
UNHEARD = "(attribute_not_exists(heard) OR NOT contains(heard, :said))"
UNDECIDED = "(attribute_not_exists(decided) OR decided < :wait)"
STILL_THERE = "(attribute_not_exists(wait_stage) OR (stage = wait_stage AND target = wait_target))"
"""No act has followed upon the wait. A late delivery of the act before it changes neither."""
NOT_REVERTING = "(attribute_not_exists(#signal) OR #signal.kind <> :revert)"
LEFT_BY_A_HOLDER = (
    "#signal, #token, wait_number, wait_stage, wait_target, obeyed, heard, decided, decided_by,"
    " parked, touched, recovering, returning_at, rested_at"
)
A_PLACE = "queued, queued_at, queued_since"
NAMES = {"#release": "release", "#signal": "signal", "#token": "token"}
NEXT_FENCE = "fence = if_not_exists(fence, :zero) + :one"


def _key(split: str) -> "Values":
    return {"pk": {"S": "lease"}, "sk": {"S": split}}


def _mine(holder: str, fence: int) -> "Values":
    """What the condition `OURS` asks for."""
    return {":me": {"S": holder}, ":fence": {"N": str(fence)}}


def _lease(item: Item) -> Lease:
    def number(name: str) -> int | None:
        return int(item[name]["N"]) if name in item else None

    def text(name: str) -> str:
        value: str = item.get(name, {}).get("S", "")
        return value

    signal = item.get("signal", {}).get("M")
    return Lease(
        split=item["sk"]["S"],
        holder=text("holder"),
        fence=number("fence") or 0,
        stage=number("stage") or OPENING,
        since=number("since") or 0,
        weight=number("weight") or 0,
        target=number("target") or 0,
        versions={key: int(n["N"]) for key, n in item.get("versions", {}).get("M", {}).items()},
        signal=_signal(signal) if signal else None,
        token=text("token"),
        wait=(number("wait_number") or 0) // TOKENS_PER_WAIT,
        ends_on=frozenset(item["obeyed"]["SS"]) if "obeyed" in item else None,
        heard=frozenset(item["heard"]["SS"]) if "heard" in item else frozenset(),
        decided=number("decided") or 0,
        decided_by=text("decided_by"),
        returning_at=number("returning_at"),
        rested_at=number("rested_at"),
        parked=item.get("parked", {}).get("BOOL", False),
        touched=item.get("touched", {}).get("BOOL", False),
        recovering=item.get("recovering", {}).get("BOOL", False),
        document=text("release"),
        lead=text("lead_split"),
    )


def _signal(item: Item) -> Signal:
    return Signal(
        kind=item["kind"]["S"],
        reason=item["reason"]["S"],
        by=item["by"]["S"],
        at=int(item["at"]["N"]),
        key=item.get("asker", {}).get("S", ""),
    )


def _signal_item(signal: Signal) -> Any:
    return {
        "M": {
            "kind": {"S": signal.kind},
            "reason": {"S": signal.reason},
            "by": {"S": signal.by},
            "at": {"N": str(signal.at)},
            "asker": {"S": signal.key},
        }
    }


@aws_failures
def _get(split: str) -> Lease:
    answer = clients.dynamodb().get_item(
        TableName=LedgerSettings.from_env().table, Key=_key(split), ConsistentRead=True
    )
    return _lease(answer["Item"]) if "Item" in answer else Lease(split)


def read(split: str) -> Lease:
    """The lease that this split is under: of another split where that is its release's lead."""
    lease = _get(split)
    if not lease.lead:
        return lease
    lead = _get(lease.lead)
    return lead if lead.holder == lease.holder else replace(lease, holder="")


@aws_failures
def _query(condition: str, values: "Values") -> list[Lease]:
    pages: Iterator[Any] = iter(
        clients.dynamodb()
        .get_paginator("query")
        .paginate(
            TableName=LedgerSettings.from_env().table,
            KeyConditionExpression="pk = :lease",
            FilterExpression=condition,
            ExpressionAttributeValues={":lease": {"S": "lease"}, **values},
            ConsistentRead=True,
        )
    )
    return [_lease(item) for page in pages for item in page["Items"]]


def every() -> list[Lease]:
    """Every split that was ever released on: held by the living, held by the dead, or free.

    Of the splits of one release only the lead.
    """
    return _query("attribute_exists(fence) AND attribute_not_exists(lead_split)", {})


def watching(alarm: str) -> list[Lease]:
    """The leases whose releases are judged by this alarm."""
    return _query("attribute_exists(holder) AND contains(alarms, :alarm)", {":alarm": {"S": alarm}})


def of_service(service: str) -> list[Lease]:
    return _query("attribute_exists(holder) AND service = :service", {":service": {"S": service}})


def _update(
    split: str, expression: str, condition: str, values: "Values", returned: Any = "ALL_NEW"
) -> Item:
    text = expression + condition
    names: Any = {alias: name for alias, name in NAMES.items() if alias in text}
    if names:
        names = {"ExpressionAttributeNames": names}
    answer = clients.dynamodb().update_item(
        TableName=LedgerSettings.from_env().table,
        Key=_key(split),
        UpdateExpression=expression,
        ConditionExpression=condition,
        ExpressionAttributeValues=values,
        ReturnValues=returned,
        ReturnValuesOnConditionCheckFailure="ALL_OLD",
        **names,
    )
    item: Item = answer.get("Attributes", {})
    return item


def _refused(error: ClientError, split: str) -> Lease:
    """The item as it was when the condition failed; any other error goes on."""
    if error.response["Error"].get("Code") != "ConditionalCheckFailedException":
        raise error
    item: Any = error.response.get("Item")
    return _lease(item) if item else Lease(split)


def take(release: Release) -> Lease:
    """Take all splits; the lease that is there already if it is this execution's.

    Raises `SplitTaken` when one of them is another's. All releases take theirs in the same order,
    so of two that want the same splits one gets them.
    """
    lead, *others = release.splits
    lease = _take(release, lead, *_lead_values(release))
    for split in others:
        try:
            _take(release, split, *_other_values(lease))
        except LeaseHeld:
            free(lease)
            raise
    return lease


def _other_values(lead: Lease) -> tuple[str, "Values"]:
    values: Values = {":lead": {"S": lead.split}, ":lead_fence": {"N": str(lead.fence)}}
    removed = f"REMOVE service, alarms, {LEFT_BY_A_HOLDER}"
    return f", lead_split = :lead, lead_fence = :lead_fence {removed}", values


def _lead_values(release: Release) -> tuple[str, "Values"]:
    values: Values = {
        ":opening": {"N": str(OPENING)},
        ":now": {"N": str(clock.epoch_seconds())},
        ":service": {"S": release.service},
    }
    change = ", stage = :opening, since = :now, service = :service, weight = :zero, target = :zero"
    removed = f" REMOVE {LEFT_BY_A_HOLDER}, versions, lead_split, lead_fence"
    if release.manual:
        # It is over before a signal could reach it, and takes nobody's turn.
        del values[":service"]
        return f"{change.replace(', service = :service', '')}{removed}, service, alarms", values
    removed += f", {A_PLACE}"
    if not release.alarms:
        # A set of no strings is none that DynamoDB would keep.
        return f"{change}{removed}, alarms", values
    return f"{change}, alarms = :alarms{removed}", {**values, ":alarms": {"SS": release.alarms}}


@aws_failures
def _take(release: Release, split: str, change: str, values: "Values", left: str = "") -> Lease:
    """`left` is a holder who no longer counts: it gave its lead back and died before this one."""
    condition = "attribute_not_exists(holder)"
    if left:
        condition += " OR holder = :left"
        values = {**values, ":left": {"S": left}}
    try:
        item = _update(
            split,
            f"SET holder = :me, #release = :release, {NEXT_FENCE}{change}",
            condition,
            {
                ":me": {"S": release.execution},
                ":release": {"S": release.model_dump_json()},
                ":zero": {"N": "0"},
                ":one": {"N": "1"},
                **values,
            },
        )
    except ClientError as error:
        winner = _refused(error, split)
        if winner.holder == release.execution:
            return winner
        if winner.lead and not left and _get(winner.lead).holder != winner.holder:
            return _take(release, split, change, values, winner.holder)
        raise SplitTaken(
            f"traffic: execution {winner.holder} began a release on the same split just before;"
            " wait for it to end, or revert it",
            winner.holder,
            split,
        ) from error
    return _lease(item)


def check(release: Release, fence: int) -> Lease:
    """Raises `LeaseLost` unless this execution still holds the split under this number."""
    lease = read(release.split)
    if (lease.holder, lease.fence) != (release.execution, fence):
        raise _lost(lease, fence)
    return lease


def _lost(lease: Lease, fence: int) -> LeaseLost:
    if lease.holder:
        now = f"leased to {lease.holder} (fence {lease.fence})"
    else:
        now = "free: this release was closed"
    return LeaseLost(
        f"the split is {now}, not to this execution (fence {fence}); it writes nothing any more"
    )


@aws_failures
def enter(
    release: Release,
    fence: int,
    stage: int,
    *,
    obey: bool = False,
    touch: bool = False,
    target: int | None = None,
    only_from: int | None = None,
) -> Lease:
    """Go to a stage, or stay in it, and return the lease as it was before.

    What each act calls before it changes anything. Raises `LeaseLost`; `StageOver` when the
    release has gone past this stage or this target, or is at neither it nor `only_from`; with
    `obey`, `RevertRequested` while a revert is pending.
    """
    values: Values = {**_mine(release.execution, fence), ":stage": {"N": str(stage)}}
    change = "SET stage = :stage"
    condition = f"{OURS} AND stage <= :stage"
    if only_from is not None:
        values[":from"] = {"N": str(only_from)}
        condition = f"{OURS} AND stage IN (:from, :stage)"
    if target is not None:
        # A shift of an earlier step that comes late would take the canary back a step.
        values[":target"] = {"N": str(target)}
        change += ", target = :target"
        condition += " AND target <= :target"
    if stage == RETURNING:
        values[":now"] = {"N": str(clock.epoch_seconds())}
        change += ", returning_at = if_not_exists(returning_at, :now)"
    if touch:
        values[":yes"] = {"BOOL": True}
        change += ", touched = :yes"
    if obey:
        values[":revert"] = {"S": "revert"}
        condition += f" AND {NOT_REVERTING}"
        if stage > ROLLOUT:
            # A promote or a retry has been obeyed once its promotion begins.
            change += " REMOVE #signal"
    try:
        item = _update(release.split, change, condition, values, "ALL_OLD")
    except ClientError as error:
        now = _refused(error, release.split)
        if (now.holder, now.fence) != (release.execution, fence):
            raise _lost(now, fence) from error
        if now.stage > stage or now.stage not in (only_from or now.stage, stage):
            raise StageOver(
                f"the release is at stage {now.stage} and this act belongs to stage {stage}: it"
                " was delivered late and changes nothing"
            ) from error
        if target is not None and now.target > target:
            raise StageOver(
                f"the canary has had {now.target} % already and this act is for {target} %: it was"
                " delivered late and changes nothing"
            ) from error
        raise RevertRequested(str(now.signal)) from error
    return _lease(item)


@aws_failures
def confirm(lease: Lease, weight: int, versions: dict[str, int]) -> None:
    """Write down what the routes were read back as."""
    _ours(
        lease,
        "SET weight = :weight, target = :weight, versions = :versions",
        {
            ":weight": {"N": str(weight)},
            ":versions": {"M": {split: {"N": str(number)} for split, number in versions.items()}},
        },
    )


def _ours(lease: Lease, change: str, values: "Values") -> Lease:
    """Change an item that must still be held under this fence. Raises `LeaseLost`."""
    try:
        mine = _mine(lease.holder, lease.fence)
        return _lease(_update(lease.split, change, OURS, {**mine, **values}))
    except ClientError as error:
        raise _lost(_refused(error, lease.split), lease.fence) from error


@aws_failures
def wait(release: Release, fence: int, token: str, number: int, obeyed: list[Kind]) -> Lease:
    """Leave the token where signals look for it, and return the lease with any that came before.

    A late delivery must not put its dead token over a newer one: the number of the wait tells
    them apart, for it only rises. Raises `LeaseLost` or `StageOver`.
    """
    values: Values = {
        **_mine(release.execution, fence),
        ":token": {"S": token},
        ":number": {"N": str(number)},
        ":obeyed": {"SS": list(obeyed)},
    }
    try:
        item = _update(
            release.split,
            "SET #token = :token, wait_number = :number, obeyed = :obeyed,"
            " wait_stage = stage, wait_target = target",
            f"{OURS} AND (attribute_not_exists(wait_number) OR wait_number < :number)",
            values,
        )
    except ClientError as error:
        now = _refused(error, release.split)
        if (now.holder, now.fence) != (release.execution, fence):
            raise _lost(now, fence) from error
        if now.token == token:
            # A second delivery, maybe after an act has followed.
            return now
        raise StageOver("the release waits elsewhere by now; this wait is over") from error
    return _lease(item)


@aws_failures
def keep(lease: Lease, signal: Signal, wait: int | None = None) -> Lease:
    """Keep a signal for the release that holds the lease, and return the lease with its token.

    A revert is never overwritten, a promote by no pause, and with `wait` nothing that has ended
    this wait. What was heard before has no effect. Raises `SignalRefused` when the release cannot
    use it.
    """
    if lease.has_heard(signal):
        return lease
    if refused := _why_refused(lease, signal, wait):
        raise SignalRefused(f"{signal.kind}: {lease.holder} has no use for it: {refused}")
    values: Values = {
        ":holder": {"S": lease.holder},
        ":stage": {"N": str(lease.stage)},
        ":signal": _signal_item(signal),
        ":revert": {"S": "revert"},
    }
    change = "SET #signal = :signal"
    condition = f"holder = :holder AND stage = :stage AND {NOT_REVERTING}"
    if signal.kind == "pause":
        values[":promote"] = {"S": "promote"}
        condition += " AND (attribute_not_exists(#signal) OR #signal.kind <> :promote)"
    if wait is not None:
        ending = {f":ends{n}": kind for n, kind in enumerate(sorted(lease.ends_on or ()))}
        values |= {name: {"S": kind} for name, kind in ending.items()}
        values |= {
            ":wait": {"N": str(wait)},
            ":first": {"N": str(wait * TOKENS_PER_WAIT)},
            ":last": {"N": str((wait + 1) * TOKENS_PER_WAIT - 1)},
        }
        values[":by"] = {"S": signal.said}
        change += ", decided = :wait, decided_by = :by"
        condition += f" AND wait_number BETWEEN :first AND :last AND {STILL_THERE} AND {UNDECIDED}"
        condition += (
            f" AND (attribute_not_exists(#signal) OR NOT #signal.kind IN ({', '.join(ending)}))"
        )
    if signal.key:
        values |= {":said": {"S": signal.said}, ":saying": {"SS": [signal.said]}}
        change += " ADD heard :saying"
        condition += f" AND {UNHEARD}"
    try:
        item = _update(lease.split, change, condition, values)
    except ClientError as error:
        now = _refused(error, lease.split)
        if now.holder != lease.holder:
            raise SignalRefused(f"{signal.kind}: {lease.holder} has ended just now") from error
        if now.signal is not None and now.reverting and not now.has_heard(signal):
            if signal.kind == "revert" and wait is None:
                return now
            raise SignalRefused(f"{signal.kind}: a revert is under way: {now.signal}") from error
        if wait is not None and now.stage == lease.stage and not now.has_heard(signal):
            by = "" if now.signal is None else f" ({now.signal})"
            raise SignalRefused(f"{signal.kind}: {lease.holder}: {WAIT_IS_OVER}{by}") from error
        if signal.kind == "pause" and now.signal is not None and now.signal.kind == "promote":
            raise SignalRefused(
                f"pause: it was promoted ({now.signal}); revert it instead"
            ) from error
        return keep(now, signal, wait)
    return _lease(item)


def _why_refused(lease: Lease, signal: Signal, wait: int | None) -> str | None:
    refused = why_refused(signal.kind, lease.stage)
    if lease.parked and signal.kind != "revert":
        refused = "its execution has ended; only a revert can still be done"
    if wait is None:
        return refused
    if refused:
        return f"{WAIT_IS_OVER}: {refused}"
    # Without what it obeys there was never a wait.
    return None if wait == lease.wait and lease.ends_on else WAIT_IS_OVER


@aws_failures
def decide_wait(lease: Lease, signal: Signal) -> bool:
    """For a signal that is not kept: whether it may end the wait that is now.

    Written down before the wait is ended, so that who tries again does not end the next one. What
    was decided and not done yet may be done by anybody who says the same.
    """
    values: Values = {
        **_mine(lease.holder, lease.fence),
        ":wait": {"N": str(lease.wait)},
        ":token": {"S": lease.token},
        ":said": {"S": signal.said},
        ":saying": {"SS": [signal.said]},
    }
    try:
        _update(
            lease.split,
            "SET decided = :wait, decided_by = :said ADD heard :saying",
            f"{OURS} AND #token = :token AND {STILL_THERE} AND {UNDECIDED} AND {UNHEARD}",
            values,
        )
    except ClientError as error:
        now = _refused(error, lease.split)
        return now.token == lease.token and now.remarked == signal.kind
    return True


@aws_failures
def forget_pause(lease: Lease) -> bool:
    """Whether it was there, in the wait that was seen. Whatever was told after it stays."""
    values: Values = {**_mine(lease.holder, lease.fence), ":pause": {"S": "pause"}}
    seen = "attribute_not_exists(#token)"
    if lease.token:
        values[":token"] = {"S": lease.token}
        seen = "#token = :token"
    condition = f"{OURS} AND #signal.kind = :pause AND {seen}"
    try:
        _update(lease.split, "REMOVE #signal", condition, values)
    except ClientError as error:
        _refused(error, lease.split)
        return False
    return True


@aws_failures
def take_over(lease: Lease) -> Lease:
    """For help from outside: raise the fence, so that the dead execution can never write again.

    Also called again before each round of help: of two sweeps at once, the one that is behind
    learns it here. Raises `LeaseLost` when the lease has changed hands meanwhile.
    """
    number = lease.fence if lease.recovering else lease.fence + 1
    change = "SET fence = :next, recovering = :yes"
    return _ours(lease, change, {":next": {"N": str(number)}, ":yes": {"BOOL": True}})


@aws_failures
def decide(lease: Lease, *, obey: bool) -> Lease:
    """For help from outside: from here on all weight goes to the primary.

    With `obey`, raises `RevertRequested` while a revert is pending, which wants the old version.
    """
    values: Values = {**_mine(lease.holder, lease.fence), ":stage": {"N": str(RETURNING)}}
    condition = OURS
    if obey:
        values[":revert"] = {"S": "revert"}
        condition += f" AND {NOT_REVERTING}"
    try:
        return _lease(_update(lease.split, "SET stage = :stage", condition, values))
    except ClientError as error:
        now = _refused(error, lease.split)
        if (now.holder, now.fence) != (lease.holder, lease.fence):
            raise _lost(now, lease.fence) from error
        raise RevertRequested(str(now.signal)) from error


@aws_failures
def set_rested(lease: Lease, at: int) -> Lease:
    """For help from outside: the split was brought to rest at this time, in epoch seconds."""
    return _ours(lease, "SET rested_at = :at", {":at": {"N": str(at)}})


@aws_failures
def park(lease: Lease) -> None:
    """Keep the lease for a person: help from outside must not undo what was decided."""
    _ours(lease, "SET parked = :yes", {":yes": {"BOOL": True}})


@aws_failures
def free(lease: Lease) -> None:
    """Give all splits back, if they are still held so and no stage further; the numbers stay."""
    values: Values = {
        **_mine(lease.holder, lease.fence),
        ":stage": {"N": str(lease.stage)},
    }
    try:
        _update(
            lease.split,
            f"REMOVE holder, service, alarms, {LEFT_BY_A_HOLDER}",
            f"{OURS} AND stage <= :stage",
            values,
        )
    except ClientError as error:
        if _refused(error, lease.split).holder == lease.holder:
            return
    for split in lease.release.splits:
        if split != lease.split:
            _free_other(split, lease)


def _free_other(split: str, lead: Lease) -> None:
    try:
        _update(
            split,
            "REMOVE holder, lead_split, lead_fence",
            "holder = :me AND lead_fence = :fence",
            # Help from outside has raised the fence by one.
            _mine(lead.holder, lead.fence - lead.recovering),
        )
    except ClientError as error:
        _refused(error, split)


@aws_failures
def queue(split: str, execution: str, started_at: int) -> bool:
    """Wait for the split instead of whoever was started earlier; False where nobody was.

    `started_at` is in epoch milliseconds.
    """
    values: Values = {
        ":me": {"S": execution},
        ":at": {"N": str(started_at)},
        ":now": {"N": str(clock.epoch_seconds())},
    }
    try:
        _update(
            split,
            "SET queued = :me, queued_at = :at, queued_since = :now",
            "attribute_not_exists(queued) OR queued = :me OR queued_at < :at",
            values,
        )
    except ClientError as error:
        _refused(error, split)
        return False
    return True


@aws_failures
def queued(split: str) -> Place | None:
    answer = clients.dynamodb().get_item(
        TableName=LedgerSettings.from_env().table, Key=_key(split), ConsistentRead=True
    )
    item = answer.get("Item", {})
    if "queued" not in item:
        return None
    return Place(item["queued"]["S"], int(item["queued_since"]["N"]))
