"""Slack for the sandbox: a workspace that takes messages and sends commands and clicks, signed.

It refuses what Slack's API would: no token, another channel, blocks that are too long. The requests
that it sends are made as Slack documents them, and signed by slack_sdk.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode

from slack_sdk.models.blocks import Block
from slack_sdk.signature import SignatureVerifier

Document = dict[str, Any]

CHANNEL = "C0SANDBOX1"
TEAM = "T1DC2JH3J"
JANE = "U2CERLKJA"
SECRET = {"signing_secret": "sandbox-signing-secret", "bot_token": "xoxb-sandbox"}
LONGEST_TEXT = 40_000


@dataclass
class Message:
    """What was posted; `answers` is what a `response_url` was sent about it."""

    ts: str
    body: Document
    answers: list[Document] = field(default_factory=list)

    @property
    def text(self) -> str:
        return str(self.body.get("text", ""))

    @property
    def buttons(self) -> dict[str, Document]:
        """By action id."""
        blocks = self.body.get("blocks", [])
        elements = [e for block in blocks for e in block.get("elements", [])]
        return {element["action_id"]: element for element in elements if "action_id" in element}


def url_event(body: str, headers: dict[str, str], method: str = "POST") -> Document:
    """What a function gets from its URL: payload format 2.0."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {
            "content-type": "application/x-www-form-urlencoded",
            **{name.lower(): value for name, value in headers.items()},
        },
        "requestContext": {
            "accountId": "anonymous",
            "domainName": "abcdefgh.lambda-url.us-east-1.on.aws",
            "http": {"method": method, "path": "/", "protocol": "HTTP/1.1"},
            "requestId": "request-1",
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": False,
    }


def signed(body: str, at: float) -> Document:
    """The event of a request that Slack signed, at this epoch second."""
    stamp = str(int(at))
    verifier = SignatureVerifier(SECRET["signing_secret"])
    signature = verifier.generate_signature(timestamp=stamp, body=body)
    assert signature is not None
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}
    return url_event(body, headers)


class Slack:
    """`send` hands an event to the function behind the URL, and `now` tells epoch seconds."""

    def __init__(
        self, send: Callable[[Document], Document], now: Callable[[], float] = time.time
    ) -> None:
        self._send, self._now = send, now
        self.messages: list[Message] = []
        self.replies: list[Document] = []
        """The replies to commands, in order."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._request_handler())
        self._server.daemon_threads = True
        self.root = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.api = f"{self.root}/api/"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="slack", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def send(self, body: str) -> Document:
        """The response to a request with this body, which Slack signed just now."""
        return self._send(signed(body, self._now()))

    def thread(self, execution: str) -> list[str]:
        """What was posted about a release, in order."""
        name = execution.rpartition(":")[2]
        return [each.text for each in self.messages if name in json.dumps(each.body["blocks"])]

    def command(self, text: str, user: str = JANE, *, team: str = TEAM) -> Document:
        """`/canary <text>`: the acknowledgement. The reply comes later."""
        return self.send(self.command_body(text, user, team=team))

    def command_body(self, text: str, user: str = JANE, *, team: str = TEAM) -> str:
        return urlencode(
            {
                "token": "legacy",
                "team_id": team,
                "team_domain": "sandbox",
                "channel_id": CHANNEL,
                "channel_name": "releases",
                "user_id": user,
                "user_name": "jane",
                "command": "/canary",
                "text": text,
                "api_app_id": "A0SANDBOX",
                "response_url": f"{self.root}/commands/{time.time_ns()}",
                "trigger_id": f"{time.time_ns()}.1.2",
            }
        )

    def click(self, message: Message, action: str, user: str = JANE) -> Document:
        """The acknowledgement of a click; what comes of it is among the message's answers."""
        return self.send(self.click_body(message, action, user))

    def click_body(
        self,
        message: Message,
        action: str,
        user: str = JANE,
        *,
        team: str = TEAM,
        app: str = TEAM,
    ) -> str:
        """`team` is the workspace of the user, who may be a guest, and `app` that of the app."""
        button = message.buttons[f"decide-{action}"]
        payload = {
            "type": "block_actions",
            "user": {"id": user, "username": "jane", "name": "jane", "team_id": team},
            "api_app_id": "A0SANDBOX",
            "container": {"type": "message", "message_ts": message.ts, "channel_id": CHANNEL},
            "trigger_id": f"{time.time_ns()}.1.2",
            "team": {"id": app, "domain": "sandbox"},
            "channel": {"id": CHANNEL, "name": "releases"},
            "message": {"type": "message", "ts": message.ts, **message.body},
            "response_url": f"{self.root}/actions/{message.ts}",
            "actions": [{**button, "block_id": "b1", "action_ts": f"{time.time():.6f}"}],
        }
        return urlencode({"payload": json.dumps(payload)})

    def _take(self, path: str, authorization: str, body: Document) -> Document:
        if path in ("/api/chat.postMessage", "/api/chat.update"):
            if authorization != f"Bearer {SECRET['bot_token']}":
                return {"ok": False, "error": "invalid_auth"}
            if body.get("channel") != CHANNEL:
                return {"ok": False, "error": "channel_not_found"}
            return self._update(body) if path.endswith("update") else self._post(body)
        kind, _, mark = path.strip("/").partition("/")
        _require_blocks(body)
        if kind == "actions":
            (message,) = (each for each in self.messages if each.ts == mark)
            message.answers.append(body)
            if body.get("replace_original"):
                message.body = {**message.body, **body}
        else:
            self.replies.append(body)
        return {"ok": True}

    def _update(self, body: Document) -> Document:
        """Slack takes the blocks in place of those that were there."""
        _require_blocks(body)
        for message in self.messages:
            if message.ts == body.get("ts"):
                message.body = {**message.body, "text": body["text"], "blocks": body["blocks"]}
                return {"ok": True, "channel": CHANNEL, "ts": message.ts, "message": message.body}
        return {"ok": False, "error": "message_not_found"}

    def _post(self, body: Document) -> Document:
        if body.get("thread_ts") not in (None, *(message.ts for message in self.messages)):
            return {"ok": False, "error": "thread_not_found"}
        _require_blocks(body)
        message = Message(f"{time.time():.6f}", body)
        self.messages.append(message)
        return {"ok": True, "channel": CHANNEL, "ts": message.ts, "message": body}

    def _request_handler(self) -> type[BaseHTTPRequestHandler]:
        slack = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                try:
                    if "json" in self.headers.get("Content-Type", ""):
                        body = json.loads(raw)
                    else:
                        body = dict(parse_qsl(raw))
                        if "blocks" in body:
                            body["blocks"] = json.loads(body["blocks"])
                    answer = slack._take(self.path, self.headers.get("Authorization", ""), body)
                except Exception as error:
                    answer = {"ok": False, "error": "invalid_arguments", "detail": str(error)}
                data = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: Any) -> None:
                """Nobody reads it."""

        return Handler


def _require_blocks(body: Document) -> None:
    """slack_sdk's own models know Slack's limits."""
    if len(body.get("text", "")) > LONGEST_TEXT:
        raise ValueError("msg_too_long")
    for block in Block.parse_all(body.get("blocks", [])):
        block.validate_json()
