"""The shortcut to moto's DynamoDB: a client's calls reach it as they are, not as HTTP.

On the way by HTTP moto and botocore sign, parse and serialize each call, which costs three times as
much as what DynamoDB itself does.
"""

import json
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto.dynamodb.responses import DynamoHandler

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
    """Let a client of DynamoDB take the shortcut. moto has to be mocking AWS at each call."""
    client.meta.events.register("before-call.dynamodb.*", _answer)


def _answer(model: Any, params: dict[str, Any], **_: Any) -> Any:
    """None lets the call go on by HTTP. So does a call that fails, which changes nothing: by HTTP
    it fails again, and the error is as moto serializes it."""
    operation = ON_ITEMS.get(model.name)
    if operation is None:
        return None
    handler = DynamoHandler()
    handler.current_account, handler.region = ACCOUNT, REGION
    handler.body = json.loads(params["body"])
    with one_at_a_time:
        try:
            result: Any = operation(handler).result
        except Exception:
            return None
    known = model.output_shape.members
    answer = {name: of for name, of in result.items() if name in known and of is not None}
    http = AWSResponse(params["url"], 200, HTTPHeaders(), None)
    return http, {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}
