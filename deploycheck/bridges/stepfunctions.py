"""Step Functions: time-outs, outputs, failed callbacks, and executions that are stopped."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from ministack.services import stepfunctions

Json = dict[str, Any]

_task = stepfunctions._execute_task
_output = stepfunctions._apply_output_path
_callback = stepfunctions._invoke_with_callback
_call = stepfunctions._call_lambda
_sub_machine = stepfunctions._run_sub_machine
_fail = stepfunctions._fail_execution
_waiting = threading.local()


@contextmanager
def crossed() -> Iterator[None]:
    with (
        patch.object(stepfunctions, "_execute_task", _with_timeout),
        patch.object(stepfunctions, "_apply_output_path", _with_output),
        patch.object(stepfunctions, "_invoke_with_callback", _noting_token),
        patch.object(stepfunctions, "_call_lambda", _failing_callback),
        patch.object(stepfunctions, "_run_sub_machine", _watched),
        patch.object(stepfunctions, "_fail_execution", _unless_stopped),
    ):
        yield


def _with_timeout(state: Json, given: Any, execution: Json, context: Json) -> Any:
    """AWS: TimeoutSeconds may be an expression. MiniStack: takes its text for a number."""
    if isinstance(state.get("TimeoutSeconds"), str):
        evaluated = stepfunctions._jsonata_state_field(
            state, "TimeoutSeconds", "number", given, context
        )
        state = {**state, "TimeoutSeconds": evaluated}
    return _task(state, given, execution, context)


def _with_output(state: Json, data: Any, context: Json | None = None) -> Any:
    """AWS: a Succeed state has an Output as others have. MiniStack: passes its input on."""
    if state.get("Type") == "Succeed" and "Output" in state:
        return stepfunctions._apply_jsonata_output(state, data, context, default=data)
    return _output(state, data, context)


def _noting_token(resource: str, given: Any, token: str, state: Json) -> Any:
    _waiting.token = token
    try:
        return _callback(resource, given, token, state)
    finally:
        _waiting.token = None


def _failing_callback(reference: str, event: Any) -> Any:
    """AWS: a function that fails fails the state that waits for its callback. MiniStack: the state
    goes on waiting for one that never comes."""
    try:
        return _call(reference, event)
    except stepfunctions._ExecutionError as error:
        waiting = stepfunctions._task_tokens.get(getattr(_waiting, "token", None))
        if waiting is not None:
            waiting["error"] = {"Error": error.error, "Cause": error.cause}
            waiting["event"].set()
        raise


def _watched(states: Json, start: str, given: Any, execution: Json, context: Json) -> Any:
    return _sub_machine(_Watched(states, execution), start, given, execution, context)


class _Watched(dict[str, Json]):
    """The states of a branch, which MiniStack gets one by one as it enters them.

    AWS: the states of branches are in the history. MiniStack: only those outside of branches are.
    AWS: a branch ends when its execution is stopped. MiniStack: it runs to its end.
    """

    def __init__(self, states: Json, execution: Json) -> None:
        super().__init__(states)
        self._execution = execution

    def get(self, name: str, default: Any = None) -> Any:
        if self._execution["status"] != "RUNNING":
            raise stepfunctions._ExecutionError("States.Stopped", "the execution was stopped")
        state = super().get(name, default)
        if state:
            details = {"stateEnteredEventDetails": {"name": name}}
            stepfunctions._add_event(self._execution, f"{state['Type']}StateEntered", details)
        return state


def _unless_stopped(execution: Json, error: str, cause: str) -> None:
    """AWS: what was stopped is stopped. MiniStack: an error in what still runs makes it FAILED."""
    if execution["status"] == "RUNNING":
        _fail(execution, error, cause)
