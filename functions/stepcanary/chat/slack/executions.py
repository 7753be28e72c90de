"""Executions: run one for what somebody wrote or clicked, and say in words what came of it. For a
question there is none: a function answers it."""

import hashlib
import json
import time
from contextlib import suppress
from dataclasses import dataclass

from stepcanary.aws import awslambda, stepfunctions
from stepcanary.aws.stepfunctions import End
from stepcanary.domain.questions import function_of
from stepcanary.domain.request import ActionRequest, Request
from stepcanary.errors import AwsRefused, AwsUnavailable, RequestRejected
from stepcanary.observability import logger
from stepcanary.store import askings, profiles, senders, settings
from stepcanary.store.askings import Asking
from stepcanary.store.senders import Sender

LOOK_SECONDS = 0.5
LONGEST_LOOK_SECONDS = 20.0
RELEASE_LOOK_SECONDS = 5.0
"""A release goes on by itself; only a rejection is worth waiting for."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`done`: True accepted, False refused, None still running."""

    done: bool | None
    words: str


@dataclass(frozen=True, slots=True)
class Source:
    """The request of Slack: by which member, signed at which epoch second. `name` is what its
    execution is called, however often it comes."""

    user_id: str
    at: int
    name: str


def run(request: Request | ActionRequest, source: Source) -> Reply:
    """Run it: a second call gets the same answer, and it is done once. So is what somebody asks
    for twice within a minute, unless it was refused or something else came between.

    Raises `RequestRejected` for what the user may not do.
    """
    service, action = request.service, request.action
    name = source.name
    try:
        _require_allowed(service, action, source.user_id)
        if action == "status":
            return _status(service)
        name = _as_one(service, _asking_of(request, source))
        sender = senders.vouch(name, Sender(request.by))
        request = request.model_copy(update={"by": sender.by})
    except (AwsUnavailable, AwsRefused) as failure:
        return _failed(request, failure, "Nothing was changed")
    try:
        execution = stepfunctions.start(
            settings.of_stack().state_machine,
            name,
            request.model_dump(mode="json", exclude_unset=True),
        )
    except AwsUnavailable as failure:
        # The execution may have been started, and only the answer was lost.
        return _failed(request, failure, f"See `status {service}`")
    except AwsRefused as failure:
        return _failed(request, failure, "Nothing was changed")
    releases = action in ("release", "rollback")
    end = _look(execution, RELEASE_LOOK_SECONDS if releases else LONGEST_LOOK_SECONDS)
    if end is None:
        return Reply(True if releases else None, f"{action} {service}: running as execution {name}")
    return _reply(end)


def _status(service: str) -> Reply:
    """Who only asks needs no execution."""
    function = function_of(settings.of_stack().state_machine)
    answer = awslambda.answer_of(function, {"question": "status", "service": service})
    if not answer["accepted"]:
        return Reply(False, str(answer["cause"]))
    return Reply(True, json.dumps(answer["answer"], indent=1))


def _asking_of(request: Request | ActionRequest, source: Source) -> Asking:
    wanted = request.model_dump(mode="json", exclude_unset=True, exclude={"by"})
    what = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
    return Asking(source.user_id, what, source.at, source.name)


def _as_one(service: str, asking: Asking) -> str:
    """Which execution does it: one that does it already, where this only says it again."""
    last = askings.last(service)
    if last is not None and asking.repeats(last) and not _was_refused(last):
        return last.execution
    if last is not None and asking.at < last.at:
        # It was worked on late, and is not the last.
        return asking.execution
    return asking.execution if askings.keep(service, asking, last) else _as_one(service, asking)


def _was_refused(asking: Asking) -> bool:
    # AWS may not know yet what was started just now.
    with suppress(AwsRefused, AwsUnavailable):
        end = stepfunctions.end_of(
            stepfunctions.arn_of(settings.of_stack().state_machine, asking.execution)
        )
        return end is not None and bool(end.error)
    return False


def _failed(
    request: Request | ActionRequest, failure: AwsUnavailable | AwsRefused, consequence: str
) -> Reply:
    """What AWS said stays in the log."""
    logger.exception("a request of Slack failed")
    unavailable = isinstance(failure, AwsUnavailable)
    why = "AWS did not answer" if unavailable else "AWS refused it"
    advice = "try again" if unavailable else "see the log of the function AnswerSlack"
    return Reply(
        False,
        f"{request.action.capitalize()} of {request.service} failed: {why}"
        f" ({type(failure).__name__}). {consequence}; {advice}.",
    )


def _require_allowed(service: str, action: str, user_id: str) -> None:
    allowed = profiles.stored(service).slack_users
    if not any(
        user_id in users or "*" in users for name, users in allowed.items() if name == action
    ):
        raise RequestRejected(
            f"{action} {service}: you are not allowed to. `slack_users` in the profile of {service}"
            f" lists who is; your member id is {user_id}"
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


def _reply(end: End) -> Reply:
    if end.error:
        return Reply(False, f"{end.error}: {end.cause}")
    return Reply(True, str(end.output.get("did") or end.output.get("cause") or "done"))
