"""AWS Lambda in this process: handlers are called where AWS would invoke functions."""

import io
import json
import logging
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from emulator.account import ACCOUNT, REGION

Handler = Callable[[dict[str, Any], Any], Any]
Later = Callable[[float, Callable[[], None]], None]
"""Lets an action happen after so many seconds."""

RETRY_SECONDS = (60.0, 120.0)
"""When Lambda calls a function again that has failed on an event."""
LONGEST_PAUSE_SECONDS = 300.0
"""Between two tries of an event for which there is no concurrency; the first pause is a second, and
each is twice the one before. See
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""
OLDEST_SECONDS = 21_600.0
"""How old an event may become of a function that says nothing else."""

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


class Throttled(Exception):
    """There is no concurrency for the function now."""


@dataclass(frozen=True, slots=True)
class _Queued:
    """An event, how often the function is called again if it fails, how often it has failed on it
    and was throttled, and its age."""

    function: str
    event: dict[str, Any]
    retries: int
    failed: int = 0
    throttled: int = 0
    age: float = 0.0


class Asynchronous:
    """What invokes a function and does not wait for it: it is called again if it fails, twice where
    nobody says otherwise, and as often as it takes if it is `Throttled`, until the event is older
    than `oldest` says."""

    def __init__(
        self,
        call: Callable[[str, dict[str, Any]], Any],
        later: Later,
        oldest: Mapping[str, float] | None = None,
    ) -> None:
        self._call, self._later, self._oldest = call, later, oldest or {}

    def invoke(
        self,
        function: str,
        event: dict[str, Any],
        after: float = 0.0,
        retries: int = len(RETRY_SECONDS),
    ) -> None:
        self._later(after, partial(self._try, _Queued(function, event, retries)))

    def _try(self, queued: _Queued) -> None:
        try:
            self._call(queued.function, queued.event)
        except Throttled:
            pause = min(2.0**queued.throttled, LONGEST_PAUSE_SECONDS)
            again = replace(queued, throttled=queued.throttled + 1)
        except Exception:
            log.exception("%s failed on an event", queued.function)
            if queued.failed == queued.retries:
                return
            pause = RETRY_SECONDS[queued.failed]
            again = replace(queued, failed=queued.failed + 1)
        else:
            return
        again = replace(again, age=queued.age + pause)
        if again.age <= self._oldest.get(queued.function, OLDEST_SECONDS):
            self._later(pause, partial(self._try, again))
