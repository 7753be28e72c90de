"""The shortcuts to DynamoDB and to the histories of executions: calls reach moto without HTTP.

On the way by HTTP moto and botocore sign, parse and serialize each call, which costs three times as
much as what DynamoDB itself does. A history costs as much as the release that it is of.
"""

import json
from datetime import datetime
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.model import ListShape, StructureShape
from moto.dynamodb.responses import DynamoHandler
from moto.stepfunctions.responses import StepFunctionResponse

from emulator.account import ACCOUNT, REGION
from emulator.moto_gaps.dynamodb import one_at_a_time

ON_ITEMS = {
    "DeleteItem": DynamoHandler.delete_item,
    "GetItem": DynamoHandler.get_item,
    "PutItem": DynamoHandler.put_item,
    "Query": DynamoHandler.query,
    "Scan": DynamoHandler.scan,
    "TransactWriteItems": DynamoHandler.transact_write_items,
    "UpdateItem": DynamoHandler.update_item,
}
"""The operations that take the shortcut: their answers are plain values already."""


def shorten(client: Any) -> None:
    """Let a client of one of the two take the shortcut. moto has to be mocking AWS at each call."""
    client.meta.events.register("before-call.dynamodb.*", _answer)
    client.meta.events.register("before-call.sfn.GetExecutionHistory", _tell)


def _answer(model: Any, params: dict[str, Any], **_: Any) -> Any:
    """None lets the call go on by HTTP. So does a call that fails, which changes nothing: by HTTP
    it fails again, and the error is as moto serializes it."""
    operation = ON_ITEMS.get(model.name)
    if operation is None:
        return None
    handler = _of_account(DynamoHandler(), json.loads(params["body"]))
    with one_at_a_time:
        try:
            result: Any = operation(handler).result
        except Exception:
            return None
    known = model.output_shape.members
    answer = {name: of for name, of in result.items() if name in known and of is not None}
    return _answered(params, answer)


def _tell(model: Any, params: dict[str, Any], **_: Any) -> Any:
    """As `_answer`, with the history of an execution."""
    handler = _of_account(StepFunctionResponse(), params["body"])
    try:
        result: Any = handler.get_execution_history().result
    except Exception:
        return None
    return _answered(params, _parsed(model.output_shape, result))


def _of_account(handler: Any, body: Any) -> Any:
    handler.current_account, handler.region = ACCOUNT, REGION
    handler.querystring, handler.uri_match, handler.body = {}, None, body
    return handler


def _parsed(shape: Any, value: Any) -> Any:
    """What a client finds in an answer: what the model knows and has a value."""
    if isinstance(shape, StructureShape):
        members = shape.members
        return {
            name: _parsed(members[name], below)
            for name, below in value.items()
            if name in members and below is not None
        }
    if isinstance(shape, ListShape):
        return [_parsed(shape.member, each) for each in value]
    return datetime.fromisoformat(value) if shape.type_name == "timestamp" else value


def _answered(params: dict[str, Any], answer: dict[str, Any]) -> Any:
    http = AWSResponse(params["url"], 200, HTTPHeaders(), None)
    return http, {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}
