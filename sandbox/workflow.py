"""Workflow: makes moto's Step Functions engine run the real definition and the real handlers.

Four holes of moto 5.2.5 are filled, all while `engine()` is open: no JSONata evaluator is wired
(getmoto/moto#10105), string variables are not escaped, Lambda tasks need Docker, and an
execution that was given no name is called `None`, so that there can be only one of them.
"""

import io
import json
import traceback
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from jsonata import jsonata as jsonata_python
from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function
from moto.stepfunctions.parser.asl.eval import states, variable_store
from moto.stepfunctions.parser.asl.jsonata import jsonata
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

Handler = Callable[[dict[str, Any], Any], Any]
Sleep = Callable[[float], None]


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
        event = json.loads(Payload)
        context = LambdaContext(name, FunctionName, str(uuid.uuid4()))
        answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": "1"}
        try:
            result = self._handlers[name](event, context)
        except Exception as error:
            answer["FunctionError"] = "Unhandled"
            result = {
                "errorMessage": str(error),
                "errorType": type(error).__name__,
                "requestId": context.aws_request_id,
                "stackTrace": traceback.format_exception(error)[-3:],
            }
        answer["Payload"] = io.BytesIO(json.dumps(result).encode())
        return answer


def _declare(bindings: dict[str, Any]) -> str:
    return "".join(f"{name}:={json.dumps(value, default=str)};" for name, value in bindings.items())


def _evaluate(expression: str) -> Any:
    try:
        return jsonata_python.Jsonata.jsonata(expression).evaluate(None)
    except Exception as error:
        raise jsonata.JSONataException("JSONataEvaluationError", str(error)) from error


@contextmanager
def engine(handlers: dict[str, Handler], sleep: Sleep | None = None) -> Iterator[None]:
    """Executions run for real while open. `handlers` are keyed by function name.

    With `sleep`, waits and retry back-off call it instead of letting time pass.
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
            replace(jsonata, "_eval_jsonata", _evaluate)
            replace(states, "encode_jsonata_variable_declarations", _declare)
            replace(variable_store, "encode_jsonata_variable_declarations", _declare)
            replace(lambda_eval_utils, "boto_client_for", lambda **_: invoker)
            if sleep is not None:

                def wait(_self: Any, env: Any, wait_seconds: int) -> None:
                    if env.is_running():
                        sleep(wait_seconds)

                replace(wait_function.WaitFunction, "_wait_interval", wait)
                replace(retrier_decl, "time", type("Clock", (), {"sleep": staticmethod(sleep)}))
            yield
    finally:
        default_user_config["stepfunctions"]["execute_state_machine"] = before
