"""Thousands of requests that nobody should send: no 5xx, no trace, and nothing is changed."""

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from sandbox.slack import Document, Message, signed, url_event
from stepcanary.chat.slack.blocks import message
from stepcanary.domain import events
from tests.builders import profile
from tests.eventually import within
from tests.slack.conftest import JANE, STRANGER, Workspace
from tests.statemachine.runner import World

REQUESTS = 3_000
ASKED = ("slack#", "sender#")
"""What is noted of those who may ask; it changes no release."""
ALPHABET = "abc /=&%{}[]\"'\\:;<>@\0\n\r\u202e🐤é0192"
GOOD = [
    "promote checkout",
    "revert checkout now",
    "release checkout app=shop:v2",
    "shift checkout 10",
    "rollback checkout",
]


class Fuzz:
    """Each kind of request that must not do anything."""

    def __init__(self, slack: Workspace, chance: random.Random) -> None:
        self.slack, self.chance = slack, chance
        waiting = events.ReleaseEvent(
            detail_type="Release Waiting",
            service="checkout",
            execution=slack.here.arn("release-1"),
            waits="gate",
            wait=1,
            ends_on=["promote", "resume", "revert"],
        )
        self.gate = Message("1.2", {"blocks": message(waiting)})
        slack.messages.append(self.gate)
        self.kinds: list[Callable[[], Document]] = [
            self.noise,
            self.unsigned,
            self.stale,
            self.forged_after_signing,
            self.signed_noise,
            self.stranger,
            self.unknown_command,
            self.unknown_service,
            self.broken_form,
            self.broken_click,
            self.other_payload,
            self.other_wait,
        ]

    def now(self) -> float:
        return self.slack.here.clock.now().timestamp()

    def text(self, most: int = 60) -> str:
        return "".join(self.chance.choices(ALPHABET, k=self.chance.randint(0, most)))

    def good_body(self, user: str = JANE) -> str:
        if self.chance.random() < 0.5:
            action = self.chance.choice(["promote", "resume", "revert"])
            return self.slack.click_body(self.gate, action, user)
        return self.slack.command_body(self.chance.choice(GOOD), user)

    def mutated(self, text: str) -> str:
        place = self.chance.randrange(len(text))
        kind = self.chance.randrange(3)
        if kind == 0:
            return text[:place]
        end = place + self.chance.randint(1, 8)
        return text[:place] + (self.text(8) or "x" if kind == 1 else "") + text[end:]

    def noise(self) -> Document:
        event: Any = url_event(self.text(), {}, self.chance.choice(["POST", "GET", "PUT", "NONE"]))
        for _ in range(self.chance.randint(0, 3)):
            event.pop(self.chance.choice(list(event)), None)
        event["headers"] = {self.text(9): self.text(9), "x-slack-signature": self.text(70)}
        event["isBase64Encoded"] = self.chance.random() < 0.3
        return dict(event)

    def unsigned(self) -> Document:
        stamp = {"x-slack-request-timestamp": str(int(self.now())), "x-slack-signature": "v0=0"}
        return url_event(self.good_body(), stamp)

    def stale(self) -> Document:
        return signed(self.good_body(), self.now() - self.chance.randint(301, 10**9))

    def forged_after_signing(self) -> Document:
        event = signed(self.good_body(), self.now())
        return {**event, "body": self.mutated(event["body"]) + "&x=y"}

    def signed_noise(self) -> Document:
        event = signed(self.text(), self.now())
        kind = self.chance.choice(["application/json", "text/plain", "", "multipart/form-data"])
        event["headers"]["content-type"] = kind
        return event

    def stranger(self) -> Document:
        return signed(self.good_body(STRANGER), self.now())

    def unknown_command(self) -> Document:
        text = self.chance.choice(["", "help", self.text(), "PROMOTE checkout", "promote"])
        return signed(self.slack.command_body(text), self.now())

    def unknown_service(self) -> Document:
        text = f"promote {self.chance.choice(['payments', '../x', 'a' * 300, self.text()])} x"
        return signed(self.slack.command_body(text), self.now())

    def broken_form(self) -> Document:
        fields = dict(parse_qsl(self.good_body(STRANGER)))
        for _ in range(self.chance.randint(1, 4)):
            name = self.chance.choice([*fields, self.text(5)])
            if self.chance.random() < 0.5:
                fields.pop(name, None)
            else:
                fields[name] = self.text()
        return signed(urlencode(fields), self.now())

    def broken_click(self) -> Document:
        payload = dict(parse_qsl(self.slack.click_body(self.gate, "promote", STRANGER)))["payload"]
        return signed(urlencode({"payload": self.mutated(payload)}), self.now())

    def other_payload(self) -> Document:
        kind = self.chance.choice(["view_submission", "message_action", "shortcut", self.text(9)])
        document: Any = self.chance.choice(
            [
                {"type": kind},
                {"type": "block_actions", "actions": []},
                {"type": "block_actions", "actions": [{"action_id": "decide-promote"}]},
                {"type": "block_actions", "actions": [{"action_id": 7, "value": {}}], "user": []},
                [kind],
                kind,
                None,
                7,
            ]
        )
        return signed(urlencode({"payload": json.dumps(document)}), self.now())

    def other_wait(self) -> Document:
        """By somebody who may, about a wait that is none."""
        return signed(self.slack.click_body(self.gate, "resume", JANE), self.now())


def state_of(here: World) -> str:
    """The world, and the release that waits in it."""
    world = [here.cloud.route, here.cloud.services, here.cloud.definitions, here.cloud.parameters]
    items = [item for item in here.ledger() if not item["pk"]["S"].startswith(ASKED)]
    return json.dumps([*world, sorted(json.dumps(item) for item in items)], default=str)


def askers(here: World) -> set[str]:
    """Who is noted to have asked for something."""
    return {item["user"]["S"] for item in here.ledger() if item["pk"]["S"].startswith("slack#")}


def executions(here: World) -> set[str]:
    """Beside the release; what is refused ends Rejected, and does nothing."""
    found = here.sfn.list_executions(stateMachineArn=here.machine)["executions"]
    others = [e for e in found if e["executionArn"] != here.arn("release-1")]
    return {e["executionArn"] for e in others if e["status"] != "FAILED"}


@pytest.mark.timeout(900)
def test_thousands_of_requests_change_nothing(here: World, slack: Workspace) -> None:
    """Beside a release that waits at its gate, which any signal would end."""
    statuses: Counter[int] = Counter()
    states: list[Any] = []
    here.clock.after(1_000, lambda: states.extend(_send_all(here, slack, statuses)))
    here.clock.after(1_001, lambda: here.signal("promote"))
    gated = profile(steps=[{"weight": 5, "approval": True}], promotion={"gate_seconds": 7_200})
    document = {"service": "checkout", "images": {"app": "shop:v2"}, "profile": gated}
    execution = here.start(document)
    within(880)(lambda: bool(states))
    before, after = states
    assert after == before
    assert askers(here) == {JANE}
    assert here.wait(execution).state == "Released"
    assert max(statuses) < 500, statuses
    assert set(statuses) >= {200, 400, 401, 405}, statuses


def _send_all(here: World, slack: Workspace, statuses: Counter[int]) -> list[Any]:
    """How the world was before and after; what came of requests is worked on as well."""
    fuzz, worked = Fuzz(slack, random.Random(20261125)), 0
    before = (state_of(here), executions(here))
    for number in range(REQUESTS):
        kind = fuzz.kinds[number % len(fuzz.kinds)]
        answer = slack.to_function(json.loads(json.dumps(kind())))
        statuses[answer["statusCode"]] += 1
        assert "Traceback" not in str(answer["body"])
        # Who may ask is answered by an execution, which takes its time: one of twenty.
        if kind.__name__ != "other_wait" or number % 20 == 11:
            for lazy in slack.waiting:
                worked += 1
                statuses[slack.to_function(lazy)["statusCode"]] += 1
        slack.waiting.clear()
    assert worked > REQUESTS / 10
    assert sum(statuses.values()) == REQUESTS + worked
    return [before, (state_of(here), executions(here))]
