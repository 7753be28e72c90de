"""An alarm that is deleted, cannot be evaluated or has no data, at every place of a release."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.builders import profile, request
from tests.fakes.cloud import METRIC_ALARM
from tests.fakes.service import Document
from tests.statemachine.runner import Outcome, World
from tests.statemachine.timeline import FIRST_BAKE, LAST_BAKE, PRIMARY_ROLLS, later

ALARM = "example2-5xx"
DEPLOYING, SETTLING, RETURNED = 5.0, 30.0, 1_060.0
"""Seconds after the start: before the first weight, right after it, and once it is back."""

AT_A_GATE = {"approval": True, "gate_seconds": 3_600}
EVALUATIONS = ("EVALUATION_ERROR", "EVALUATION_FAILURE", "PARTIAL_DATA")


def sweep(here: World) -> Any:
    return here.invoke("ReconcileFunction", {"id": "schedule"})


def delete(here: World) -> Callable[[], None]:
    return lambda: here.cloud.delete_alarm(ALARM)


def blind(here: World, evaluation: str = "EVALUATION_ERROR") -> Callable[[], None]:
    return lambda: here.cloud.fail_evaluation(ALARM, evaluation)


def mend(here: World) -> Callable[[], None]:
    return lambda: here.cloud.evaluate_again(ALARM)


def is_home(here: World, image: str) -> bool:
    return here.cloud.split() == (100, 0) and here.cloud.running_image("example1") == image


def reverted(here: World, outcome: Outcome, why: str) -> bool:
    return outcome.state == "Reverted" and why in outcome.cause and is_home(here, "shop:v1")


# Deleted


@pytest.mark.parametrize(
    ("seconds", "promotion", "pauses"),
    [
        (DEPLOYING, {}, False),
        (SETTLING, {}, False),
        (FIRST_BAKE, {}, False),
        (LAST_BAKE, {}, False),
        (1_500.0, AT_A_GATE, False),
        (1_500.0, {}, True),
        (PRIMARY_ROLLS, {}, False),
    ],
    ids=["deploying", "settling", "bake", "last bake", "gate", "pause", "primary rolls"],
)
def test_a_deleted_alarm_reverts_at_the_next_look(
    here: World, seconds: float, promotion: Document, pauses: bool
) -> None:
    if pauses:
        later(here, FIRST_BAKE, lambda: here.signal("pause"))
    later(here, seconds, delete(here))
    later(here, seconds + 6, lambda: sweep(here))
    here.release(request(profile=profile(promotion=promotion)))
    outcome = here.wait(here.arn("release-1"))
    assert reverted(here, outcome, f"alarm {ALARM} no longer exists"), outcome
    ended = here.clock.now() - here.cloud.began
    assert ended.total_seconds() < seconds + 120


@pytest.mark.parametrize(
    ("seconds", "through"), [(FIRST_BAKE, "Revert"), (PRIMARY_ROLLS, "ReturnToOldPrimary")]
)
def test_a_deleted_alarm_is_seen_without_the_sweep(
    here: World, seconds: float, through: str
) -> None:
    later(here, seconds, delete(here))
    outcome = here.release(request())
    assert reverted(here, outcome, f"alarm {ALARM} no longer exists"), outcome
    assert through in outcome.path


def test_a_person_does_not_promote_over_an_alarm_that_is_gone(here: World) -> None:
    later(here, 1_500, delete(here))
    later(here, 1_501, lambda: here.signal("promote"))
    outcome = here.release(request(profile=profile(promotion=AT_A_GATE)))
    assert reverted(here, outcome, f"alarm {ALARM} no longer exists"), outcome


def test_help_from_outside_does_not_return_to_a_version_whose_alarm_is_gone(here: World) -> None:
    later(here, PRIMARY_ROLLS, delete(here))
    here.wait(here.start_and_stop(request(), "release-1", PRIMARY_ROLLS + 1))
    here.pass_minutes(5)
    assert is_home(here, "shop:v1")
    assert here.records() == {"release-1": "Reverted"}


# Not evaluated


@pytest.mark.parametrize("evaluation", EVALUATIONS)
def test_an_alarm_that_is_not_evaluated_holds_and_then_reverts(
    here: World, evaluation: str
) -> None:
    later(here, FIRST_BAKE, blind(here, evaluation))
    later(here, FIRST_BAKE + 60, lambda: sweep(here))
    outcome = here.release(request())
    assert reverted(here, outcome, f"alarm {ALARM} cannot see ({evaluation}"), outcome
    assert "no hold is left. Mend what the alarm says about itself" in outcome.cause
    assert outcome.path.count("Bake") == 4


@pytest.mark.parametrize("evaluation", ["EVALUATION_FAILURE", "PARTIAL_DATA"])
def test_a_release_begins_and_holds_where_time_may_mend_the_alarm(
    here: World, evaluation: str
) -> None:
    here.cloud.fail_evaluation(ALARM, evaluation)
    later(here, 400.0, mend(here))
    outcome = here.release(request())
    assert outcome.state == "Released", outcome
    assert outcome.path.count("Bake") == 4


@pytest.mark.parametrize(
    ("since", "until", "bakes"),
    [(DEPLOYING, FIRST_BAKE, 3), (SETTLING, 400.0, 4), (FIRST_BAKE, 400.0, 4)],
)
def test_an_alarm_that_sees_again_in_time_lets_the_release_go_on(
    here: World, since: float, until: float, bakes: int
) -> None:
    later(here, since, blind(here))
    later(here, since + 2, lambda: sweep(here))
    later(here, until, mend(here))
    outcome = here.release(request())
    assert outcome.state == "Released", outcome
    assert outcome.path.count("Bake") == bakes


def test_a_pause_is_no_verdict(here: World) -> None:
    later(here, FIRST_BAKE, lambda: here.signal("pause"))
    later(here, 1_500, blind(here))
    later(here, 1_560, lambda: sweep(here))
    later(here, 2_000, lambda: here.signal("resume"))
    outcome = here.release(request())
    assert reverted(here, outcome, "cannot see"), outcome
    assert outcome.path.count("Bake") == 1 + 4


def test_a_person_may_promote_over_an_alarm_that_cannot_see(here: World) -> None:
    later(here, 1_500, blind(here))
    later(here, 1_560, lambda: sweep(here))
    later(here, 2_500, lambda: here.signal("promote"))
    outcome = here.release(request(profile=profile(promotion=AT_A_GATE)))
    assert outcome.state == "Released", outcome
    assert is_home(here, "shop:v2")
    cause = here.causes()["release-1"]
    assert f"After the weights had returned, alarm {ALARM} cannot see" in cause


def test_a_gate_that_nobody_answers_does_not_promote_over_it(here: World) -> None:
    promotion = {**AT_A_GATE, "on_timeout": "promote"}
    later(here, 1_500, blind(here))
    outcome = here.release(request(profile=profile(promotion=promotion)))
    assert reverted(here, outcome, "did not until the deadline"), outcome
    assert "ReturnToOldPrimary" in outcome.path


def test_the_last_look_waits_for_an_alarm_to_see(here: World) -> None:
    later(here, PRIMARY_ROLLS, blind(here))
    shown = later(here, PRIMARY_ROLLS + 55, here.cloud.split)
    later(here, PRIMARY_ROLLS + 60, mend(here))
    outcome = here.release(request())
    assert outcome.state == "Released", outcome
    assert shown == [(0, 100)]
    assert outcome.path.count("CheckPrimary") > 3


def test_what_the_last_look_cannot_see_until_the_deadline_reverts(here: World) -> None:
    later(here, PRIMARY_ROLLS, blind(here))
    outcome = here.release(request())
    assert reverted(here, outcome, f"CanaryAlarmed: alarm {ALARM} cannot see"), outcome
    assert here.cloud.weights[-2:] == [(0, 100), (100, 0)]
    assert "PromotionGate" not in outcome.path


def test_the_last_look_does_not_ask_for_data(here: World) -> None:
    """Its verdict was made; a quiet minute while the primary rolls says nothing new."""
    later(here, PRIMARY_ROLLS, lambda: here.cloud.set_alarm(ALARM, "INSUFFICIENT_DATA"))
    outcome = here.release(request())
    assert outcome.state == "Released", outcome
    assert outcome.path.count("ConfirmRest") == 1


@pytest.mark.parametrize("trouble", [delete, blind])
def test_what_the_last_settling_cannot_see_is_named(
    here: World, trouble: Callable[[World], Callable[[], None]]
) -> None:
    later(here, RETURNED, trouble(here))
    outcome = here.release(request())
    assert outcome.state == "Released", outcome
    assert is_home(here, "shop:v2")
    assert outcome.path.count("ConfirmRest") == 4
    cause = here.causes()["release-1"]
    assert cause.count(f"After the weights had returned, alarm {ALARM}") == 1


def test_an_alarm_that_sees_again_in_the_last_settling_has_its_word(here: World) -> None:
    later(here, RETURNED, blind(here))
    later(here, RETURNED + 60, mend(here))
    later(here, RETURNED + 61, lambda: here.cloud.set_alarm(ALARM, "ALARM"))
    outcome = here.release(request())
    assert reverted(here, outcome, f"alarm {ALARM} fired"), outcome
    assert "RestoreReturned" in outcome.path


# Of other types


def test_a_log_alarm_judges(here: World) -> None:
    here.cloud.watch_logs("errors")
    here.lost.add("RelayAlarmFunction")
    wanted = request(profile=profile(alarms=["errors"]))
    assert here.release(wanted).state == "Released"
    later(here, FIRST_BAKE, lambda: here.cloud.set_alarm("errors", "ALARM"))
    later(here, FIRST_BAKE + 20, lambda: here.cloud.set_alarm("errors", "OK"))
    again = request(images={"app": "shop:v3"}, profile=profile(alarms=["errors"]))
    outcome = here.release(again, "release-2")
    assert outcome.state == "Reverted", outcome
    assert "alarm errors fired (it fired at" in outcome.cause


@pytest.mark.parametrize("rule", [f"ALARM({ALARM}) OR ALARM(other)", f"NOT OK({ALARM})"])
def test_a_composite_alarm_does_not_see_what_its_children_do_not(here: World, rule: str) -> None:
    here.cloud.set_alarm("other", "OK")
    here.cloud.combine("both", rule)
    later(here, FIRST_BAKE, blind(here))
    outcome = here.release(request(profile=profile(alarms=["both"])))
    assert reverted(here, outcome, f"alarm both cannot see (its alarm {ALARM}:"), outcome


# What the plan warns of


def test_a_warning_is_in_the_release_and_in_its_status(here: World) -> None:
    here.cloud.alarm_settings[ALARM] = {**METRIC_ALARM, "Period": 3_600}
    status = later(
        here,
        FIRST_BAKE,
        lambda: here.invoke(
            "TakeActionFunction",
            {"execution": here.arn("act"), "request": {"service": "checkout", "action": "status"}},
        ),
    )
    assert here.release(request()).state == "Released"
    document = next(d for d in here.documents() if "release" in d)
    warning, last = json.loads(document["release"]["S"])["warnings"]
    assert warning.startswith(f"alarms: {ALARM} (3600 s) may need bad data for so long to fire")
    assert last.startswith("steps: the bake at 100 % lasts 300 s")
    assert status[0]["answer"]["running"][0]["warnings"] == [warning, last]
