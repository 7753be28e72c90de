"""`stepcanary`: release, promote, revert and the rest, and watch a release as it goes.

It only starts executions of the state machine and looks at them, so it can do what the console
can, with the rights of whoever calls it. Exit code 0 only for Released, or for an action done.
"""

import argparse
import getpass
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from stepcanary.domain.names import in_execution_name
from stepcanary_cli.history import lines

SIGNALS = {
    "promote": "end the running bake or gate; a canary whose alarms have fired is still reverted",
    "revert": "send all traffic back to the primary now",
    "retry": "try a failed promotion again",
    "skip": "end this bake now",
    "pause": "keep the canary's weight until the release is resumed",
    "resume": "continue after a pause, or at the gate of a step",
    "withdraw": "take back a release that waits for its turn",
}
LOOK_SECONDS = 1.0
FAILED, MISUSED = 1, 2


class Misuse(Exception):
    """The command line is wrong."""


class Stack:
    """The state machine, by its ARN or through the outputs of the stack."""

    def __init__(self, given: argparse.Namespace) -> None:
        patient = Config(retries={"mode": "adaptive", "total_max_attempts": 10})
        self._sfn: Any = boto3.client("stepfunctions", config=patient)
        self.machine = given.state_machine or os.environ.get("STATE_MACHINE") or _of(given.stack)

    def start(self, request: dict[str, Any], name: str) -> str:
        execution: str = self._sfn.start_execution(
            stateMachineArn=self.machine, name=name, input=json.dumps(request)
        )["executionArn"]
        return execution

    def running(self, service: str, by: str) -> str:
        """The execution that releases the service now, however it was started."""
        request = {"service": service, "action": "status", "by": by}
        ended = self.watch(self.start(request, _name("status", service)), lambda _line: None)
        if ended["status"] != "SUCCEEDED":
            raise Misuse(str(ended.get("cause", ended["status"])))
        for release in json.loads(ended["output"]).get("running", []):
            arn: str = release["execution"]
            return arn
        raise Misuse(
            f"no release of {service} is running; to watch a release that is waiting for its turn,"
            " give its execution ARN"
        )

    def describe(self, execution: str) -> dict[str, Any]:
        described: dict[str, Any] = self._sfn.describe_execution(executionArn=execution)
        return described

    def watch(self, execution: str, say: Callable[[str], None]) -> dict[str, Any]:
        """Say each state as it is entered, until the end."""
        shown = 0
        while True:
            described = self.describe(execution)
            pages = self._sfn.get_paginator("get_execution_history").paginate(
                executionArn=execution
            )
            found = list(lines([event for page in pages for event in page["events"]]))
            for line in found[shown:]:
                weight = "" if line.weight is None else f"canary {line.weight} %"
                say(f"{line.at:%H:%M:%S}  {line.state:<18} {weight}".rstrip())
            shown = len(found)
            if described["status"] != "RUNNING":
                return described
            time.sleep(LOOK_SECONDS)


def _name(command: str, service: str) -> str:
    return f"{command}-{in_execution_name(service)[:40]}-{time.time_ns()}"


def _of(stack: str) -> str:
    outputs = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    for output in outputs.get("Outputs", []):
        if output["OutputKey"] == "ReleaseStateMachineArn":
            return str(output["OutputValue"])
    raise Misuse(f"stack {stack} has no output ReleaseStateMachineArn; is it stepcanary's?")


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may have nobody in it.
        return ""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stepcanary", description=__doc__)
    parser.add_argument("--state-machine", help="its ARN (default: $STATE_MACHINE)")
    parser.add_argument(
        "--stack",
        default="stepcanary",
        help="stack to look up the ARN in",
    )
    parser.add_argument(
        "--by",
        default=_me(),
        help="your name in the ledger, where it is marked as claimed (default: your login)",
    )
    commands = parser.add_subparsers(dest="command", required=True)

    release = commands.add_parser("release", help="release a new version and watch it")
    release.add_argument("service")
    release.add_argument("--image", action="append", default=[], metavar="CONTAINER=IMAGE")
    release.add_argument("--task-definitions", nargs=2, metavar=("PRIMARY", "CANARY"))
    release.add_argument("--profile", type=Path, help="JSON file, in place of the stored one")
    rollback = commands.add_parser("rollback", help="release the previous version again")
    rollback.add_argument("service")
    rollback.add_argument(
        "--to", default="", help="execution of an earlier release whose version comes back"
    )
    for each in (release, rollback):
        each.add_argument("--detach", action="store_true", help="do not watch the release")
    for name, meaning in SIGNALS.items():
        signal = commands.add_parser(name, help=meaning)
        signal.add_argument("service")
        signal.add_argument("--reason", default="")
        signal.add_argument(
            "--execution",
            default="",
            help="signal only this execution",
        )
    shift = commands.add_parser("shift", help="set a weight by hand, between releases")
    shift.add_argument("service")
    shift.add_argument("weight", type=int, help="percent of the traffic for the canary")
    status = commands.add_parser("status", help="show how a service stands")
    status.add_argument("service")
    watch = commands.add_parser("watch", help="follow the release of a service, or an execution")
    watch.add_argument("what", metavar="SERVICE|EXECUTION_ARN")
    return parser


def _request(given: argparse.Namespace) -> dict[str, Any]:
    request: dict[str, Any] = {"service": given.service, "by": given.by}
    if given.command != "release":
        request["action"] = given.command
    for name in ("reason", "execution", "to"):
        if getattr(given, name, ""):
            request[name] = getattr(given, name)
    if given.command == "shift":
        request["weight"] = given.weight
    if given.command == "release":
        for image in given.image:
            container, equals, uri = image.partition("=")
            if not equals:
                raise Misuse(f"--image {image}: write CONTAINER=IMAGE")
            request.setdefault("images", {})[container] = uri
        if given.task_definitions:
            primary, canary = given.task_definitions
            request["task_definitions"] = {"primary": primary, "canary": canary}
        if given.profile:
            request["profile"] = json.loads(given.profile.read_text())
    return request


def run(given: argparse.Namespace, say: Callable[[str], None]) -> int:
    stack = Stack(given)
    if given.command == "watch":
        named = given.what.startswith("arn:")
        arn = given.what if named else stack.running(given.what, given.by)
        return _exit_code(stack.watch(arn, say), say)
    execution = stack.start(_request(given), _name(given.command, given.service))
    if given.command in ("release", "rollback"):
        say(execution)
        return 0 if given.detach else _exit_code(stack.watch(execution, say), say)
    return _exit_code(stack.watch(execution, lambda _line: None), say)


def _exit_code(ended: dict[str, Any], say: Callable[[str], None]) -> int:
    """Say how it ended; the exit code."""
    if ended["status"] == "SUCCEEDED":
        output = json.loads(ended["output"])
        if "outcome" in output:
            say(f"{output['outcome']}: {output['cause']}")
        else:
            say(json.dumps(output, indent=2))
        return 0
    say(f"{ended.get('error', ended['status'])}: {ended.get('cause', 'no cause')}")
    return FAILED


def main() -> int:
    given = _parser().parse_args()
    try:
        return run(given, lambda line: print(line, flush=True))
    except (Misuse, OSError, ValueError) as error:
        print(f"stepcanary: {error}", file=sys.stderr)
        return MISUSED
    except (BotoCoreError, ClientError) as error:
        print(f"stepcanary: AWS says {error}", file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt:
        print(
            "stepcanary: the release continues; `stepcanary watch` shows it",
            file=sys.stderr,
        )
        return 130


if __name__ == "__main__":
    sys.exit(main())
