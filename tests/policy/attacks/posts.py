"""Posts to the public URL: forged, old or from people who may not."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

from slack_sdk.signature import SignatureVerifier

from sandbox.slack import Document, signed, url_event
from tests.policy.attacks.kinds import Attack, Layer, Post
from tests.slack.conftest import JANE, JOHN, STRANGER, Workspace

OLD_SECONDS = 301

Made = Callable[[Workspace], Document]


def commanded(text: str, user: str = JANE, age: int = 0) -> Made:
    """Signed by Slack, so many seconds ago."""
    return lambda slack: signed(
        slack.command_body(text, user), slack.here.clock.now().timestamp() - age
    )


def _unsigned(slack: Workspace) -> Document:
    return url_event(slack.command_body("status checkout"), {})


def _from_itself(slack: Workspace) -> Document:
    return {**_unsigned(slack), "method": "NONE"}


def _with_another_secret(slack: Workspace) -> Document:
    body = slack.command_body("status checkout")
    stamp = str(int(slack.here.clock.now().timestamp()))
    signature = SignatureVerifier("guessed").generate_signature(timestamp=stamp, body=body)
    assert signature is not None
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}
    return url_event(body, headers)


def _altered(slack: Workspace) -> Document:
    event = commanded("status checkout", STRANGER)(slack)
    body = {**dict(parse_qsl(event["body"])), "user_id": JANE}
    return {**event, "body": urlencode(body)}


def _post(name: str, layer: Layer, made: Made) -> Attack:
    return Attack(name, layer, Post(made))


BY_POST = [
    _post("a command that nobody signed", "signature", _unsigned),
    _post("a command as the function sends itself", "signature", _from_itself),
    _post("a command that somebody else signed", "signature", _with_another_secret),
    _post("a command of another user", "signature", _altered),
    _post("an old command", "signature", commanded("status checkout", age=OLD_SECONDS)),
    Attack(
        "a command, sent again", "signature", Post(commanded("promote checkout", JOHN), again=True)
    ),
    _post("promote, by a stranger", "allow-list", commanded("promote checkout", STRANGER)),
    _post("revert, by a stranger", "allow-list", commanded("revert checkout", STRANGER)),
    _post(
        "release, by a stranger", "allow-list", commanded("release checkout app=shop:v2", STRANGER)
    ),
    _post("shift, by somebody who may look", "allow-list", commanded("shift checkout 100", JANE)),
]
