"""Turns: who waits keeps its place, is seen and can be withdrawn; a late delivery tells nothing."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest

from stepcanary.aws import eventbridge
from stepcanary.domain.events import ReleaseEvent
from stepcanary.store import queue, starts
from tests.builders import request
from tests.eventually import within
from tests.fakes.cloud import Document
from tests.statemachine.runner import Outcome, World
from tests.statemachine.test_actions import act, answer, stored
from tests.statemachine.timeline import FIRST_BAKE, later

QUEUED = {"concurrency": "queue"}


def release_in(here: World, seconds: float, image: str, name: str) -> list[Any]:
    return later(here, seconds, partial(here.start, request(images={"app": image}), name))


def once_it_waits(here: World, do: Callable[[], Any]) -> list[Any]:
    """Do it when a release is in the queue: the second one plans in a thread of its own."""

    def done() -> Any:
        within(60)(lambda: queue.queued(split_of()) is not None)
        return do()

    return later(here, FIRST_BAKE + 60, done)


def right_before(
    here: World, function: str, do: Callable[[], Any], *, waited: bool = False
) -> list[Any]:
    """Do it once, in its own thread, when the second release calls the function; with `waited`,
    once it is in the queue."""
    handler = here.handlers[function]
    done: list[Any] = []

    def first(event: Any, context: Any) -> Any:
        execution = event.get("release", event)["execution"]
        due = execution == here.arn("release-2") and (event.get("waited") or not waited)
        if due and not done:
            done.append(do())
        return handler(event, context)

    here.handlers[function] = first
    return done


def test_a_release_that_waits_is_in_the_status(here: World) -> None:
    stored(here, **QUEUED)
    second = release_in(here, FIRST_BAKE, "shop:v2", "release-2")
    seen = once_it_waits(here, lambda: answer(here, "status"))
    assert here.release(request(images={"app": "shop:v9"})).state == "Released"
    assert here.wait(second[0]).state == "Released"
    (waiting,) = seen[0]["waiting"]
    assert waiting["execution"] == here.arn("release-2")
    assert seen[0]["running"][0]["execution"] == here.arn("release-1")
    assert "waiting" not in answer(here, "status")


@pytest.mark.parametrize("named", [{}, {"execution": "release-2"}], ids=["whoever waits", "named"])
def test_a_release_that_waits_can_be_withdrawn(here: World, named: Document) -> None:
    stored(here, **QUEUED)
    second = release_in(here, FIRST_BAKE, "shop:v2", "release-2")
    told = once_it_waits(
        here,
        lambda: answer(here, "withdraw", by="jane", reason="wrong image", **named),
    )
    assert here.release(request(images={"app": "shop:v9"})).state == "Released"
    outcome = here.wait(second[0])
    assert outcome.state == "Rejected"
    assert "withdrawn before it began: by jane (claimed): wrong image" in outcome.cause
    assert told[0]["executions"] == [here.arn("release-2")]
    assert here.cloud.running_image("example1") == "shop:v9"
    assert queue.waiting("checkout") == []


@pytest.mark.parametrize(
    ("more", "message"),
    [({}, "no release of checkout waits"), ({"execution": "x"}, "no release of checkout waits")],
)
def test_nobody_who_waits_not_is_withdrawn(here: World, more: Document, message: str) -> None:
    outcome = act(here, "withdraw", **more)
    assert outcome.state == "Rejected"
    assert message in outcome.cause


def test_one_that_is_named_and_waits_not_is_told_who_does(here: World) -> None:
    stored(here, **QUEUED)
    second = release_in(here, FIRST_BAKE, "shop:v2", "release-2")
    told = once_it_waits(here, lambda: act(here, "withdraw", execution="release-1"))
    here.release(request(images={"app": "shop:v9"}))
    assert here.wait(second[0]).state == "Released"
    assert told[0].state == "Rejected"
    assert "release-1 does not wait; those that do: " in told[0].cause
    assert "release-2" in told[0].cause


def test_one_that_was_stopped_is_not_said_to_be_withdrawn(here: World) -> None:
    """Its place in the queue stays behind."""
    stored(here, **QUEUED)
    assert here.wait(here.start_and_stop(request(), "release-2", FIRST_BAKE)).status == "ABORTED"
    assert queue.enqueue(split_of(), "checkout", here.arn("release-2"), 1)
    told = act(here, "withdraw", execution="release-2")
    assert told.state == "Rejected", told
    assert "no release of checkout waits for its turn" in told.cause


@pytest.mark.parametrize("started_at", [1, 2**50], ids=["older", "newer"])
def test_one_that_was_withdrawn_is_told_so_whoever_has_its_place(
    here: World, started_at: int
) -> None:
    stored(here, **QUEUED)

    def withdraw_and_take() -> bool:
        here.invoke("TakeActionFunction", withdrawal("release-3"))
        return queue.enqueue(split_of(), "checkout", here.arn("another"), started_at)

    took = right_before(here, "PlanReleaseFunction", withdraw_and_take, waited=True)
    second = release_in(here, FIRST_BAKE, "shop:v2", "release-2")
    here.release(request(images={"app": "shop:v9"}))
    outcome = here.wait(second[0])
    assert took == [True]
    assert outcome.state == "Rejected"
    assert "withdrawn before it began: by somebody" in outcome.cause


def test_one_that_is_withdrawn_as_it_opens_does_not_open_in_the_place_of_another(
    here: World,
) -> None:
    stored(here, **QUEUED)

    def withdraw_and_take() -> Any:
        answered = here.invoke("TakeActionFunction", withdrawal("release-3"))
        queue.enqueue(split_of(), "checkout", here.arn("another"), 2**50)
        return answered

    told = right_before(here, "OpenReleaseFunction", withdraw_and_take)
    second = release_in(here, FIRST_BAKE, "shop:v2", "release-2")
    here.release(request(images={"app": "shop:v9"}))
    outcome = here.wait(second[0])
    assert told[0]["answer"]["executions"] == [here.arn("release-2")]
    assert "withdrawn before it began" in outcome.cause
    assert here.cloud.running_image("example1") == "shop:v9"


def test_one_that_is_withdrawn_as_it_opens_does_not_open(here: World) -> None:
    """Its plan was made before, on a split that had become free."""
    stored(here, **QUEUED)
    withdraw = partial(here.invoke, "TakeActionFunction", withdrawal("release-3"))
    told = right_before(here, "OpenReleaseFunction", withdraw)
    second = release_in(here, FIRST_BAKE, "shop:v2", "release-2")
    assert here.release(request(images={"app": "shop:v9"})).state == "Released"
    outcome = here.wait(second[0])
    assert told[0]["answer"]["executions"] == [here.arn("release-2")]
    assert outcome.state == "Rejected"
    assert "withdrawn before it began" in outcome.cause
    assert here.cloud.running_image("example1") == "shop:v9"


def withdrawal(name: str) -> Document:
    return {"execution": name, "request": {"service": "checkout", "action": "withdraw"}}


def test_one_that_waits_to_begin_is_seen_and_withdrawn(here: World) -> None:
    """Many were started at once."""
    for _ in range(20):
        starts.take_turn()
    seen = later(here, 30, lambda: answer(here, "status"))
    later(here, 60, lambda: answer(here, "withdraw"))
    outcome = here.release(request())
    assert [each["execution"] for each in seen[0]["waiting"]] == [here.arn("release-1")]
    assert outcome.state == "Rejected"
    assert outcome.path.count("WaitToBegin") == 1
    assert "withdrawn before it began: by somebody" in outcome.cause
    assert here.cloud.weights == []


def test_a_plan_that_comes_again_makes_nobody_wait(here: World) -> None:
    """The second delivery takes a turn of its own, and the release has begun long since."""
    deliveries = Deliveries(here, "PlanReleaseFunction")
    late = later(here, FIRST_BAKE, lambda: [starts.take_turn() for _ in range(20)])
    again = later(here, FIRST_BAKE + 1, deliveries.again)
    seen = later(here, FIRST_BAKE + 2, lambda: answer(here, "status"))
    told = later(here, FIRST_BAKE + 3, lambda: act(here, "withdraw"))
    assert here.release(request()).state == "Released"
    assert late
    assert again[0][0]["later"]
    assert "waiting" not in seen[0]
    assert told[0].state == "Rejected"


def test_one_that_was_started_earlier_takes_no_place_of_a_newer_one(here: World) -> None:
    """It was slow to plan, and has the lease first. It is older, so the newer one goes on after."""
    assert queue.enqueue(split_of(), "checkout", here.arn("newer"), 2**50)
    assert here.release(request()).state == "Released"
    assert [place.execution for place in queue.waiting("checkout")] == [here.arn("newer")]


def split_of() -> str:
    return "appmesh/123456789012/example/example/example"


def test_a_newer_one_takes_the_place_of_an_older_one(here: World) -> None:
    assert queue.enqueue(split_of(), "checkout", here.arn("older"), 1)
    assert here.release(request()).state == "Released"
    assert queue.queued(split_of()) is None


def test_another_service_on_the_split_takes_no_place(here: World) -> None:
    assert queue.enqueue(split_of(), "basket", here.arn("older"), 1)
    assert here.release(request()).state == "Released"
    assert [place.execution for place in queue.waiting("basket")] == [here.arn("older")]


def test_one_that_is_refused_as_it_opens_leaves_its_place(here: World) -> None:
    stored(here, **QUEUED)
    open_release = here.handlers["OpenReleaseFunction"]

    def changed(event: Any, context: Any) -> Any:
        if event["release"]["execution"] == here.arn("release-2"):
            # ECS services that another split has: somebody has just taken them.
            here.cloud.services["example2"]["desiredCount"] = 3
        return open_release(event, context)

    here.handlers["OpenReleaseFunction"] = changed
    second = release_in(here, FIRST_BAKE, "shop:v2", "release-2")
    assert here.release(request(images={"app": "shop:v9"})).state == "Released"
    assert here.wait(second[0]).state == "Rejected"
    assert queue.queued(split_of()) is None


class Deliveries:
    """What the machine sent to a function, to be sent again."""

    def __init__(self, here: World, *functions: str) -> None:
        self.here = here
        self.sent: list[tuple[str, str]] = []
        for function in functions:
            here.handlers[function] = self._noting(function, here.handlers[function])

    def _noting(self, function: str, handler: Any) -> Any:
        def noting(event: Any, context: Any) -> Any:
            self.sent.append((function, json.dumps(event)))
            return handler(event, context)

        return noting

    def again(self) -> list[Any]:
        return [self.here.invoke(name, json.loads(event)) for name, event in list(self.sent)]


@pytest.mark.parametrize("seconds", [FIRST_BAKE, 5_000], ids=["it runs", "it is over"])
@pytest.mark.parametrize("concurrency", ["reject", "queue", "supersede"])
def test_a_late_delivery_rejects_nobody(here: World, seconds: float, concurrency: str) -> None:
    stored(here, concurrency=concurrency)
    deliveries = Deliveries(here, "PlanReleaseFunction", "OpenReleaseFunction")
    published: list[ReleaseEvent] = []
    with patch.object(eventbridge, "publish", published.append):
        answers = later(here, seconds, deliveries.again)
        outcome = here.release(request())
        here.clock.sleep(6_000)
    assert outcome.state == "Released"
    assert answers[0]
    assert "Release Rejected" not in [event.detail_type for event in published]
    assert here.records() == {"release-1": "Released"}


def test_what_was_refused_as_it_opened_is_told(here: World) -> None:
    """It held the lease for a moment, and never began."""
    open_release = here.handlers["OpenReleaseFunction"]

    def changed(event: Any, context: Any) -> Any:
        here.cloud.set_alarm("example2-5xx", "ALARM")
        return open_release(event, context)

    here.handlers["OpenReleaseFunction"] = changed
    published: list[ReleaseEvent] = []
    with patch.object(eventbridge, "publish", published.append):
        outcome: Outcome = here.release(request())
    assert outcome.state == "Rejected"
    assert [event.detail_type for event in published] == ["Release Rejected"]
