"""Table: the one DynamoDB table of the ledger, and how values and conditions get there.

| partition key | sort key | what it is | module |
|---|---|---|---|
| `split#<split>` | `lease` | who may write the split, and how far its release is | `leases` |
| `split#<split>` | `queue` | who waits for the split | `queue` |
| `held` | split | a lease that somebody holds | `leases` |
| `alarm#<name>` | split | a running release that the alarm judges | `leases` |
| `ecs#<cluster>` | ECS service | who releases on the ECS service | `leases` |
| `service#<name>` | `running#<split>` | a running release of the service | `leases` |
| `service#<name>` | `waiting#<split>` | a release that waits for its split | `queue` |
| `service#<name>` | `starting#<execution>` | one that waits to begin, or was withdrawn | `queue` |
| `service#<name>` | `release#<second>#<execution>` | what became of a release | `ledger` |
| `service#<name>` | `last`, `last#Released` | the last release, the last good one | `ledger` |
| `service#<name>` | `up#<kind>#<key>` | whose entry of the register is up | `register` |
| `day#<date>` | `<second>#<execution>` | what became of a release of that day | `ledger` |
| `release#<execution>` | `document` | a release, once, and its outcome | `ledger` |
| `release#<execution>` | `event#<millisecond>#…` | what happened within a release | `ledger` |
| `release#<execution>` | `way_back` | the task definition that the primary ran before | `ledger` |
| `release#<execution>` | `up#<kind>#<key>` | what it put up and has to take down | `register` |
| `release#<execution>` | `thread` | its first message in Slack | `ledger` |
| `release#<execution>` | `tally`, `counts#<second>` | what both sides have counted | `evidence` |
| `log#<execution>` | `sums`, `sums#<shard>`, `batch#<digest>` | what its log counted | `batches` |
| `rest` | split | a split that was ever released on | `rest` |
| `rest#drift` | split | one that somebody has moved since | `rest` |
| `rest#cursor` | `cursor` | where the slow look at them is | `rest` |
| `due` | `<second>#<what>#<key>#<execution>` | what is still to be done, and when | `due` |
| `triggers` | `<kind>#<name>#<service>` | whom it is about | `triggers` |
| `push#<service>` | `newest` | the newest push that the service was released for | `pushes` |
| `sender#<execution>` | `sender` | who asked for it, if that is vouched for | `senders` |
| `slack#<service>` | `last` | what somebody asked for last in Slack | `askings` |
| `door` | `door` | no release may begin, and until when | `door` |
| `starts` | `next` | when the next release may begin | `starts` |
| `group#<name>` | `places` | who holds a place in a group | `groups` |

Every question that a release, an alarm or the sweep has is one key or one range of this table, so
that its price does not grow with the number of services.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from boto3.dynamodb.conditions import (
    Attr,
    AttributeBase,
    ConditionBase,
    ConditionExpressionBuilder,
    Key,
)
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.moments import Shortening
from stepcanary.environment import LedgerSettings
from stepcanary.errors import AwsUnavailable

Item = dict[str, Any]
"""Plain values: strings, whole numbers, booleans, maps, lists and sets of strings."""

MOST_ITEMS_OF_A_TRANSACTION = 100
_serialize = TypeSerializer().serialize
_deserializer = TypeDeserializer()


@dataclass(frozen=True, slots=True)
class ItemKey:
    pk: str
    sk: str


class ConditionFailed(Exception):
    """A write's condition did not hold. `items` are the items as they were, in the order of the
    writes: None for a write whose own condition held, empty for an item that is not there."""

    def __init__(self, items: list[Item | None]) -> None:
        super().__init__("a condition did not hold")
        self.items = items

    @property
    def item(self) -> Item:
        """The first item that was not as it had to be."""
        return next(item for item in self.items if item is not None)


@dataclass(frozen=True, slots=True)
class Change:
    """A write of some attributes of one item, under a condition.

    `first` are set only where they are absent, `count` are raised by one, `raise_by` by a number,
    `copy` gets the value of another attribute, `append` goes to the end of a list, `add` into a set
    of strings and `take` out of it. `shorten` puts one text in place of some in a list.
    """

    key: ItemKey
    condition: ConditionBase | None = None
    set: Mapping[str, object] = field(default_factory=dict)
    first: Mapping[str, object] = field(default_factory=dict)
    count: tuple[str, ...] = ()
    raise_by: Mapping[str, int] = field(default_factory=dict)
    copy: Mapping[str, str] = field(default_factory=dict)
    append: Mapping[str, Sequence[str]] = field(default_factory=dict)
    add: Mapping[str, str] = field(default_factory=dict)
    take: Mapping[str, str] = field(default_factory=dict)
    shorten: Mapping[str, Shortening] = field(default_factory=dict)
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Put:
    key: ItemKey
    item: Mapping[str, object]
    condition: ConditionBase | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    key: ItemKey
    condition: ConditionBase | None = None


Write = Change | Put | Delete


@aws_failures
def get(key: ItemKey) -> Item | None:
    answer = clients.dynamodb().get_item(
        TableName=LedgerSettings.from_env().table, Key=_written(key), ConsistentRead=True
    )
    return _read(answer["Item"]) if "Item" in answer else None


@dataclass(frozen=True, slots=True)
class Page:
    """`after` is the sort key to go on from; None on the last page."""

    items: list[Item]
    after: str | None


def every(pk: str, prefix: str = "") -> list[Item]:
    """All items of a partition, or those whose sort key begins so: for what is small and bounded
    by what runs now."""
    found: list[Item] = []
    after: str | None = ""
    while after is not None:
        part = page(pk, prefix, after=after)
        found += part.items
        after = part.after
    return found


@aws_failures
def page(
    pk: str,
    prefix: str = "",
    *,
    after: str = "",
    until: str = "",
    most: int | None = None,
    newest_first: bool = False,
) -> Page:
    """Some items of a partition in the order of their sort keys.

    `until` is the sort key to stop before; `most` bounds the items.
    """
    condition: ConditionBase = Key("pk").eq(pk)
    if prefix:
        condition &= Key("sk").begins_with(prefix)
    elif until:
        condition &= Key("sk").lt(until)
    names, values, expression = _built(condition, is_key=True)
    more: Item = {"Limit": most} if most else {}
    if after:
        more["ExclusiveStartKey"] = _written(ItemKey(pk, after))
    answer = clients.dynamodb().query(
        TableName=LedgerSettings.from_env().table,
        KeyConditionExpression=expression,
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
        ScanIndexForward=not newest_first,
        ConsistentRead=True,
        **more,
    )
    last = answer.get("LastEvaluatedKey")
    return Page([_read(item) for item in answer["Items"]], _read(last)["sk"] if last else None)


def change(write: Change) -> Item:
    """The item after the write. Raises `ConditionFailed`."""
    return _change(write, "ALL_NEW")


def change_and_see(write: Change) -> Item:
    """The item before the write. Raises `ConditionFailed`."""
    return _change(write, "ALL_OLD")


@aws_failures
def _change(write: Change, returned: Any) -> Item:
    try:
        answer = clients.dynamodb().update_item(
            **cast("Any", _request(write)), ReturnValues=returned
        )
    except ClientError as error:
        if error.response["Error"].get("Code") != "ConditionalCheckFailedException":
            raise
        raise ConditionFailed([_item_of(error)]) from error
    return _read(answer.get("Attributes", {}))


def _item_of(error: ClientError) -> Item:
    return _read(cast("Item", error.response.get("Item", {})))


@aws_failures
def put(write: Put) -> None:
    """Raises `ConditionFailed`."""
    try:
        clients.dynamodb().put_item(**cast("Any", _request(write)))
    except ClientError as error:
        if error.response["Error"].get("Code") != "ConditionalCheckFailedException":
            raise
        raise ConditionFailed([_item_of(error)]) from error


@aws_failures
def delete(write: Delete) -> None:
    """Nothing where it is not there, or not as the condition says: then it is not ours."""
    try:
        clients.dynamodb().delete_item(**cast("Any", _request(write)))
    except ClientError as error:
        if error.response["Error"].get("Code") != "ConditionalCheckFailedException":
            raise


@aws_failures
def transact(writes: list[Write]) -> None:
    """All writes, or none. Raises `ConditionFailed`, or `AwsUnavailable` while others write."""
    items = [{_OPERATIONS[type(write)]: _request(write)} for write in writes]
    try:
        clients.dynamodb().transact_write_items(TransactItems=cast("Any", items))
    except ClientError as error:
        if error.response["Error"].get("Code") != "TransactionCanceledException":
            raise
        raise _cancelled(error) from error


def _cancelled(error: ClientError) -> ConditionFailed | AwsUnavailable | ClientError:
    """See https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html"""
    reasons = cast("list[Item]", error.response.get("CancellationReasons", []))
    codes = {reason.get("Code", "None") for reason in reasons} - {"None"}
    if codes == {"ConditionalCheckFailed"}:
        return ConditionFailed(
            [
                _read(reason.get("Item") or {}) if reason["Code"] != "None" else None
                for reason in reasons
            ]
        )
    if "ValidationError" in codes:
        return error
    why = ", ".join(sorted(codes)) or "no reason given"
    return AwsUnavailable(f"TransactWriteItems: cancelled: {why}")


_OPERATIONS: dict[type[Write], str] = {Change: "Update", Put: "Put", Delete: "Delete"}


def _request(write: Write) -> Item:
    request: Item = {"TableName": LedgerSettings.from_env().table}
    names: dict[str, str] = {}
    values: dict[str, Item] = {}
    if isinstance(write, Put):
        request["Item"] = {**_written(write.key), **_written_map(write.item)}
    else:
        request["Key"] = _written(write.key)
    if isinstance(write, Change):
        request["UpdateExpression"] = _expression(write, names, values)
    if write.condition is not None:
        more_names, more_values, request["ConditionExpression"] = _built(write.condition)
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        names |= more_names
        values |= more_values
    if names:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = values
    return request


def _expression(change: Change, names: dict[str, str], values: dict[str, Item]) -> str:
    """Every name has an alias: DynamoDB reserves hundreds of words, `release` and `token` too."""

    def name(attribute: str) -> str:
        names[f"#{attribute}"] = attribute
        return f"#{attribute}"

    def value(attribute: str, of: object) -> str:
        values[f":{attribute}"] = cast("Item", _serialize(of))
        return f":{attribute}"

    sets = [f"{name(a)} = {value(a, v)}" for a, v in change.set.items()]
    sets += [
        f"{name(a)} = if_not_exists({name(a)}, {value(a, v)})" for a, v in change.first.items()
    ]
    sets += [
        f"{name(a)} = if_not_exists({name(a)}, {value('zero', 0)}) + {value('one', 1)}"
        for a in change.count
    ]
    sets += [f"{name(a)} = {name(b)}" for a, b in change.copy.items()]
    for a, v in change.append.items():
        there = f"if_not_exists({name(a)}, {value('none', [])})"
        sets.append(f"{name(a)} = list_append({there}, {value(a, list(v))})")
    removed = [name(a) for a in change.remove]
    for a, by in change.shorten.items():
        sets.append(f"{name(a)}[{by.start}] = {value('shortened', by.text)}")
        removed += [f"{name(a)}[{place}]" for place in range(by.start + 1, by.end)]
    parts = [
        ("SET", sets),
        ("ADD", [f"{name(a)} {value(a, v)}" for a, v in _added(change)]),
        ("DELETE", [f"{name(a)} {value(a, {v})}" for a, v in change.take.items()]),
        ("REMOVE", removed),
    ]
    return " ".join(f"{clause} {', '.join(terms)}" for clause, terms in parts if terms)


def _added(change: Change) -> Iterator[tuple[str, object]]:
    """DynamoDB's ADD goes into a set, and to a number."""
    yield from ((attribute, {member}) for attribute, member in change.add.items())
    yield from change.raise_by.items()


def _built(
    condition: ConditionBase, *, is_key: bool = False
) -> tuple[dict[str, str], dict[str, Item], str]:
    built = ConditionExpressionBuilder().build_expression(condition, is_key_condition=is_key)
    values = {
        name: cast("Item", _serialize(value))
        for name, value in built.attribute_value_placeholders.items()
    }
    return dict(built.attribute_name_placeholders), values, built.condition_expression


def is_absent(attribute: str) -> ConditionBase:
    return Attr(attribute).not_exists()


def is_same(attribute: str, other: str) -> ConditionBase:
    """Two attributes of the item have one value."""
    return Attr(attribute).eq(cast("AttributeBase", Attr(other)))


def _written(key: ItemKey) -> Item:
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def _written_map(item: Mapping[str, object]) -> Item:
    return {name: _serialize(value) for name, value in item.items()}


def _read(item: Mapping[str, Any]) -> Item:
    return {name: _plain(_deserializer.deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    """The deserializer's numbers are Decimals; ours are whole."""
    match value:
        case Decimal():
            return int(value)
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value


def execution_name(execution: str) -> str:
    """The name at the end of an execution's ARN."""
    return execution.rpartition(":")[2]
