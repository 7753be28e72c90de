"""A call that takes the shortcut is answered as it would be by HTTP."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from emulator import shortcut, template
from emulator.acceleration import accelerated

KEY = {"pk": {"S": "split#a"}, "sk": {"S": "lease"}}
ITEM = {
    **KEY,
    "count": {"N": "1"},
    "flag": {"BOOL": False},
    "nothing": {"NULL": True},
    "names": {"SS": ["a"]},
    "nested": {"M": {"list": {"L": [{"S": "x"}, {"M": {"deep": {"N": "2"}}}]}}},
}
ABSENT: dict[str, Any] = {
    "ConditionExpression": "attribute_not_exists(#p)",
    "ExpressionAttributeNames": {"#p": "pk"},
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}
COUNTED: dict[str, Any] = {
    "UpdateExpression": "SET #c = if_not_exists(#c, :zero) + :one, #n = :n ADD #s :s REMOVE #f",
    "ExpressionAttributeNames": {"#c": "count", "#n": "new", "#s": "names", "#f": "flag"},
    "ExpressionAttributeValues": {
        ":zero": {"N": "0"},
        ":one": {"N": "1"},
        ":n": {"M": {"a": {"S": "b"}}},
        ":s": {"SS": ["a"]},
    },
}
QUERY: dict[str, Any] = {
    "KeyConditionExpression": "pk = :p",
    "ExpressionAttributeValues": {":p": {"S": "split#a"}},
}
Calls = list[tuple[str, dict[str, Any]]]

STORIES: dict[str, Calls] = {
    "put": [("put_item", {"Item": ITEM}), ("get_item", {"Key": KEY})],
    "nothing there": [("get_item", {"Key": KEY}), ("query", QUERY), ("delete_item", {"Key": KEY})],
    "put refused": [("put_item", {"Item": ITEM}), ("put_item", {"Item": ITEM, **ABSENT})],
    "changed": [
        ("put_item", {"Item": ITEM}),
        *[
            ("update_item", {"Key": KEY, **COUNTED, "ReturnValues": returned})
            for returned in ("ALL_OLD", "ALL_NEW", "UPDATED_NEW", "NONE")
        ],
    ],
    "change refused": [
        ("put_item", {"Item": ITEM}),
        ("update_item", {"Key": KEY, "UpdateExpression": "REMOVE flag", **ABSENT}),
        ("scan", {}),
    ],
    "not an expression": [("update_item", {"Key": KEY, "UpdateExpression": "SET flag"})],
    "pages": [
        ("put_item", {"Item": ITEM}),
        ("put_item", {"Item": {**ITEM, "sk": {"S": "queue"}}}),
        ("query", {**QUERY, "Limit": 1}),
        ("query", {**QUERY, "ScanIndexForward": False, "ConsistentRead": True}),
        ("scan", {}),
    ],
    "deleted": [
        ("put_item", {"Item": ITEM}),
        ("delete_item", {"Key": KEY, **ABSENT}),
        ("delete_item", {"Key": KEY, "ReturnValues": "ALL_OLD"}),
        ("scan", {}),
    ],
}


def transaction(*more: dict[str, Any]) -> Calls:
    change = {"Update": {"TableName": "ledger", "Key": KEY, **COUNTED}}
    other = {**KEY, "sk": {"S": "queue"}}
    write: dict[str, Any] = {"TransactItems": [change, {"Put": {"Item": other}}, *more]}
    for item in write["TransactItems"]:
        for operation in item.values():
            operation["TableName"] = "ledger"
    return [("put_item", {"Item": ITEM}), ("transact_write_items", write), ("scan", {})]


STORIES["transaction"] = transaction()
STORIES["cancelled"] = transaction(
    {"Put": {"Item": {**KEY, "sk": {"S": "third"}}, **ABSENT}},
    {
        "Delete": {
            "Key": {**KEY, "sk": {"S": "fourth"}},
            "ConditionExpression": "attribute_exists(pk)",
        }
    },
)


def answers(calls: Calls, prepare: Callable[[Any], None]) -> list[Any]:
    """What the calls are answered in a new account, without what only HTTP tells."""
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        prepare(client)
        client.create_table(TableName="ledger", **template.ledger_schema())
        found = []
        for operation, params in calls:
            table = {} if operation == "transact_write_items" else {"TableName": "ledger"}
            try:
                answer = getattr(client, operation)(**table, **params)
            except ClientError as error:
                answer = {**error.response, "as text": str(error)}
            status = answer.pop("ResponseMetadata")["HTTPStatusCode"]
            found.append((status, answer))
        return found


@pytest.mark.parametrize("story", STORIES)
def test_the_shortcut_answers_as_http_does(story: str) -> None:
    plain = answers(STORIES[story], lambda _client: None)
    with accelerated():
        assert answers(STORIES[story], shortcut.shorten) == plain


def test_a_cancelled_transaction_changes_nothing() -> None:
    with accelerated():
        (_, _), (status, _), (_, scanned) = answers(STORIES["cancelled"], shortcut.shorten)
    assert status == 400
    assert scanned["Items"] == [ITEM]
