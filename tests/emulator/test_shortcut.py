"""A call that takes the shortcut is answered as it would be by HTTP."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from emulator import shortcut, template
from emulator.acceleration import accelerated
from tests.builders import request
from tests.statemachine.runner import World

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


STORIES["one condition, other values"] = [
    ("put_item", {"Item": ITEM}),
    *[
        (
            "update_item",
            {
                "Key": KEY,
                "UpdateExpression": "SET flag = :f",
                "ConditionExpression": "#c = :c AND size(#s) > :n",
                "ExpressionAttributeNames": {"#c": counted, "#s": "names"},
                "ExpressionAttributeValues": {
                    ":c": {"N": count},
                    ":n": {"N": "0"},
                    ":f": {"BOOL": True},
                },
                "ReturnValues": "ALL_NEW",
            },
        )
        for counted, count in (("count", "1"), ("count", "2"), ("flag", "1"), ("count", "1"))
    ],
]
STORIES["a name too many"] = [
    ("put_item", {"Item": ITEM}),
    *[
        (
            "update_item",
            {
                "Key": KEY,
                "UpdateExpression": f"SET {target} = :one",
                "ConditionExpression": "#c = :one",
                "ExpressionAttributeNames": {"#c": "count", "#f": "flag"},
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            },
        )
        for target in ("#f", "flag", "#f")
    ],
]
STORIES["overlapping paths"] = [
    ("put_item", {"Item": ITEM}),
    *[
        (
            "update_item",
            {
                "Key": KEY,
                "UpdateExpression": expression,
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            },
        )
        for expression in (
            "SET a = :one, nested.x = :one, nested.x.y = :one",
            "SET a = :one, b = :one, a = :one",
            "SET a = :one SET b = :one",
            "SET nested.x = :one REMOVE nested.list[0], nested.list[1]",
        )
    ],
    ("scan", {}),
]
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


def _refuse(request: Any, **_: Any) -> None:
    raise AssertionError(f"{request.url} was called")


@pytest.mark.parametrize("asked", [{}, {"maxResults": 7, "reverseOrder": True}])
def test_a_history_takes_the_shortcut_and_is_as_by_http(here: World, asked: Any) -> None:
    here.cloud.broken_images = {"shop:v2"}
    here.release(request())
    answers = []
    for shortened in (False, True):
        client: Any = boto3.client("stepfunctions", region_name="us-east-1")
        if shortened:
            shortcut.shorten(client)
            client.meta.events.register_first("before-send", _refuse)
        answer = client.get_execution_history(executionArn=here.arn("release-1"), **asked)
        assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
        answers.append(answer)
    by_http, by_shortcut = answers
    assert len(by_http["events"]) >= 7
    assert by_shortcut == by_http


def test_a_history_that_is_not_there_is_refused_as_by_http(here: World) -> None:
    client: Any = boto3.client("stepfunctions", region_name="us-east-1")
    shortcut.shorten(client)
    with pytest.raises(client.exceptions.ExecutionDoesNotExist):
        client.get_execution_history(executionArn=here.arn("nobody"))


def test_a_cancelled_transaction_changes_nothing() -> None:
    with accelerated():
        (_, _), (status, _), (_, scanned) = answers(STORIES["cancelled"], shortcut.shorten)
    assert status == 400
    assert scanned["Items"] == [ITEM]
