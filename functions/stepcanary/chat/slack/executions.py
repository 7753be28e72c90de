"""Asking: an execution for what somebody wrote or clicked, and what came of it in words."""

import json
import time
from contextlib import suppress
from dataclasses import dataclass

from stepcanary.aws import stepfunctions
from stepcanary.aws.stepfunctions import End
from stepcanary.chat.slack.commands import Document
from stepcanary.errors import AwsRefused, AwsUnavailable, RequestRejected
from stepcanary.store import profiles

LOOK_SECONDS = 0.5
LONGEST_LOOK_SECONDS = 20.0
RELEASE_LOOK_SECONDS = 5.0
"""A release goes on by itself; only a rejection is worth waiting for."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`done` says that it was accepted; None that nobody knows yet."""

    done: bool | None
    words: str


def run(request: Document, user_id: str, name: str) -> Reply:
    """Do it under this execution name: whoever asks again is told the same, and it is done once.

    Raises `RequestRejected` for what the user may not do.
    """
    service, action = str(request["service"]), str(request["action"])
    _require_allowed(service, action, user_id)
    execution = stepfunctions.start(name, request)
    releases = action in ("release", "rollback")
    end = _look(execution, RELEASE_LOOK_SECONDS if releases else LONGEST_LOOK_SECONDS)
    if end is None:
        return Reply(True if releases else None, f"{action} {service}: it runs as {name}")
    return _reply(action, end)


def _require_allowed(service: str, action: str, user_id: str) -> None:
    allowed = profiles.of_service(service).slack_users
    if not any(
        user_id in users or "*" in users for name, users in allowed.items() if name == action
    ):
        raise RequestRejected(
            f"{action} {service}: you may not. `slack_users` in the profile of {service} says who"
            f" may; your member id is {user_id}"
        )


def _look(execution: str, seconds: float) -> End | None:
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        # It was started, and goes on whether it is looked at or not.
        with suppress(AwsUnavailable, AwsRefused):
            if end := stepfunctions.end_of(execution):
                return end
        time.sleep(LOOK_SECONDS)
    return None


def _reply(action: str, end: End) -> Reply:
    if end.error:
        return Reply(False, f"{end.error}: {end.cause}")
    if action == "status":
        return Reply(True, json.dumps(end.output, indent=1))
    return Reply(True, str(end.output.get("did") or end.output.get("cause") or "done"))
