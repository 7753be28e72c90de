"""Lambda's API: the stack's functions are listed and invoked as AWS does it."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from emulator.awslambda import Invoker
from emulator.moto_gaps import awslambda
from emulator.template import Function

ARN = "arn:aws:lambda:us-east-1:123456789012:function:stack-echo"


def echo(event: Any, _context: Any) -> Any:
    return {"echo": event}


def fail(_event: Any, _context: Any) -> Any:
    raise ValueError("no")


FUNCTIONS = [Function("Echo", "echo.handler", "stack-echo"), Function("Fail", "f.handler", "fail")]


@pytest.fixture
def later() -> list[Any]:
    return []


@pytest.fixture
def client(later: list[Any]) -> Iterator[Any]:
    invoker = Invoker({"Echo": echo, "Fail": fail})
    with (
        mock_aws(),
        awslambda.filled(FUNCTIONS, invoker, lambda _seconds, do: later.append(do)),
    ):
        yield boto3.client("lambda", region_name="us-east-1")


@pytest.mark.parametrize(
    "name",
    ["stack-echo", "stack-echo:live", "Echo", ARN, f"{ARN}:live", f"{ARN}:$LATEST", f"{ARN}:1"],
)
def test_a_function_answers_by_each_of_its_names(client: Any, name: str) -> None:
    answer = client.invoke(FunctionName=name, Payload=json.dumps({"a": 1}))
    assert answer["StatusCode"] == 200
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"echo": {"a": 1}}


def test_an_exception_is_an_answer(client: Any) -> None:
    answer = client.invoke(FunctionName="fail", Payload="{}")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    payload = json.loads(answer["Payload"].read())
    assert (payload["errorType"], payload["errorMessage"]) == ("ValueError", "no")


def test_an_event_is_accepted_and_runs_later(client: Any, later: list[Any]) -> None:
    answer = client.invoke(FunctionName="stack-echo", InvocationType="Event", Payload="{}")
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    assert [do() for do in later] == [{"echo": {}}]
    dry = client.invoke(FunctionName="stack-echo", InvocationType="DryRun")
    assert (dry["StatusCode"], len(later)) == (204, 1)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"FunctionName": "nobody"}, "ResourceNotFoundException"),
        ({"FunctionName": "stack-echo", "Qualifier": "7"}, "ResourceNotFoundException"),
        ({"FunctionName": "stack-echo", "Payload": "{"}, "InvalidRequestContentException"),
    ],
)
def test_what_is_refused(client: Any, arguments: dict[str, str], code: str) -> None:
    with pytest.raises(ClientError) as refused:
        client.invoke(**arguments)
    assert refused.value.response["Error"]["Code"] == code


def test_the_functions_are_listed_in_pages(client: Any) -> None:
    pages = client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 1})
    assert [[f["FunctionName"] for f in page["Functions"]] for page in pages] == [
        ["fail"],
        ["stack-echo"],
    ]
