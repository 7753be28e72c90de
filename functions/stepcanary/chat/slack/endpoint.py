"""Endpoint: verify Slack's signature on what comes in from a public URL, and dispatch it."""

import base64
import hmac
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from slack_bolt.adapter.aws_lambda import SlackRequestHandler
from slack_bolt.adapter.aws_lambda.lazy_listener_runner import LambdaLazyListenerRunner
from slack_sdk.signature import SignatureVerifier

from stepcanary import clock
from stepcanary.aws import clients
from stepcanary.aws.secretsmanager import slack_secret
from stepcanary.chat.slack import app
from stepcanary.contracts.answers import HttpAnswer
from stepcanary.errors import AwsUnavailable
from stepcanary.observability import logger
from stepcanary.store import settings

Event = dict[str, Any]

LONGEST_BODY = 100_000
LONGEST_AGE_SECONDS = 300
"""See https://docs.slack.dev/authentication/verifying-requests-from-slack"""
OWN_SECONDS = 300
"""How long Lambda may keep the function's own invocation, as template.yaml says."""
OWN_HEADERS = "x-slack-bolt-"
"""Bolt gives these to the function's own invocation; from outside they would skip the listener."""


class Refused(Exception):
    """`status` is HTTP's."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def answer(event: Event, context: LambdaContext) -> HttpAnswer:
    """The answer to a function URL's event. Never an exception, and a stranger learns nothing."""
    try:
        return _dispatch(_checked_as_one(event), context)
    except Refused as refused:
        logger.warning("request refused", extra={"cause": str(refused)})
        return _plain(refused.status, str(refused))
    except AwsUnavailable:
        logger.exception("request could not be checked")
        return _plain(503, "try again")


def _dispatch(event: Event, context: LambdaContext) -> HttpAnswer:
    try:
        handler = _handler()
        handler.app.listener_runner.lazy_listener_runner = LambdaLazyListenerRunner(
            logger,  # type: ignore[arg-type]
            clients.awslambda(),
        )
        response: Event = handler.handle(event, context)  # type: ignore[no-untyped-call]
    except Exception as error:
        # Signed by Slack, but not a payload that we know.
        logger.exception("request not understood")
        raise Refused(400, "not understood") from error
    if response["statusCode"] >= 500:
        logger.error("request not answered", extra={"response": response})
        return _plain(200, "The request failed; see the log of the function AnswerSlack.")
    return HttpAnswer(
        status_code=response["statusCode"], headers=response["headers"], body=response["body"]
    )


def _checked_as_one(event: Event) -> Event:
    try:
        return _checked(event)
    except (Refused, AwsUnavailable):
        raise
    except Exception as error:
        # No event of a function URL has such a shape.
        raise Refused(400, "not understood") from error


def _checked(event: Event) -> Event:
    """The event with its body as text. Raises `Refused`."""
    method = event.get("requestContext", {}).get("http", {}).get("method")
    if method != "POST":
        raise Refused(405, "POST only")
    headers = {str(name).lower(): str(value) for name, value in event.get("headers", {}).items()}
    body = _text_of(event)
    # Bolt says so in what the function sends itself; no URL's event can.
    own = event.get("method") == "NONE"
    longest_age = LONGEST_AGE_SECONDS + (OWN_SECONDS if own else 0)
    if not _is_signed(body, headers, longest_age):
        raise Refused(401, "not signed by Slack, or too long ago")
    if not own:
        headers = {n: value for n, value in headers.items() if not n.startswith(OWN_HEADERS)}
    return {**event, "headers": headers, "body": body, "isBase64Encoded": False}


def _text_of(event: Event) -> str:
    body = event.get("body") or ""
    if len(body) > LONGEST_BODY:
        raise Refused(413, "too long")
    if not event.get("isBase64Encoded"):
        return str(body)
    try:
        return base64.b64decode(body, validate=True).decode()
    except ValueError as error:
        raise Refused(400, "not text") from error


def _is_signed(body: str, headers: dict[str, str], longest_age: int) -> bool:
    """Whether Slack signed it, at most so many seconds ago; its clock may be ahead of ours."""
    timestamp = headers.get("x-slack-request-timestamp", "")
    signature = headers.get("x-slack-signature", "")
    if not (timestamp.isascii() and timestamp.isdecimal() and signature.isascii()):
        # int() and compare_digest would fail on them.
        return False
    age = clock.now().timestamp() - int(timestamp[:20])
    if not -LONGEST_AGE_SECONDS <= age <= longest_age:
        return False
    secret = slack_secret(settings.of_stack().slack_secret).signing_secret.get_secret_value()
    expected = SignatureVerifier(secret).generate_signature(timestamp=timestamp[:20], body=body)
    return expected is not None and hmac.compare_digest(expected, signature)


@cache
def _handler() -> SlackRequestHandler:
    return SlackRequestHandler(app.build())


def _plain(status: int, words: str) -> HttpAnswer:
    return HttpAnswer(status_code=status, headers={"content-type": "text/plain"}, body=words)
