"""Step Functions: start an execution, see whether it runs, end its wait."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stepcanary import clock
from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.published import Pinned, Running, versions_named
from stepcanary.domain.signals import Signal

ALIVE = ("RUNNING", "PENDING_REDRIVE")


@aws_failures
def status_of(execution: str) -> str | None:
    """AWS's word for it (`RUNNING`, `FAILED`, ...); None where there is no such execution. See
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
    """
    try:
        answer = clients.stepfunctions().describe_execution(executionArn=execution)
    except clients.stepfunctions().exceptions.ExecutionDoesNotExist:
        return None
    return answer["status"]


@aws_failures
def running_since(execution: str) -> int | None:
    """When it was started, in epoch milliseconds; None for one that runs no more. One that AWS does
    not know yet has begun just now."""
    try:
        answer = clients.stepfunctions().describe_execution(executionArn=execution)
    except clients.stepfunctions().exceptions.ExecutionDoesNotExist:
        return clock.epoch_seconds() * 1_000
    if answer["status"] != "RUNNING":
        return None
    return int(answer["startDate"].timestamp() * 1_000)


@aws_failures
def running_executions(machine: str) -> frozenset[str]:
    """ARNs of the executions of a state machine that run, a thousand to a call. One that is not
    there may be alive all the same: it has just begun, or waits for its redrive."""
    pages = clients.stepfunctions().get_paginator("list_executions")
    found = pages.paginate(
        stateMachineArn=machine, statusFilter="RUNNING", PaginationConfig={"PageSize": 1_000}
    )
    return frozenset(each["executionArn"] for page in found for each in page["executions"])


@aws_failures
def running(machine: str) -> list[Running]:
    """The executions of a state machine that run, each with its beginning."""
    pages = clients.stepfunctions().get_paginator("list_executions")
    found = pages.paginate(
        stateMachineArn=machine, statusFilter="RUNNING", PaginationConfig={"PageSize": 1_000}
    )
    return [
        Running(each["executionArn"], each["startDate"])
        for page in found
        for each in page["executions"]
    ]


@aws_failures
def definition_of(machine: str) -> str:
    """The definition that an execution would have which began now."""
    return clients.stepfunctions().describe_state_machine(stateMachineArn=machine)["definition"]


@aws_failures
def pinned_by(execution: str) -> Pinned | None:
    """What the definition names that an execution has until its end; None where there is no such
    execution. See
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeStateMachineForExecution.html
    """
    sfn = clients.stepfunctions()
    try:
        answer = sfn.describe_state_machine_for_execution(executionArn=execution)
    except sfn.exceptions.ExecutionDoesNotExist:
        return None
    return Pinned(versions_named(answer["definition"]), answer["updateDate"])


@aws_failures
def started_before(execution: str, moment: datetime, seconds: int) -> int | None:
    """When the execution was started, in epoch seconds, if something that happened at this moment
    came after it: it had ended by then, and been started so many seconds before at least."""
    try:
        answer = clients.stepfunctions().describe_execution(executionArn=execution)
    except clients.stepfunctions().exceptions.ExecutionDoesNotExist:
        # It has just begun.
        return None
    started, ended = answer["startDate"], answer.get("stopDate")
    late = (moment - started).total_seconds() > seconds
    return int(started.timestamp()) if ended is not None and ended < moment and late else None


@aws_failures
def start(machine: str, name: str, request: dict[str, Any]) -> str:
    """Start the state machine with this ARN, once per name; the execution's ARN.

    StartExecution itself is idempotent only while the execution runs and its input is the same. See
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """
    sfn = clients.stepfunctions()
    try:
        answer = sfn.start_execution(stateMachineArn=machine, name=name, input=json.dumps(request))
    except sfn.exceptions.ExecutionAlreadyExists:
        return arn_of(machine, name)
    return answer["executionArn"]


def arn_of(machine: str, name: str) -> str:
    """Of the execution that has this name."""
    return f"{machine.replace(':stateMachine:', ':execution:')}:{name}"


@dataclass(frozen=True, slots=True)
class End:
    """`output` is what it answers; empty where it failed with this `error` and `cause`."""

    output: dict[str, Any]
    error: str = ""
    cause: str = ""


@aws_failures
def end_of(execution: str) -> End | None:
    """None while it runs."""
    answer = clients.stepfunctions().describe_execution(executionArn=execution)
    if answer["status"] == "RUNNING":
        return None
    if answer["status"] == "SUCCEEDED":
        return End(json.loads(answer["output"]))
    return End({}, answer.get("error", answer["status"]), answer.get("cause", "no cause"))


@aws_failures
def end_wait(token: str, signal: Signal) -> bool:
    """Hand the signal to the state that waits; False when it waits no more. See
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
    """
    sfn = clients.stepfunctions()
    output = json.dumps({"kind": signal.kind, "message": str(signal)})
    try:
        sfn.send_task_success(taskToken=token, output=output)
    except (
        sfn.exceptions.TaskTimedOut,
        sfn.exceptions.TaskDoesNotExist,
        sfn.exceptions.InvalidToken,
    ):
        return False
    return True
