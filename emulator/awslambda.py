"""AWS Lambda in this process: handlers are called where AWS would invoke functions."""

import io
import json
import logging
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulator.account import ACCOUNT, REGION

Handler = Callable[[dict[str, Any], Any], Any]
Later = Callable[[float, Callable[[], None]], None]
"""Lets an action happen after so many seconds."""

RETRY_SECONDS = (60.0, 120.0)
"""When Lambda calls a function again that has failed on an event."""

log = logging.getLogger(__name__)


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


class Asynchronous:
    """What invokes a function and does not wait for it: it is called again if it fails, twice where
    nobody says otherwise."""

    def __init__(self, call: Callable[[str, dict[str, Any]], Any], later: Later) -> None:
        self._call, self._later = call, later

    def invoke(
        self,
        function: str,
        event: dict[str, Any],
        after: float = 0.0,
        retries: int = len(RETRY_SECONDS),
    ) -> None:
        self._invoke(function, event, (after, *RETRY_SECONDS[:retries]))

    def _invoke(self, function: str, event: dict[str, Any], pauses: tuple[float, ...]) -> None:
        first, *again = pauses

        def call() -> None:
            try:
                self._call(function, event)
            except Exception:
                log.exception("%s failed on an event", function)
                if again:
                    self._invoke(function, event, tuple(again))

        self._later(first, call)
