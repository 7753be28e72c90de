"""History: what the definition writes into it is what `stepcanary.domain.history` counts."""

from collections import Counter
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from stepcanary.contracts.answers import SteadyAnswer
from stepcanary.domain import history
from stepcanary.domain.deployment import Started, wait_before_next
from stepcanary.domain.patience import before_next_try, most_turns
from stepcanary.domain.signals import MOST_OF_KIND
from stepcanary.errors import NotEnoughCapacity, SplitDrifted
from tests.builders import profile, request
from tests.statemachine.runner import World
from tests.statemachine.test_definition import STATES
from tests.statemachine.timeline import FIRST_BAKE, later

PARTS: dict[str, set[str]] = {
    "turn": {"waiting for its turn"},
    "rollout": {
        "the canary's deployment",
        "steps and their holds",
        "tasks that the steps wait for",
        "gates",
        "pauses",
    },
    "promotion": {"promotions", "promotions that are tried again"},
    "back": {"the old version's return", "the way back"},
}
"""What is counted together, by where in the definition it happens."""

PLACES: dict[str, str] = {
    "turn": "WhatAction PlanRelease IsPlanAccepted WaitToBegin WaitForTurn OpenRelease"
    " IsReleaseOpen WaitToPlan",
    "rollout": "Rollout DeployCanary WaitForCanary CheckCanary IsCanarySteady ShiftWeight Settle"
    " Bake WhatBakeSignal Pause WhatPauseSignal JudgeCanary WhatVerdict Gate WhatGateSignal"
    " RolloutComplete CanaryRejected RevertSignalled",
    "promotion": "Promotion PromotePrimary WaitForPrimary CheckPrimary IsPrimarySteady PrimaryReady"
    " ShiftBack SettleBack BakeBack JudgeReturn WhatReturnVerdict ReturnRevoked"
    " ReturnTraffic RestorePrimary WhatRestored PromotionGate WhatDecision",
    "back": "SettleOnCanary RestoreForRevert WhatRestoredForRevert SettleToRevert CheckOldPrimary"
    " RestoreDrifted RestoreInPlace IsOldPrimarySteady WaitForOldPrimary ReturnToOldPrimary Revert"
    " WhatAttempt WaitToRevert RevertGivenUp WaitForRouter ConfirmRest IsAtRest NoteDrift"
    " RestoreReturned WaitForClients RetireCanary CloseRelease WhatOutcome Released"
    " Reverted Rejected PromotionFailed RevertFailed",
    "no release": "TakeAction AnswerQuestion IsActionTaken Done",
}
PLACE_OF = {state: place for place, states in PLACES.items() for state in states.split()}

STEPS = [{"weight": 50, "bake_seconds": 60}, {"weight": 100, "bake_seconds": 60, "approval": True}]
HOLDS = 2
DEADLINE_SECONDS, CHECK_SECONDS, REVERT_SECONDS = 120, 5, 120
STUBBORN = profile(
    steps=STEPS,
    holds=HOLDS,
    deployment={"deadline_seconds": DEADLINE_SECONDS, "check_seconds": CHECK_SECONDS},
    promotion={"approval": True, "gate_seconds": 120},
    revert_seconds=REVERT_SECONDS,
)
MOST = history.parts(
    steps=len(STEPS),
    gates=2,
    holds=HOLDS,
    check_seconds=CHECK_SECONDS,
    deadline_seconds=DEADLINE_SECONDS,
    revert_seconds=REVERT_SECONDS,
)


def test_every_state_belongs_to_a_part_that_is_counted() -> None:
    assert set(PLACE_OF) == {name for name, _ in STATES}
    assert set().union(*PARTS.values()) == set(MOST)


def events_of(here: World, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = here.sfn.get_execution_history(executionArn=here.arn(name))[
        "events"
    ]
    return found


def by_place(events: list[dict[str, Any]]) -> Counter[str]:
    """How many events the states of each place wrote, with those that no state writes."""
    counted: Counter[str] = Counter()
    place = "turn"
    for event in events:
        entered = event.get("stateEnteredEventDetails")
        place = PLACE_OF[entered["name"]] if entered else place
        counted[place] += 1
    return counted


def bound(place: str) -> int:
    return sum(MOST[part] for part in PARTS[place])


WANTED: dict[str, int] = {kind: MOST_OF_KIND[kind] for kind in ("pause", "retry")}
"""How often each is asked for."""


class Stubborn:
    """Makes a release do everything as often as it may."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.pauses = self.retries = self.checked = 0
        self.tries: Counter[str] = Counter()
        for name, by in {
            "JudgeCanaryFunction": self.judge,
            "ShiftWeightFunction": self.short_of_tasks,
            "PromotePrimaryFunction": self.short_of_tasks,
            "CheckDeploymentFunction": self.unsteady,
            "AwaitSignalFunction": self.impatient,
            "ReturnTrafficFunction": self.short_of_tasks,
            "ConfirmRestFunction": self.moved,
        }.items():
            here.handlers[name] = self._instead(here.handlers[name], by)
        here.cloud.broken_images = {("example1", "shop:v2")}

    def _instead(self, handler: Any, by: Callable[[Any, Any, Any], Any]) -> Any:
        return lambda event, context: by(handler, event, context)

    def _now(self) -> float:
        return self.here.clock.now().timestamp()

    def judge(self, handler: Any, event: Any, context: Any) -> Any:
        """Every hold is used up, and then the alarm has data."""
        is_last = event["holds"] == HOLDS or event["approved"]
        self.here.cloud.set_alarm("example2-5xx", "OK" if is_last else "INSUFFICIENT_DATA")
        return handler(event, context)

    def short_of_tasks(self, handler: Any, event: Any, context: Any) -> Any:
        """Until the last try before the deadline."""
        tries = self.tries[event["entered_at"]] = self.tries[event["entered_at"]] + 1
        waited = sum(before_next_try(n) for n in range(1, tries + 1))
        if waited <= DEADLINE_SECONDS:
            raise NotEnoughCapacity("not enough tasks")
        return handler(event, context)

    def unsteady(self, handler: Any, event: Any, context: Any) -> Any:
        """Until the last look before the deadline; of the old version every other look drifts."""
        self.checked += 1
        if event["restoring"] and self.checked % 2:
            raise SplitDrifted("somebody wrote the route")
        started = Started.model_validate(event["deployment"])
        started = started.model_copy(update={"checks": started.checks + 1})
        wait = wait_before_next(started, CHECK_SECONDS, event["release"]["execution"])
        if self._now() + wait > started.deadline_at:
            return handler(event, context)
        answer = SteadyAnswer(steady=False, deployment=started, wait_seconds=wait)
        return answer.model_dump()

    def impatient(self, handler: Any, event: Any, context: Any) -> Any:
        """Pauses and retries as often as it may, and resumes at once."""
        answer = handler(event, context)
        ends_on, signal = event["ends_on"], None
        if "pause" in ends_on and self.pauses < WANTED["pause"]:
            self.pauses, signal = self.pauses + 1, "pause"
        elif "resume" in ends_on:
            signal = "resume"
        elif "retry" in ends_on and self.retries < WANTED["retry"]:
            self.retries, signal = self.retries + 1, "retry"
        if signal:
            self.here.clock.after(1, lambda: self.here.signal(signal))
        return answer

    def moved(self, handler: Any, event: Any, context: Any) -> Any:
        """Somebody writes the route again and again."""
        if event["corrections"] < history.MOST_CORRECTIONS:
            corrections = event["corrections"] + 1
            return {"next": "again", "corrections": corrections, "note": "somebody wrote it"}
        return handler(event, context)


@pytest.fixture
def stubborn(here: World) -> World:
    Stubborn(here)
    return here


def test_a_release_that_does_everything_again_stays_within_what_was_counted(
    stubborn: World,
) -> None:
    outcome = stubborn.release(request(profile=STUBBORN))
    assert outcome.state == "Reverted", outcome.cause
    assert outcome.path.count("Promotion") == 1 + MOST_OF_KIND["retry"]
    assert outcome.path.count("Pause") == MOST_OF_KIND["pause"]
    found = by_place(events_of(stubborn, "release-1"))
    for place in PARTS:
        assert found[place] <= bound(place), place
    for place in ("rollout", "promotion"):
        # Not everything can happen in one release, but a bound that is far off forbids too much.
        assert found[place] > 0.65 * bound(place), place


def test_a_release_that_waits_for_hours_stays_within_what_was_counted(here: World) -> None:
    gated = profile(promotion={"approval": True, "gate_seconds": 36_000}, alarms=[])
    queued = request(profile=profile(concurrency="queue"), images={"app": "shop:v3"})
    second = later(here, FIRST_BAKE, lambda: here.release(queued, "release-2"))
    here.release(request(profile=gated))
    (outcome,) = second
    assert outcome.state == "Rejected"
    assert "the split was not free for 14400 s" in outcome.cause
    looks = outcome.path.count("WaitForTurn")
    assert 0.8 * most_turns() < looks <= most_turns()
    assert outcome.events <= bound("turn")


@pytest.mark.parametrize("kind", ["pause", "retry"])
def test_one_more_than_was_counted_is_refused_with_the_reason(here: World, kind: str) -> None:
    Stubborn(here)
    refused: list[Any] = []
    asked = here.handlers["SignalReleaseFunction"]

    def ask(event: Any, context: Any) -> Any:
        answer = asked(event, context)
        if event["signal"] == kind:
            refused.append(answer.get("refused"))
        return answer

    here.handlers["SignalReleaseFunction"] = ask
    with patch.dict(MOST_OF_KIND, {kind: 2}), patch.dict(WANTED, {kind: 3}):
        outcome = here.release(request(profile=STUBBORN))
    assert outcome.state == "Reverted"
    assert refused[:2] == ["", ""]
    assert "it has had 2 signals of this kind" in refused[2]
