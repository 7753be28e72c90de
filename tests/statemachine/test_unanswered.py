"""Gates that nobody answers in time, and signals that come in the moment after.

Whoever is told that a signal was accepted finds that it had its effect.
"""

from collections.abc import Callable
from typing import Any

import pytest

from stepcanary.store import leases
from tests.builders import profile, request
from tests.fakes.cloud import Document
from tests.statemachine.runner import World
from tests.statemachine.timeline import FIRST_BAKE, later

GATE_SECONDS = 600
APPROVED = profile(promotion={"approval": True, "gate_seconds": GATE_SECONDS})


def before(here: World, function: str, wanted: Callable[[Document], bool], do: Any) -> list[Any]:
    """Do it once, just before the function begins; the list gets what came of it."""
    handler, done = here.handlers[function], list[Any]()

    def first(event: Document, context: Any) -> Any:
        if wanted(event) and not done:
            done.append(do())
        return handler(event, context)

    here.handlers[function] = first
    return done


def after(here: World, function: str, wanted: Callable[[Document], bool], do: Any) -> list[Any]:
    """Do it once, just after the function has ended."""
    handler, done = here.handlers[function], list[Any]()

    def then(event: Document, context: Any) -> Any:
        answer = handler(event, context)
        if wanted(event) and not done:
            done.append(do())
        return answer

    here.handlers[function] = then
    return done


def is_unanswered(event: Document) -> bool:
    return bool(event["unanswered"])


def is_undecided(event: Document) -> bool:
    return bool(event.get("undecided"))


def anything(_event: Document) -> bool:
    return True


@pytest.mark.parametrize("paused", [False, True], ids=["gate", "pause"])
def test_a_promote_between_the_time_out_and_its_consequence_promotes(
    here: World, paused: bool
) -> None:
    told = before(here, "JudgeCanaryFunction", is_unanswered, lambda: here.signal("promote"))
    wanted = profile(promotion={"gate_seconds": GATE_SECONDS}) if paused else APPROVED
    if paused:
        later(here, FIRST_BAKE, lambda: here.signal("pause"))
    outcome = here.release(request(profile=wanted))
    assert told[0]["executions"] == [here.arn("release-1")]
    assert outcome.state == "Released", outcome.cause


@pytest.mark.parametrize("kind", ["promote", "pause", "skip", "resume", "retry"])
def test_what_comes_after_the_consequence_is_refused(here: World, kind: str) -> None:
    told = after(here, "JudgeCanaryFunction", is_unanswered, lambda: here.signal(kind))
    outcome = here.release(request(profile=APPROVED))
    assert told[0]["executions"] == []
    assert told[0]["refused"]
    assert outcome.state == "Reverted"
    assert "nobody answered the gate in time" in outcome.cause


def test_nobody_is_told_of_a_promotion_by_a_release_that_was_judged_badly(here: World) -> None:
    """A verdict is as much of a decision as a time-out."""

    def judged(event: Document) -> bool:
        return bool(event["step"] == 1)

    # Its event is lost, so that only the verdict sees it.
    here.lost = {"RelayAlarmFunction"}
    fire = before(
        here,
        "JudgeCanaryFunction",
        judged,
        lambda: here.cloud.set_alarm("example2-5xx", "ALARM"),
    )
    told = after(here, "JudgeCanaryFunction", judged, lambda: here.signal("promote"))
    outcome = here.release(request())
    assert fire
    assert told[0]["executions"] == []
    assert "way back" in told[0]["refused"]
    assert outcome.state == "Reverted"


def test_a_promote_in_the_moment_of_the_verdict_stands_in_for_missing_data(here: World) -> None:
    """The verdict was made without it, and is made again."""
    here.cloud.set_alarm("example2-5xx", "INSUFFICIENT_DATA")
    told: list[Any] = []
    real = leases.check

    def check(release: Any, fence: int) -> Any:
        found = real(release, fence)
        if judging and not told:
            told.append(here.signal("promote"))
        return found

    judging: list[bool] = []
    before(here, "JudgeCanaryFunction", anything, lambda: judging.append(True))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(leases, "check", check)
        outcome = here.release(request(profile=profile(holds=0)))
    assert told[0]["executions"] == [here.arn("release-1")]
    assert outcome.state == "Released", outcome.cause


@pytest.mark.parametrize("on_failure_timeout", ["revert", "stay"])
def test_a_retry_between_the_time_out_and_its_consequence_promotes_again(
    here: World, on_failure_timeout: str
) -> None:
    here.cloud.broken_images = {("example1", "shop:v2")}

    def mend_and_retry() -> Any:
        here.cloud.broken_images = set()
        return here.signal("retry")

    told = before(here, "RestorePrimaryFunction", is_undecided, mend_and_retry)
    promotion = {"gate_seconds": GATE_SECONDS, "on_failure_timeout": on_failure_timeout}
    outcome = here.release(request(profile=profile(promotion=promotion)))
    assert told[0]["executions"] == [here.arn("release-1")]
    assert outcome.state == "Released", outcome.cause


@pytest.mark.parametrize("on_failure_timeout", ["revert", "stay"])
def test_a_retry_after_the_consequence_is_refused(here: World, on_failure_timeout: str) -> None:
    here.cloud.broken_images = {("example1", "shop:v2")}
    told = after(here, "RestorePrimaryFunction", is_undecided, lambda: here.signal("retry"))
    promotion = {"gate_seconds": GATE_SECONDS, "on_failure_timeout": on_failure_timeout}
    outcome = here.release(request(profile=profile(promotion=promotion)))
    assert told[0]["executions"] == []
    assert "way back" in told[0]["refused"]
    ended = "Reverted" if on_failure_timeout == "revert" else "PromotionFailed"
    assert outcome.state == ended
    assert "nobody answered the gate in time" in outcome.cause


def test_a_revert_in_the_moment_of_the_time_out_is_no_leave_to_stay(here: World) -> None:
    here.cloud.broken_images = {("example1", "shop:v2")}
    told = before(here, "RestorePrimaryFunction", is_undecided, lambda: here.signal("revert"))
    promotion = {"gate_seconds": GATE_SECONDS, "on_failure_timeout": "stay"}
    outcome = here.release(request(profile=profile(promotion=promotion)))
    assert told[0]["executions"] == [here.arn("release-1")]
    assert outcome.state == "Reverted", outcome.cause


def test_a_failed_promotion_without_a_gate_takes_no_retry(here: World) -> None:
    """The canary is lost as well, so the old version comes back without asking."""
    here.cloud.broken_images = {("example1", "shop:v2")}
    before(here, "RestorePrimaryFunction", anything, lambda: here.cloud.lose_tasks("example2"))
    told = after(here, "RestorePrimaryFunction", anything, lambda: here.signal("retry"))
    outcome = here.release(request(profile=profile(promotion={"gate_seconds": GATE_SECONDS})))
    assert "PromotionGate" not in outcome.path
    assert told[0]["executions"] == [], outcome
