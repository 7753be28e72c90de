"""Step Functions: how executions are named, wait for a task token, end and are looked at."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from moto.core.exceptions import AWSError
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.stepfunctions.exceptions import InvalidToken
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackConsumerLeft,
    CallbackOutcomeSuccess,
    CallbackOutcomeTimedOut,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from emulator.awslambda import Invoker
from emulator.clock import Clock

STOP_SECONDS = 0.2
"""How soon an execution that waits for a token, in real time, notices that it was stopped."""

OnEnd = Callable[[str, str], None]
"""Called with the ARN and the status of an execution that has ended."""


class TaskTimedOut(AWSError):
    TYPE = "TaskTimedOut"
    STATUS = 400


@contextmanager
def filled(invoker: Invoker, clock: Clock | None, on_end: OnEnd) -> Iterator[None]:
    """AWS: a Lambda task invokes the function. moto: runs it in Docker; here `invoker` calls it.

    With `clock`, the time-outs of task tokens pass on it.
    """
    token_task = state_task_service_callback.StateTaskServiceCallback
    with ExitStack() as patches:
        for target, name, by in (
            (lambda_eval_utils, "boto_client_for", lambda **_: invoker),
            (StepFunctionsParserBackend, "start_execution", _start_execution()),
            (StepFunctionsParserBackend, "send_task_success", _send_task_success),
            (StepFunctionResponse, "describe_state_machine_for_execution", _definition_kept),
            (StepFunctionResponse, "stop_execution", _stop_execution),
            (StepFunctionResponse, "describe_execution", _describe_execution()),
            (StepFunctionResponse, "get_execution_history", _get_execution_history),
            (token_task, "_eval_wait_for_task_token", _wait_for_task_token(clock)),
            (Environment, "set_error", _set_error()),
            (BaseExecutionWorkerCommunication, "terminated", _terminated(on_end)),
        ):
            patches.enter_context(patch.object(target, name, by))
        yield


def _start_execution() -> Any:
    """AWS: names an execution that was given no name. moto: calls it `None`, so two are one."""
    start_execution = StepFunctionsParserBackend.start_execution

    def start_named(
        self: Any, state_machine_arn: str, name: str | None = None, *rest: Any, **more: Any
    ) -> Any:
        name = name or str(uuid.uuid4())
        return start_execution(self, state_machine_arn, name, *rest, **more)

    return start_named


def _definition_kept(self: Any) -> ActionResult:
    """AWS: the definition that the execution began with. moto: that of its state machine now."""
    arn = self._get_param("executionArn")
    machine = self.stepfunction_backend.describe_execution(arn).state_machine
    return ActionResult(
        {
            "stateMachineArn": machine.arn,
            "name": machine.name,
            "definition": machine.definition,
            "roleArn": machine.roleArn,
            "updateDate": machine.update_date,
        }
    )


def _stop_execution(self: Any) -> ActionResult:
    """AWS: keeps why, and says when. moto: forgets the one and may not know the other."""
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    now = utcnow()
    error, cause = self._get_param("error"), self._get_param("cause")
    execution.stop(stop_date=now, error=error, cause=cause)
    return ActionResult({"stopDate": execution.stop_date or now})


def _describe_execution() -> Any:
    """AWS: says when each execution ended. moto: not of one that timed out."""
    describe_execution = StepFunctionResponse.describe_execution

    def with_stop_date(self: Any) -> ActionResult:
        answer: ActionResult = describe_execution(self)
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        if execution.status == ExecutionStatus.TIMED_OUT:
            described: Any = answer.result
            described["stopDate"] = execution.stop_date
        return answer

    return with_stop_date


def _get_execution_history(self: Any) -> ActionResult:
    """AWS: gives pages, and the newest first on wish. moto: all there is, the oldest first. Here
    there are pages where the caller says how large."""
    history = self.stepfunction_backend.get_execution_history(self._get_param("executionArn"))
    events = list(history["events"])
    if self._get_param("reverseOrder"):
        events.reverse()
    begin = int(self._get_param("nextToken") or 0)
    end = begin + (self._get_int_param("maxResults") or len(events))
    more = {"nextToken": str(end)} if end < len(events) else {}
    return ActionResult({"events": events[begin:end], **more})


def _send_task_success(self: Any, task_token: str, outcome: str) -> None:
    """AWS: takes a task token once, not after its time-out, and not for an ended execution.

    moto: still accepts one that has expired, and its own refusal fails to be raised.
    """
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


def _wait_for_task_token(clock: Clock | None) -> Any:
    """AWS: a stopped execution stops at once. moto: sleeps on until the token's time-out."""

    def wait_for_task_token(
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

    return wait_for_task_token


def _set_error() -> Any:
    """AWS: a stopped execution ends as ABORTED. moto: as FAILED, if its state fails."""
    set_error = Environment.set_error

    def set_error_unless_stopped(self: Any, error: Any) -> None:
        if not isinstance(self.program_state(), ProgramStopped):
            set_error(self, error)

    return set_error_unless_stopped


def _terminated(on_end: OnEnd) -> Any:
    """AWS: sends an event to EventBridge when an execution ends. moto: sends none."""
    terminated = BaseExecutionWorkerCommunication.terminated

    def terminated_and_reported(self: Any) -> None:
        state = self.execution.exec_worker.env.program_state()
        if isinstance(state, ProgramStopped):
            # moto keeps them in the history only.
            self.execution.error, self.execution.cause = state.error, state.cause
        terminated(self)
        on_end(self.execution.exec_arn, self.execution.status)

    return terminated_and_reported
