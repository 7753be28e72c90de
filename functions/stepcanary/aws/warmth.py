"""Warmth: those who bring traffic home need no cold start, for the sweep calls them each minute."""

import json
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.environment import kept_warm
from stepcanary.errors import AwsRefused, AwsUnavailable

WARM = {"warm": True}
"""The event that asks for nothing."""

Handler = Callable[[Any, Any], Any]


def keep_warm() -> None:
    """What cannot be called now is only slower."""
    for function in kept_warm():
        with suppress(AwsRefused, AwsUnavailable):
            _touch(function)


@aws_failures
def _touch(function: str) -> None:
    clients.awslambda().invoke(
        FunctionName=function, InvocationType="Event", Payload=json.dumps(WARM)
    )


def may_be_warmed(handler: Handler) -> Handler:
    """A handler that makes the clients it will need when it is called for nothing else."""

    @wraps(handler)
    def warmed(event: Any, context: Any) -> Any:
        if event != WARM:
            return handler(event, context)
        for client in (clients.dynamodb, clients.stepfunctions, clients.elbv2):
            client()
        return {}

    return warmed
