"""Nothing comes in that Slack did not sign a short time ago."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from emulator import template
from sandbox.slack import SECRET, Document, signed, url_event
from stepcanary import clock
from stepcanary.chat.slack.commands import parse_decision
from tests.slack.conftest import JANE, Workspace
from tests.statemachine.runner import World

PUBLISHED = json.loads((template.ROOT / "events/answer_slack.json").read_text())
"""https://docs.slack.dev/authentication/verifying-requests-from-slack has this request, with its
secret and its signature."""
PUBLISHED_SECRET = {"signing_secret": "8f742231b10e8888abcd99yyyzzz85a5", "bot_token": "xoxb-1"}
PUBLISHED_AT = 1_531_420_618


def example(name: str) -> Document:
    found: Document = json.loads((template.ROOT / f"events/{name}.json").read_text())
    return found


@pytest.fixture
def published(here: World, slack: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    here.cloud.secrets["slack"] = json.dumps(PUBLISHED_SECRET)
    at(monkeypatch, PUBLISHED_AT)
    return slack


def at(monkeypatch: pytest.MonkeyPatch, epoch_seconds: int) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime.fromtimestamp(epoch_seconds, UTC))


def send(slack: Workspace, event: Document) -> tuple[int, str]:
    answer = slack.to_function(json.loads(json.dumps(event)))
    return answer["statusCode"], answer["body"]


def test_the_published_request_is_slacks(published: Workspace) -> None:
    status, body = send(published, PUBLISHED)
    assert status == 200
    assert body.startswith("Write one of")


EXAMPLES_AT = 1_795_428_930
"""When the sandbox's workspace signed the examples of a command and of a click."""


@pytest.mark.parametrize(
    ("name", "told"),
    [("answer_slack_command", "status checkout …"), ("answer_slack_button", "")],
)
def test_the_examples_are_signed_and_acknowledged(
    here: World, slack: Workspace, monkeypatch: pytest.MonkeyPatch, name: str, told: str
) -> None:
    at(monkeypatch, EXAMPLES_AT)
    assert send(slack, example(name)) == (200, told)
    assert len(slack.waiting) == 1


def test_the_example_of_a_command_is_answered(here: World, slack: Workspace) -> None:
    fields = dict(parse_qsl(example("answer_slack_command")["body"]))
    assert fields["command"] == "/canary"
    # The answer comes here, and not to Slack.
    slack.send(urlencode({**fields, "response_url": f"{slack.root}/commands/1"}))
    slack.work()
    assert "no release is running" in slack.replies[0]["text"]


def test_the_example_of_a_click_means_its_wait(here: World, slack: Workspace) -> None:
    payload = json.loads(dict(parse_qsl(example("answer_slack_button")["body"]))["payload"])
    (button,) = payload["actions"]
    assert parse_decision(button["value"], JANE).action == "promote"
    payload["response_url"] = f"{slack.root}/commands/1"
    slack.send(urlencode({"payload": json.dumps(payload)}))
    slack.work()
    assert "no release of checkout is running" in json.dumps(slack.replies)


def test_a_body_in_base64_is_decoded_first(published: Workspace) -> None:
    encoded = base64.b64encode(PUBLISHED["body"].encode()).decode()
    assert send(published, {**PUBLISHED, "body": encoded, "isBase64Encoded": True})[0] == 200


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_a_request_of_another_time_is_refused(
    published: Workspace, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    at(monkeypatch, PUBLISHED_AT + seconds)
    assert send(published, PUBLISHED) == (401, "not signed by Slack, or too long ago")


@pytest.mark.parametrize("seconds", [-300, 300])
def test_clocks_may_differ(
    published: Workspace, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    at(monkeypatch, PUBLISHED_AT + seconds)
    assert send(published, PUBLISHED)[0] == 200


@pytest.mark.parametrize(("seconds", "status"), [(-299, 200), (599, 200), (601, 401)])
def test_what_the_function_sends_itself_may_come_later(
    published: Workspace, monkeypatch: pytest.MonkeyPatch, seconds: int, status: int
) -> None:
    at(monkeypatch, PUBLISHED_AT + seconds)
    assert send(published, {**PUBLISHED, "method": "NONE"})[0] == status


def test_every_change_of_the_body_breaks_the_signature(published: Workspace) -> None:
    body = PUBLISHED["body"]
    for place in range(len(body)):
        other = "x" if body[place] != "x" else "y"
        changed = {**PUBLISHED, "body": body[:place] + other + body[place + 1 :]}
        assert send(published, changed)[0] == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"x-slack-signature": None},
        {"x-slack-request-timestamp": None},
        {"x-slack-signature": ""},
        {"x-slack-signature": "v0=ä"},
        {"x-slack-signature": PUBLISHED["headers"]["x-slack-signature"].upper()},
        {"x-slack-request-timestamp": "now"},
        {"x-slack-request-timestamp": "²"},
        {"x-slack-request-timestamp": "-1531420618"},
        {"x-slack-request-timestamp": "9" * 5_000},
    ],
)
def test_broken_headers_are_refused(published: Workspace, headers: dict[str, Any]) -> None:
    merged = {**PUBLISHED["headers"], **headers}
    kept = {name: value for name, value in merged.items() if value is not None}
    assert send(published, {**PUBLISHED, "headers": kept})[0] == 401


def test_the_check_of_tls_is_signed_as_well(slack: Workspace) -> None:
    assert send(slack, url_event("ssl_check=1&token=x", {}))[0] == 401
    assert slack.send("ssl_check=1&token=x")["statusCode"] == 200


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({}, 405),
        (url_event("", {}, "GET"), 405),
        (url_event("", {}, "NONE"), 405),
        (url_event("x" * 100_001, {}), 413),
        ({**url_event("////", {}), "isBase64Encoded": True}, 400),
        ({**url_event("!", {}), "isBase64Encoded": True}, 400),
        ({**url_event("", {}), "body": None}, 401),
    ],
)
def test_what_is_no_request_of_slack_is_refused(
    slack: Workspace, event: Document, status: int
) -> None:
    assert send(slack, event)[0] == status


def test_nobody_outside_reaches_the_work_before_the_acknowledgement(slack: Workspace) -> None:
    event = signed(slack.command_body("status checkout"), slack.here.clock.now().timestamp())
    event["headers"] |= {
        "x-slack-bolt-lazy-only": "1",
        "X-Slack-Bolt-Lazy-Function-Name": "_obey_command",
    }
    assert send(slack, event) == (200, "status checkout …")
    assert slack.replies == []
    assert len(slack.waiting) == 1


@pytest.mark.parametrize("secret", [None, "", "{", "[]", '{"signing_secret": "x"}'])
def test_without_its_secret_it_asks_to_try_again(
    here: World, slack: Workspace, secret: str | None
) -> None:
    if secret is None:
        here.cloud.secrets.clear()
    else:
        here.cloud.secrets["slack"] = secret
    status, body = send(
        slack, signed(slack.command_body("status checkout"), slack.here.clock.now().timestamp())
    )
    assert (status, body) == (503, "try again")


def test_a_secret_is_not_in_the_log(
    here: World, slack: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    slack.do("status checkout", JANE)
    slack.do("promote checkout", "U0STRANGER")
    slack.send("payload={")
    logged = capsys.readouterr()
    for secret in SECRET.values():
        assert secret not in logged.out + logged.err
