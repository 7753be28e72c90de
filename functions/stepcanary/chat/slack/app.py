"""App: acknowledge each request of Slack at once, then run what it wants.

Slack waits three seconds for the acknowledgement. The work is a lazy listener: the function invokes
itself with the same request. An execution's name is made of the request's signature, so that work
that is delivered twice is done once.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App, BoltRequest, Respond
from slack_bolt.authorization import AuthorizeResult

from stepcanary.chat.slack.blocks import DECIDE, decided
from stepcanary.chat.slack.commands import named, parse_command, parse_decision
from stepcanary.chat.slack.executions import Reply, run
from stepcanary.chat.wording import escaped
from stepcanary.domain.request import ActionRequest, Request
from stepcanary.errors import RequestRejected
from stepcanary.observability import logger

Body = dict[str, Any]


def build() -> App:
    """Without Bolt's own check of the signature: the endpoint has checked it."""
    app = App(
        signing_secret="checked-by-the-endpoint",  # noqa: S106
        authorize=_authorize,
        process_before_response=True,
        request_verification_enabled=False,
    )
    app.command(re.compile(".*"))(ack=_acknowledge_command, lazy=[_run_command])
    app.action(re.compile(f"^{DECIDE}"))(ack=_acknowledge_decision, lazy=[_run_decision])
    return app


def _authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    """No token is needed to answer through a `response_url`, so none is looked up."""
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)


def _acknowledge_command(ack: Ack, body: Body) -> None:
    try:
        request = _commanded(body)
    except RequestRejected as rejected:
        ack(escaped(str(rejected)))
        return
    ack(escaped(f"{request.action} {request.service} …"))


def _acknowledge_decision(ack: Ack) -> None:
    ack()


def _run_command(body: Body, request: BoltRequest, respond: Respond) -> None:
    try:
        commanded = _commanded(body)
    except RequestRejected:
        # The acknowledgement says so.
        return
    user = body["user_id"]
    reply = _work(lambda: run(commanded, user, _name_of(request)), respond)
    if reply is None:
        return
    if commanded.action == "status" or not reply.done:
        respond(f"```{escaped(reply.words)[:2_900]}```")
        return
    respond(f"<@{user}>: {escaped(reply.words)[:2_900]}", response_type="in_channel")


def _run_decision(body: Body, request: BoltRequest, respond: Respond) -> None:
    user = body["user"]["id"]
    value = body["actions"][0]["value"]

    def decide() -> Reply:
        decision = parse_decision(value, named(user, body["user"].get("username", "")))
        return run(decision, user, _name_of(request))

    reply = _work(decide, respond)
    if reply is None:
        return
    if not reply.done:
        _say_privately(respond, reply.words)
        return
    action = body["actions"][0]["action_id"].removeprefix(DECIDE)
    respond(
        text=escaped(reply.words),
        blocks=decided(body["message"]["blocks"], action, user),
        replace_original=True,
    )


def _work(work: Callable[[], Reply], respond: Respond) -> Reply | None:
    """None for what was rejected, of which only its author is told."""
    try:
        return work()
    except RequestRejected as rejected:
        logger.warning("refused", extra={"cause": str(rejected)})
        _say_privately(respond, str(rejected))
    return None


def _say_privately(respond: Respond, words: str) -> None:
    respond(escaped(words)[:2_900], response_type="ephemeral", replace_original=False)


def _commanded(body: Body) -> Request | ActionRequest:
    by = named(body["user_id"], body.get("user_name", ""))
    return parse_command(body.get("text", ""), by)


def _name_of(request: BoltRequest) -> str:
    """An execution's: of one request always the same."""
    (signature,) = request.headers["x-slack-signature"]
    return f"slack-{hashlib.sha256(signature.encode()).hexdigest()[:40]}"
