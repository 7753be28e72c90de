"""`make account-check`: asks a deployed stack what only an account can tell; changes nothing."""

import argparse
import os
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tools.account.questions import QUESTIONS, Answer, Question
from tools.account.world import ResourceMissing, World

UNKNOWN = {"InvalidAction", "NotImplemented", "UnknownOperationException", "404", "501"}
"""What emulators say to calls that they do not know; AWS knows all of these calls."""
DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}


def main() -> int:
    """2 where the stack is not found, 1 where a question is answered with no."""
    parser = argparse.ArgumentParser(prog="account-check", description=__doc__)
    parser.add_argument("--stack", default="stepcanary")
    given = parser.parse_args()
    try:
        # boto3 does not read AWS_REGION, which the AWS CLI does.
        session = boto3.Session(region_name=os.environ.get("AWS_REGION") or None)
        world = World(given.stack, session)
        where = world.described["StackId"]
    except (BotoCoreError, ClientError) as error:
        print(f"the stack {given.stack} was not found: {error}. Name it with STACK=, and say where")
        print("it is with AWS_PROFILE and AWS_REGION")
        return 2
    calls = sorted({call for question in QUESTIONS for call in question.calls})
    print(f"Asks {where}. Changes nothing. Calls:\n  " + "\n  ".join(calls), flush=True)
    answers = [answered(question, world) for question in QUESTIONS]
    no = sum(answer.kind == "no" for answer in answers)
    open_ones = sum(answer.kind.startswith("not") for answer in answers)
    print(f"\n{no} answered with no, {open_ones} not answered yet; see docs/first-account.md")
    return 1 if no else 0


def answered(question: Question, world: World) -> Answer:
    try:
        answer = question.ask(world)
    except ResourceMissing as missing:
        # An emulator may have less; of a stack that was deployed it is the first question.
        answer = Answer("not known here", str(missing))
    except ClientError as error:
        answer = _of_error(error)
    except BotoCoreError as error:
        answer = Answer("not yet", f"AWS cannot be asked: {error}")
    print(f"{answer.kind:<15}{question.heading}: {answer.text}", flush=True)
    return answer


def _of_error(error: ClientError) -> Answer:
    code = error.response["Error"]["Code"]
    if code in UNKNOWN or error.response["ResponseMetadata"]["HTTPStatusCode"] == 501:
        return Answer("not known here", f"{error.operation_name} is not known here")
    if code in DENIED:
        return Answer("not yet", f"you may not call {error.operation_name}")
    return Answer("no", str(error))


if __name__ == "__main__":
    sys.exit(main())
