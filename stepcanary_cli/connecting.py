"""Connecting: to the stack that is meant, with the session, Region and credentials that are."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ProfileNotFound

from stepcanary.domain.questions import function_of
from stepcanary.version import VERSION
from stepcanary_cli.failures import (
    NOT_CONFIGURED,
    Failure,
    Garbled,
    Lost,
    Misuse,
    Refused,
    explained,
    unusable,
)
from stepcanary_cli.outcomes import Answer
from stepcanary_cli.patience import FAILURES, Patience

STACK = "stepcanary"
# What is down is told within two seconds; `Patience` tries again where that is worth it.
CONFIG = Config(connect_timeout=1.5, read_timeout=40, retries={"total_max_attempts": 1})
FUNCTION_PASSES = {"AwsUnavailable", "AwsThrottled", "Sandbox.Timedout"}
"""Errors of the function that time mends."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the stack is, as far as the command line says so."""

    state_machine: str = ""
    stack: str = ""
    region: str = ""
    aws_profile: str = ""
    patience_seconds: float = 60.0


class Connection:
    """To one stack. `say` is told what is no answer."""

    def __init__(self, place: Place, say: Callable[[str], None]) -> None:
        self._place, self._say = place, say
        self._patience = Patience(place.patience_seconds, say)
        self._warned = False

    @cached_property
    def session(self) -> boto3.Session:
        # boto3 does not read AWS_REGION, which the AWS CLI does.
        region = self._place.region or os.environ.get("AWS_REGION") or None
        try:
            return boto3.Session(profile_name=self._place.aws_profile or None, region_name=region)
        except ProfileNotFound as error:
            raise explained(error) from error

    def client(self, service: str, region: str = "") -> Any:
        region = region or self.session.region_name or ""
        if not region:
            raise Misuse(
                "no Region: give --region, or set AWS_REGION, or keep one with"
                " `aws configure set region REGION`"
            )
        with _set_up():
            return self.session.client(service, region_name=region, config=CONFIG)  # type: ignore[call-overload]

    def call(self, do: Callable[..., Any], *, has: str = "", **given: Any) -> Any:
        """What AWS answers, which always `has` this. Raises a `Failure` that says what to do."""

        def answered() -> Any:
            try:
                answer = do(**given)
                if has:
                    answer[has]
            except KeyError as lacking:
                raise Garbled(
                    f"an answer was cut off, or is not its own: no {lacking}"
                ) from lacking
            return answer

        with _set_up():
            return self._patience.call(answered)

    @cached_property
    def machine(self) -> str:
        """The ARN of the state machine: `--stack` beats $STATE_MACHINE."""
        place = self._place
        if place.state_machine and place.stack:
            raise Misuse("--state-machine and --stack both say which stack; give one of them")
        named = place.state_machine or ("" if place.stack else os.environ.get("STATE_MACHINE", ""))
        if not named:
            return self._output("ReleaseStateMachineArn")
        try:
            function_of(named)
        except ValueError as error:
            raise Misuse(f"--state-machine, $STATE_MACHINE: {error}") from error
        if place.region not in ("", region := named.split(":")[3]):
            raise Misuse(
                f"--region {place.region}: the state machine {named} is in {region}; give --stack"
                " to look for another one, or leave --region out"
            )
        return named

    @property
    def region(self) -> str:
        """The stack's own."""
        return self.machine.split(":")[3]

    @cached_property
    def sfn(self) -> Any:
        return self.client("stepfunctions", self.region)

    def _output(self, key: str) -> str:
        name = self._place.stack or STACK
        client = self.client("cloudformation")
        try:
            stacks = self.call(client.describe_stacks, has="Stacks", StackName=name)["Stacks"]
        except Misuse as misuse:
            cause = misuse.__cause__
            is_missing = (
                isinstance(cause, ClientError)
                and cause.response["Error"].get("Code") == "ValidationError"
            )
            if not is_missing:
                raise
            raise Misuse(
                f"there is no stack {name} in {client.meta.region_name}: give --stack and --region,"
                " or set STATE_MACHINE to the stack's output ReleaseStateMachineArn"
            ) from misuse
        for output in stacks[0].get("Outputs", []):
            if output["OutputKey"] == key:
                return str(output["OutputValue"])
        raise Misuse(f"stack {name} has no output {key}; is it stepcanary's, and up to date?")

    def start(self, request: Answer, name: str) -> str:
        """The execution's ARN. To start it again under its name is to start it once."""
        sfn = self.sfn
        execution = f"{self.machine.replace(':stateMachine:', ':execution:')}:{name}"
        try:
            answer = self.call(
                sfn.start_execution,
                has="executionArn",
                stateMachineArn=self.machine,
                name=name,
                input=json.dumps(request),
            )
        except Misuse as misuse:
            if not isinstance(misuse.__cause__, sfn.exceptions.ExecutionAlreadyExists):
                raise
            # The answer to the first try was lost, and it has ended since.
            return execution
        except Lost as lost:
            raise Lost(
                f"{lost}. It may have been started all the same:"
                f" `stepcanary watch {execution}` tells"
            ) from lost
        return str(answer["executionArn"])

    def describe(self, execution: str) -> Answer:
        sfn = self.sfn
        try:
            described: Answer = self.call(
                sfn.describe_execution, has="status", executionArn=execution
            )
        except Misuse as misuse:
            if not isinstance(misuse.__cause__, sfn.exceptions.ExecutionDoesNotExist):
                raise
            raise Misuse(
                f"there is no execution {execution}; `stepcanary history SERVICE` lists releases"
            ) from misuse
        return described

    def ask(self, question: Answer) -> Answer:
        """The answer to a question. Raises `Refused` where it is not accepted."""
        answer = self.put(question)
        if not answer["accepted"]:
            raise Refused(str(answer["cause"]))
        found: Answer = answer["answer"]
        return found

    def put(self, question: Answer) -> Answer:
        """Put a question to the stack: whether it is `accepted`, with `answer` or `cause`."""
        client = self.client("lambda", self.region)
        function = function_of(self.machine)
        try:
            answer: Answer = self.call(
                _answered, client=client, function=function, question=question
            )
        except Misuse as misuse:
            if not isinstance(misuse.__cause__, client.exceptions.ResourceNotFoundException):
                raise
            raise Misuse(
                f"there is no function {function}: the stack is not there, or older than this"
                " command, which asks it; deploy the stack's current version"
            ) from misuse
        self._compare(str(answer.get("version", "")))
        return answer

    def _compare(self, theirs: str) -> None:
        if not self._warned and theirs and _major(theirs) != _major(VERSION):
            self._say(
                f"warning: the stack is version {theirs} and this command {VERSION}; install the"
                " command of the stack's version"
            )
            self._warned = True


@contextmanager
def _set_up() -> Iterator[None]:
    """The SDK's own errors are told elsewhere; these are what it does not catch itself."""
    try:
        yield
    except FAILURES:
        raise
    except NOT_CONFIGURED as error:
        raise unusable(error) from error


def _major(version: str) -> str:
    return version.partition(".")[0]


def _answered(client: Any, function: str, question: Answer) -> Answer:
    answer = client.invoke(FunctionName=function, Payload=json.dumps(question))
    text = answer["Payload"].read()
    try:
        payload = json.loads(text)
    except ValueError:
        payload = None
    match payload:
        case {"accepted": True, "answer": dict()} | {"accepted": False, "cause": str()}:
            return dict(payload)
    if not isinstance(payload, dict) or "FunctionError" not in answer:
        raise Failure(
            f"what {function} answers is no answer to a question: {text[:200]!s}; is it the"
            " function of a stack of stepcanary?"
        )
    kind, message = payload.get("errorType", ""), payload.get("errorMessage", "")
    if kind in FUNCTION_PASSES:
        raise Lost(f"AWS does not answer the stack: {message}. Try again")
    raise Failure(f"the stack's function has failed: {kind}: {message}; see the log of {function}")
