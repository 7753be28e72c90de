"""App: acknowledge each request of Slack at once, then run what it wants.

Slack waits three seconds for the acknowledgement. The work is a lazy listener: the function invokes
itself with the same request. An execution's name is made of the request's signature, so that work
that is delivered twice is done once. Only members of one workspace are obeyed.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App, BoltRequest, Respond
from slack_bolt.authorization import AuthorizeResult

from stepcanary.chat.slack.blocks import DECIDE, decided
from stepcanary.chat.slack.commands import named, parse_command, parse_decision
from stepcanary.chat.slack.executions import Reply, Source, run
from stepcanary.chat.wording import code, escaped
from stepcanary.domain.request import ActionRequest, Request
from stepcanary.errors import RequestRejected
from stepcanary.observability import logger
from stepcanary.store import settings

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
    reply = _work(lambda: run(commanded, _source_of(request, user)), respond)
    if reply is None:
        return
    if commanded.action == "status" or not reply.done:
        respond(code(reply.words))
        return
    respond(f"<@{user}>: {escaped(reply.words)[:2_900]}", response_type="in_channel")


def _run_decision(body: Body, request: BoltRequest, respond: Respond) -> None:
    user = body["user"]["id"]
    value = body["actions"][0]["value"]

    def decide() -> Reply:
        _require_own_team(body)
        decision = parse_decision(value, named(user, body["user"].get("username", "")))
        return run(decision, _source_of(request, user))

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
    _require_own_team(body)
    by = named(body["user_id"], body.get("user_name", ""))
    return parse_command(body.get("text", ""), by)


def _require_own_team(body: Body) -> None:
    """In a shared channel, or where the app is installed twice, others can ask as well: a command
    names their workspace, a click the app's and theirs. Raises `RequestRejected`."""
    user, team = body.get("user"), body.get("team")
    teams = [body.get("team_id")]
    teams += [team.get("id")] if isinstance(team, dict) else []
    teams += [user.get("team_id")] if isinstance(user, dict) else []
    theirs = {each for each in teams if each}
    if theirs != {settings.of_stack().slack_team}:
        raise RequestRejected(
            f"this app obeys the members of one workspace, and you are of {_listed(theirs)}; the"
            " parameter SlackTeamId of the stack says which"
        )


def _listed(teams: set[str]) -> str:
    return " and ".join(sorted(teams)) or "none"


def _source_of(request: BoltRequest, user: str) -> Source:
    """Of one request always the same, because all of it is signed."""
    (signature,) = request.headers["x-slack-signature"]
    (timestamp,) = request.headers["x-slack-request-timestamp"]
    name = f"slack-{hashlib.sha256(signature.encode()).hexdigest()[:40]}"
    return Source(user, int(timestamp), name)
