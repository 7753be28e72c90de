"""AWS Lambda in this process: handlers are called where AWS would invoke functions."""

import io
import json
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulator.account import ACCOUNT, REGION

Handler = Callable[[dict[str, Any], Any], Any]


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What Lambda hands a handler beside the event."""

    function_name: str
    invoked_function_arn: str
    aws_request_id: str
    memory_limit_in_mb: int = 512

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def function_arn(name: str) -> str:
    """The ARN of a function's only version."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:1"


class Invoker:
    """The Lambda client of the state machine engine: ARN in, handler called, JSON out."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._handlers = handlers

    def invoke(self, *, FunctionName: str, Payload: Any = b"{}", **_: Any) -> dict[str, Any]:  # noqa: N803
        name = next(name for name in self._handlers if f":{name}:" in f"{FunctionName}:")
        answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": "1"}
        try:
            result = self.call(name, json.loads(Payload))
        except Exception as error:
            answer["FunctionError"] = "Unhandled"
            result = {
                "errorMessage": str(error),
                "errorType": type(error).__name__,
                "requestId": str(uuid.uuid4()),
                "stackTrace": traceback.format_exception(error)[-3:],
            }
        answer["Payload"] = io.BytesIO(json.dumps(result).encode())
        return answer

    def call(self, name: str, event: dict[str, Any]) -> Any:
        """What the function answers; its exceptions come through."""
        context = LambdaContext(name, function_arn(name), str(uuid.uuid4()))
        return self._handlers[name](event, context)
