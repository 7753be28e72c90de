"""Doubts: a release that the stack itself reverts is counted once, whoever sees it first."""

import logging
from collections.abc import Callable
from functools import partial
from unittest.mock import patch

import pytest

from stepcanary import observability
from stepcanary.domain.signals import Signal
from stepcanary.observability import logger
from stepcanary.release import signalling
from stepcanary.store import leases, mailbox
from tests.builders import profile, request
from tests.fakes.service import Document
from tests.statemachine.runner import World
from tests.statemachine.test_log_signal import GROUP, breaks_once_returned, logged, on_return
from tests.statemachine.test_telling import Told
from tests.statemachine.timeline import FIRST_BAKE

Doubt = Callable[[World], None]
STEPS = [{"weight": 20, "bake_seconds": 600}, {"weight": 100, "bake_seconds": 600}]
IN_A_BAKE = FIRST_BAKE + 100


def fires(here: World, *names: str, seconds: float = IN_A_BAKE) -> None:
    for name in names:
        here.clock.after(seconds, partial(here.cloud.set_alarm, name, "ALARM"))


def is_worse(here: World) -> None:
    here.cloud.bad = lambda side, _at: 0.3 if side == "canary" else 0.001


def is_watched(here: World) -> None:
    is_worse(here)
    for seconds in (400, 401):
        here.clock.after(FIRST_BAKE + seconds, lambda: here.invoke("WatchReleasesFunction", {}))


def is_logged(here: World) -> None:
    is_worse(here)
    here.cloud.log_requests(GROUP)


def is_swept(here: World) -> None:
    """The event of the alarm is lost."""
    here.cloud.on_alarm = lambda _name, _before, _state: None
    fires(here, "example2-5xx")
    for seconds in (1, 2):
        here.clock.after(IN_A_BAKE + seconds, lambda: here.invoke("ReconcileFunction", {}))


def is_logged_once_returned(here: World) -> None:
    """The last look sees it, and nobody signals."""
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    breaks_once_returned(here, 5)


def fires_once_returned(here: World) -> None:
    """The event of the alarm is lost."""
    here.cloud.on_alarm = lambda _name, _before, _state: None
    on_return(here, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))


def two_fire(here: World) -> None:
    here.cloud.set_alarm("checkout-slow", "OK")
    fires(here, "example2-5xx", "checkout-slow")


def ask(here: World, *by: str) -> None:
    """For a revert by the execution, which does not get to it before all have asked."""
    (lease,) = leases.of_service("checkout")
    at = int(here.clock.now().timestamp())
    for name in by:
        signalling.doubt(lease, Signal(kind="revert", by=name, at=at), "checkout")


def told_of(here: World, wanted: Document, doubt: Doubt) -> list[float]:
    found = Told()
    doubt(here)
    with patch.object(observability, "write", found.count):
        outcome = here.release(wanted)
    assert outcome.state == "Reverted", outcome
    return found.values("Doubts", stack="stepcanary", service="checkout")


TWO = profile(steps=STEPS, alarms=["example2-5xx", "checkout-slow"])
JUDGED = request(profile=profile(steps=STEPS, judge={}))


CASES: dict[str, tuple[Document, Doubt]] = {
    "an alarm": (request(profile=profile(steps=STEPS)), lambda here: fires(here, "example2-5xx")),
    "two alarms": (request(profile=TWO), two_fire),
    "the verdict": (JUDGED, is_worse),
    "the watch": (JUDGED, is_watched),
    "the log": (logged(), is_logged),
    "the log, once the weights are back": (logged(), is_logged_once_returned),
    "an alarm, once the weights are back": (
        request(profile=profile(steps=STEPS)),
        fires_once_returned,
    ),
    "several at once": (
        request(profile=profile(steps=STEPS)),
        lambda here: here.clock.after(IN_A_BAKE, lambda: ask(here, "the sweep", "the judge")),
    ),
    "the sweep": (request(profile=profile(steps=STEPS)), is_swept),
}


@pytest.mark.parametrize("case", CASES)
def test_a_doubt_is_counted_once(here: World, case: str) -> None:
    assert told_of(here, *CASES[case]) == [1]


def test_a_doubt_of_help_from_outside_is_counted(here: World) -> None:
    """The execution dies in its last wait, and the version turns bad before the weights rest."""
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    breaks_once_returned(here, 2)
    found = Told()
    with patch.object(observability, "write", found.count):
        here.wait(here.start_and_stop(logged(), "release-1", 545))
        here.pass_minutes(8)
    assert here.records() == {"release-1": "Reverted"}
    assert found.values("Doubts", stack="stepcanary", service="checkout") == [1]


def test_a_doubt_by_the_log_is_one_line_that_names_its_release_and_service(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Told()
    written = logging.getLogger(logger.name)
    monkeypatch.setattr(written, "level", logging.INFO)
    written.addHandler(found)
    try:
        told_of(here, *CASES["the log"])
    finally:
        written.removeHandler(found)
    lines = [line for line in found.lines if "doubt" in line["message"]]
    named = [(line["decision"], line["release"], line["of_service"]) for line in lines]
    assert named == [("doubted", "release-1", "checkout")]


def test_what_a_person_reverts_is_in_no_doubt(here: World) -> None:
    def revert(here: World) -> None:
        here.clock.after(IN_A_BAKE, lambda: here.signal("revert", by="jane"))

    assert told_of(here, request(profile=profile(steps=STEPS)), revert) == []


def test_what_is_signalled_after_its_verdict_is_in_doubt_already(here: World) -> None:
    def decide(here: World) -> None:
        (lease,) = leases.of_service("checkout")
        mailbox.decide_way_back(lease, mailbox.is_at_stage(lease))
        ask(here, "the sweep")

    wanted = request(profile=profile(steps=STEPS))
    assert (
        told_of(here, wanted, lambda here: here.clock.after(IN_A_BAKE, lambda: decide(here))) == []
    )
