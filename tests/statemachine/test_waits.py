"""A wait is ended once, by who meant it: buttons are clicked twice, and answers get lost."""

from collections.abc import Callable
from typing import Any

import pytest

from stepcanary.aws import stepfunctions
from stepcanary.domain.signals import Signal
from stepcanary.errors import AwsUnavailable, SignalRefused
from stepcanary.release import signalling
from stepcanary.store import leases, mailbox
from tests.builders import profile, request
from tests.statemachine.runner import World
from tests.statemachine.timeline import FIRST_BAKE, later

STEPS = [
    {"weight": 5, "bake_seconds": 300, "approval": True},
    {"weight": 50, "bake_seconds": 300, "approval": True},
    {"weight": 100, "bake_seconds": 300},
]
FIRST_GATE, SECOND_GATE = 1_000.0, 3_000.0


def take(here: World, action: str, request_id: str, **more: Any) -> dict[str, Any]:
    """What the function answers to the execution that asks; the same one is it trying again."""
    wanted = {"service": "checkout", "action": action, **more}
    answer: dict[str, Any] = here.invoke(
        "TakeActionFunction", {"execution": here.arn(request_id), "request": wanted}
    )
    return answer


def wait_of(here: World) -> int:
    answer = take(here, "status", "status")["answer"]["running"][0]
    assert answer["wait"] == int(here.lease()["wait_number"]["N"]) // 1_000
    return int(answer["wait"])


def release(here: World, **changed: Any) -> str:
    wanted = request(profile=profile(steps=STEPS, promotion={"gate_seconds": 7_200}, **changed))
    return here.release(wanted).state


def test_of_two_who_decide_a_gate_one_does(here: World) -> None:
    def both() -> list[dict[str, Any]]:
        wait = wait_of(here)
        return [take(here, "promote", who, by=who, wait=wait) for who in ("jane", "john", "jane")]

    done = later(here, FIRST_GATE, both)
    assert release(here) == "Released"
    first, second, again = done[0]
    assert first["accepted"]
    assert again["accepted"]
    assert not second["accepted"]
    assert "it was decided already" in second["cause"]
    assert "promote by jane (claimed)" in second["cause"]
    assert here.signals("release-1") == ["promote by jane (claimed)"]


@pytest.mark.parametrize("second", ["resume", "promote", "revert"])
def test_the_button_of_a_gate_that_is_over_does_not_touch_the_next_one(
    here: World, second: str
) -> None:
    waits = later(here, FIRST_GATE, lambda: wait_of(here))
    later(here, FIRST_GATE + 1, lambda: take(here, "resume", "first", wait=waits[0]))
    late = later(here, SECOND_GATE, lambda: take(here, second, "late", wait=waits[0]))
    later(here, SECOND_GATE + 500, lambda: take(here, "resume", "second", wait=wait_of(here)))
    assert release(here) == "Released"
    assert not late[0]["accepted"]
    assert "that wait is over" in late[0]["cause"]
    assert here.cloud.weights == [(95, 5), (50, 50), (0, 100), (100, 0)]


def test_a_revert_after_a_promote_of_the_same_gate_needs_no_button(here: World) -> None:
    """A button decides its gate once; who changes their mind says so to the release."""

    def decide() -> list[dict[str, Any]]:
        wait = wait_of(here)
        return [
            take(here, "promote", "jane", wait=wait),
            take(here, "revert", "john", wait=wait),
            take(here, "revert", "jim"),
            take(here, "revert", "joe", wait=wait),
        ]

    done = later(here, FIRST_GATE, decide)
    assert release(here) == "Reverted"
    assert [each["accepted"] for each in done[0]] == [True, False, True, False]
    assert "a revert is under way" in done[0][3]["cause"]


@pytest.mark.parametrize(
    ("first", "second", "seconds", "state"),
    [
        ("resume", "promote", 0, "Released"),
        ("resume", "revert", 0, "Released"),
        ("resume", "revert", 20, "Released"),
        ("promote", "revert", 20, "Released"),
        ("promote", "resume", 0, "Released"),
        ("revert", "promote", 0, "Reverted"),
    ],
)
def test_the_second_button_of_a_gate_comes_too_late(
    here: World, first: str, second: str, seconds: float, state: str
) -> None:
    """Before the next wait has its number, and whatever the first one said."""
    waits = later(here, FIRST_GATE, lambda: wait_of(here))
    one = later(here, FIRST_GATE + 1, lambda: take(here, first, "jane", wait=waits[0]))
    two = later(here, FIRST_GATE + 1 + seconds, lambda: take(here, second, "john", wait=waits[0]))
    later(here, SECOND_GATE, lambda: take(here, "resume", "jim"))
    assert release(here) == state
    assert (one[0]["accepted"], two[0]["accepted"]) == (True, False)
    assert "decided already" in two[0]["cause"]


def while_the_primary_goes(here: World, do: Callable[[], Any]) -> list[Any]:
    """Once, while its deployment is waited for."""
    check = here.handlers["CheckDeploymentFunction"]
    done: list[Any] = []

    def checked(event: Any, context: Any) -> Any:
        if event["side"] == "primary" and not done:
            done.append(do())
        return check(event, context)

    here.handlers["CheckDeploymentFunction"] = checked
    return done


PRIMARY_GOES = {"steps": [{"weight": 100, "bake_seconds": 300}]}


@pytest.mark.parametrize("manual", [True, False])
def test_no_button_of_the_last_gate_reverts_a_promotion(here: World, manual: bool) -> None:
    """Somebody promoted, or nobody did in time: the primary is being replaced."""
    promotion = {"approval": True, "gate_seconds": 600, "on_timeout": "promote"}
    waits = later(here, 500, lambda: wait_of(here))
    if manual:
        later(here, 501, lambda: take(here, "promote", "jane", wait=waits[0]))
    late = while_the_primary_goes(here, lambda: take(here, "revert", "john", wait=waits[0]))
    wanted = request(profile=profile(**PRIMARY_GOES, promotion=promotion))
    assert here.release(wanted).state == "Released"
    assert "decided already" in late[0]["cause"]


def test_a_pause_that_is_delivered_again_pauses_once(here: World) -> None:
    later(here, FIRST_BAKE, lambda: take(here, "pause", "jane"))
    later(here, 500, lambda: take(here, "resume", "jane"))
    again = later(here, 600, lambda: take(here, "pause", "jane"))
    outcome = here.release(request(profile=profile(promotion={"gate_seconds": 3_600})))
    assert outcome.state == "Released"
    assert outcome.path.count("Pause") == 1
    assert again[0]["accepted"]


def test_a_promote_that_is_tried_again_after_it_was_obeyed_was_accepted(here: World) -> None:
    later(here, FIRST_BAKE, lambda: take(here, "promote", "jane"))
    both = while_the_primary_goes(
        here, lambda: [take(here, "promote", who)["accepted"] for who in ("jane", "john")]
    )
    assert here.release(request(profile=profile(**PRIMARY_GOES))).state == "Released"
    assert both == [[True, False]]


def test_a_retry_that_is_delivered_again_promotes_once_more(here: World) -> None:
    here.cloud.broken_images = {("example1", "shop:v2")}
    later(here, 2_000, lambda: take(here, "retry", "jane"))
    later(here, 4_000, lambda: take(here, "retry", "jane"))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert outcome.path.count("PromotePrimary") == 2


def test_a_pause_does_not_take_a_promote_back(here: World) -> None:
    """Both have looked at the same lease; the promote is written first."""

    def both() -> list[str]:
        (seen,) = leases.of_service("checkout")
        signalling.deliver(seen, Signal(kind="promote", request_id="jane"))
        with pytest.raises(SignalRefused, match="it was promoted"):
            signalling.deliver(seen, Signal(kind="pause", request_id="john"))
        return ["told"]

    done = later(here, 12, both)
    assert here.release(request()).state == "Released"
    assert done == [["told"]]


def test_a_resume_whose_answer_was_lost_is_done_by_who_says_it_again(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another asker, as a person or a second click is."""
    send = stepfunctions.end_wait

    def refuse(*_: Any) -> bool:
        monkeypatch.setattr(stepfunctions, "end_wait", send)
        raise AwsUnavailable("slow down")

    def ask() -> list[bool]:
        wait = wait_of(here)
        monkeypatch.setattr(stepfunctions, "end_wait", refuse)
        with pytest.raises(AwsUnavailable):
            take(here, "resume", "jane", wait=wait)
        return [take(here, "resume", who, wait=wait)["accepted"] for who in ("john", "jim")]

    done = later(here, FIRST_GATE, ask)
    later(here, SECOND_GATE, lambda: take(here, "promote", "jane"))
    assert release(here) == "Released"
    assert done == [[True, False]]


@pytest.mark.parametrize("paused", [True, False])
def test_a_decision_that_was_written_twice_is_made(
    here: World, monkeypatch: pytest.MonkeyPatch, paused: bool
) -> None:
    """boto3 sends again what was not answered, and finds that somebody has decided: itself."""
    claim = mailbox.claim_wait

    def twice(lease: Any, signal: Any) -> bool:
        claim(lease, signal)
        return claim(lease, signal)

    monkeypatch.setattr(mailbox, "claim_wait", twice)
    if paused:
        later(here, FIRST_BAKE, lambda: take(here, "pause", "jane"))
    done = later(here, FIRST_GATE, lambda: take(here, "resume", "jane"))
    steps = [{**step, "approval": False} for step in STEPS] if paused else STEPS
    later(here, SECOND_GATE, lambda: take(here, "resume", "john"))
    wanted = request(profile=profile(steps=steps, promotion={"gate_seconds": 7_200}))
    assert here.release(wanted).state == "Released"
    assert done[0]["accepted"]


def test_of_a_promote_and_a_resume_of_one_pause_one_decides(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked at the same lease."""
    later(here, FIRST_BAKE, lambda: take(here, "pause", "jane"))

    def both() -> str:
        (seen,) = leases.of_service("checkout")
        signalling.deliver(seen, Signal(kind="promote", request_id="jane"), seen.wait)
        with pytest.raises(SignalRefused, match="decided already"):
            signalling.deliver(seen, Signal(kind="resume", request_id="john"), seen.wait)
        return "one"

    done = later(here, FIRST_GATE, both)
    assert release(here) == "Released"
    assert done == ["one"]


def test_a_late_delivery_of_a_wait_does_not_bring_its_button_back(here: World) -> None:
    seen: list[Any] = []
    await_signal = here.handlers["AwaitSignalFunction"]

    def kept(event: Any, context: Any) -> Any:
        seen.append(event)
        return await_signal(event, context)

    here.handlers["AwaitSignalFunction"] = kept
    promotion = {"approval": True, "gate_seconds": 7_200}
    waits = later(here, 500, lambda: wait_of(here))
    later(here, 501, lambda: take(here, "promote", "jane"))

    def late() -> Any:
        here.invoke("AwaitSignalFunction", seen[-1])
        return take(here, "revert", "john", wait=waits[0])

    answers = while_the_primary_goes(here, late)
    wanted = request(profile=profile(**PRIMARY_GOES, promotion=promotion))
    assert here.release(wanted).state == "Released"
    assert "decided already" in answers[0]["cause"]


@pytest.mark.parametrize("wait_of_the_button", [1, 10**15])
def test_a_wait_that_never_was_is_over(here: World, wait_of_the_button: int) -> None:
    done = later(
        here,
        FIRST_GATE,
        lambda: [
            take(here, action, "jane", wait=wait_of_the_button)
            for action in ("resume", "promote", "revert")
        ],
    )
    later(here, FIRST_GATE + 1, lambda: take(here, "promote", "jane"))
    assert release(here) == "Released"
    assert [each["accepted"] for each in done[0]] == [False] * 3


def test_who_tries_again_skips_one_bake(here: World) -> None:
    """Its answer was lost, and meanwhile the next bake has begun."""
    later(here, FIRST_BAKE, lambda: take(here, "skip", "jane"))
    again = later(here, FIRST_BAKE + 100, lambda: take(here, "skip", "jane"))
    weight = later(here, FIRST_BAKE + 130, lambda: here.cloud.weight("example2"))
    assert here.release(request()).state == "Released"
    assert again[0]["accepted"]
    assert weight == [50]


def test_who_tries_again_passes_one_gate(here: World) -> None:
    later(here, FIRST_GATE, lambda: take(here, "resume", "jane"))
    again = later(here, SECOND_GATE, lambda: take(here, "resume", "jane"))
    weight = later(here, SECOND_GATE + 1_000, lambda: here.cloud.weight("example2"))
    later(here, SECOND_GATE + 1_001, lambda: take(here, "resume", "john"))
    assert release(here) == "Released"
    assert again[0]["accepted"]
    assert weight == [50]


def test_a_pause_is_withdrawn_after_the_bake_has_ended_on_it(here: World) -> None:
    """It is not paused yet, and must not be then."""
    await_signal = here.handlers["AwaitSignalFunction"]
    withdrawn: list[Any] = []

    def late(event: Any, context: Any) -> Any:
        if event.get("paused") and not withdrawn:
            withdrawn.append(take(here, "resume", "jane"))
        return await_signal(event, context)

    here.handlers["AwaitSignalFunction"] = late
    later(here, FIRST_BAKE, lambda: take(here, "pause", "jane"))
    outcome = here.release(request())
    assert outcome.state == "Released"
    assert withdrawn[0]["accepted"]
    assert outcome.path.count("Pause") == 1
    assert outcome.path.count("Bake") == 4


@pytest.mark.parametrize("kind", ["resume", "promote"])
def test_a_wait_whose_end_was_refused_is_ended_by_who_tries_again(
    here: World, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    send = stepfunctions.end_wait

    def refuse(*_: Any) -> bool:
        monkeypatch.setattr(stepfunctions, "end_wait", send)
        raise AwsUnavailable("slow down")

    def ask() -> list[dict[str, Any]]:
        wait = wait_of(here)
        monkeypatch.setattr(stepfunctions, "end_wait", refuse)
        with pytest.raises(AwsUnavailable):
            take(here, kind, "jane", wait=wait)
        return [take(here, kind, "jane", wait=wait), take(here, kind, "john", wait=wait)]

    done = later(here, FIRST_GATE, ask)
    later(here, SECOND_GATE, lambda: take(here, "promote", "jane"))
    assert release(here) == "Released"
    assert [each["accepted"] for each in done[0]] == [True, False]
