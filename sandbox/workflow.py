"""Workflow: makes moto's Step Functions engine run the real definition and the real handlers.

Holes of moto 5.2.5 that are filled while `engine()` is open: no JSONata evaluator is wired
(getmoto/moto#10105), Lambda tasks need Docker, an execution that was given no name is called
`None`, so that there can be only one of them, a task token that has expired is still accepted, a
stopped execution may end as a failed one, and nobody is told when an execution ends.
"""

import base64
import io
import json
import re
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol
from unittest.mock import patch

from jsonata import jsonata as jsonata_python
from moto.core.config import default_user_config
from moto.core.exceptions import AWSError
from moto.dynamodb.responses import DynamoHandler
from moto.stepfunctions.exceptions import InvalidToken
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function
from moto.stepfunctions.parser.asl.eval import states, variable_store
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackConsumerLeft,
    CallbackOutcomeSuccess,
    CallbackOutcomeTimedOut,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.asl.jsonata import jsonata
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.backend import execution, execution_worker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

Handler = Callable[[dict[str, Any], Any], Any]
STOP_SECONDS = 0.2
"""How soon an execution that waits for a token, in real time, notices that it was stopped."""


class Clock(Protocol):
    """Time that passes only when somebody waits for it."""

    def sleep(self, seconds: float) -> None: ...

    def wait_until(self, happened: Callable[[], bool], seconds: float) -> None:
        """Let time pass until it happened, at most so long."""


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What Lambda hands a handler beside the event."""

    function_name: str
    invoked_function_arn: str
    aws_request_id: str
    memory_limit_in_mb: int = 512

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


class Invoker:
    """Stands in for the Lambda client inside the engine: ARN in, handler called, JSON out."""

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
        arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}:1"
        return self._handlers[name](event, LambdaContext(name, arn, str(uuid.uuid4())))


class Invocations:
    """Stands in for the Lambda client inside a function: asynchronous invocations only."""

    def __init__(
        self, invoker: Invoker, later: Callable[[float, Callable[[], None]], None]
    ) -> None:
        self._invoker, self._later = invoker, later

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        assert InvocationType == "Event"
        name, event = FunctionName.split(":")[6], json.loads(Payload)
        self._later(0.0, lambda: self._invoker.call(name, event))
        return {"StatusCode": 202}


# moto writes variables into the expression as JSONata text, to be parsed at each evaluation, and
# escapes no strings there. Here a comment carries them, and they are bound as they are.
_CARRIED = re.compile(r"/\*([A-Za-z0-9+/=]+)\*/")
_evaluating = threading.Lock()


def _declare(bindings: dict[str, Any]) -> str:
    if not bindings:
        return ""
    return f"/*{base64.b64encode(json.dumps(bindings, default=str).encode()).decode()}*/"


def _evaluate(expression: str) -> Any:
    bindings: dict[str, Any] = {}
    for carried in _CARRIED.findall(expression):
        bindings.update(json.loads(base64.b64decode(carried)))
    named = {name.removeprefix("$"): value for name, value in bindings.items()}
    try:
        with _evaluating:
            return _parse(_CARRIED.sub("", expression)).evaluate(None, named)
    except Exception as error:
        raise jsonata.JSONataException("JSONataEvaluationError", str(error)) from error


@cache
def _parse(expression: str) -> Any:
    return jsonata_python.Jsonata.jsonata(expression)


class CachingParser:
    """moto parses the definition at its creation and for each execution, which costs as much as to
    run it."""

    parse = staticmethod(cache(AmazonStateLanguageParser.parse))


_writing = threading.Lock()


def _one_by_one(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """moto's DynamoDB copies an item while another thread may be changing it."""

    def locked(self: Any) -> Any:
        with _writing:
            return call(self)

    return locked


class TaskTimedOut(AWSError):
    TYPE = "TaskTimedOut"
    STATUS = 400


def _send_task_success(self: Any, task_token: str, outcome: str) -> None:
    """AWS takes a token once, and not after its time; moto's own refusal fails to be raised."""
    for running in self._get_executions():
        env = running.exec_worker.env
        endpoint = env and env.callback_pool_manager.get(task_token)
        if not endpoint:
            continue
        closed = endpoint.consumer_error is not None or endpoint.get_outcome() is not None
        if closed or running.status != "RUNNING":
            raise TaskTimedOut("Task Timed Out: the token is closed")
        endpoint.notify(CallbackOutcomeSuccess(callback_id=task_token, output=outcome))
        return
    raise InvalidToken


@contextmanager
def engine(
    handlers: dict[str, Handler],
    clock: Clock | None = None,
    on_end: Callable[[str, str], None] = lambda _arn, _status: None,
) -> Iterator[Invoker]:
    """Executions run for real while open. `handlers` are keyed by function name.

    With `clock`, waits, time-outs of tokens and retry back-off pass on it instead of in real
    time. `on_end` is told the ARN and the status of each execution that has ended.
    """
    invoker = Invoker(handlers)
    before = default_user_config["stepfunctions"]["execute_state_machine"]
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    try:
        with ExitStack() as patches:

            def replace(target: Any, name: str, by: Any) -> None:
                patches.enter_context(patch.object(target, name, by))

            start = StepFunctionsParserBackend.start_execution

            def start_named(
                self: Any, state_machine_arn: str, name: str | None = None, *rest: Any, **more: Any
            ) -> Any:
                return start(self, state_machine_arn, name or str(uuid.uuid4()), *rest, **more)

            replace(StepFunctionsParserBackend, "start_execution", start_named)
            for parses in (models, execution_worker):
                replace(parses, "AmazonStateLanguageParser", CachingParser)
            replace(DynamoHandler, "call_action", _one_by_one(DynamoHandler.call_action))
            replace(jsonata, "_eval_jsonata", _evaluate)
            replace(states, "encode_jsonata_variable_declarations", _declare)
            replace(variable_store, "encode_jsonata_variable_declarations", _declare)
            replace(lambda_eval_utils, "boto_client_for", lambda **_: invoker)
            # It logs all of the definition with each failure, which costs more than the execution.
            replace(EvalComponent, "_log_failure_event_exception", lambda *_, **__: None)
            replace(EvalComponent, "_log_exception", lambda *_, **__: None)
            replace(StepFunctionsParserBackend, "send_task_success", _send_task_success)
            set_error = Environment.set_error

            def set_error_unless_stopped(self: Any, error: Any) -> None:
                # What comes up in a state that is being stopped does not change that it was.
                if not isinstance(self.program_state(), ProgramStopped):
                    set_error(self, error)

            replace(Environment, "set_error", set_error_unless_stopped)
            terminated = execution.BaseExecutionWorkerCommunication.terminated

            def told(self: Any) -> None:
                terminated(self)
                on_end(self.execution.exec_arn, self.execution.status)

            replace(execution.BaseExecutionWorkerCommunication, "terminated", told)

            def wait_for_token(
                _self: Any, env: Any, timeout_seconds: int, callback_endpoint: Any, **_: Any
            ) -> Any:
                if clock is None:
                    over = time.monotonic() + timeout_seconds
                    # Nothing else wakes the wait of an execution that is stopped.
                    while env.is_running() and not callback_endpoint.get_outcome():
                        if (left := over - time.monotonic()) <= 0:
                            break
                        callback_endpoint.wait(timeout=min(left, STOP_SECONDS))
                else:
                    clock.wait_until(
                        lambda: bool(callback_endpoint.get_outcome()) or not env.is_running(),
                        timeout_seconds,
                    )
                # Closed first: what comes later is refused, not lost.
                callback_endpoint.report(CallbackConsumerLeft())
                outcome = callback_endpoint.get_outcome()
                return outcome or CallbackOutcomeTimedOut(callback_endpoint.callback_id)

            token_task = state_task_service_callback.StateTaskServiceCallback
            replace(token_task, "_eval_wait_for_task_token", wait_for_token)
            if clock is not None:

                def wait(_self: Any, env: Any, wait_seconds: int) -> None:
                    clock.wait_until(lambda: not env.is_running(), wait_seconds)

                replace(wait_function.WaitFunction, "_wait_interval", wait)
                slept = type("Clock", (), {"sleep": staticmethod(clock.sleep)})
                replace(retrier_decl, "time", slept)
            yield invoker
    finally:
        default_user_config["stepfunctions"]["execute_state_machine"] = before
