"""Profiles: what is wrong in itself is refused, and one route has one key."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stepcanary.domain.profile import DAY_SECONDS, LONGEST_ROLLOUT_SECONDS, Profile
from tests.builders import profile, traffic
from tests.unit.examples import EXECUTION, a_profile

OTHER_ACCOUNT = EXECUTION.replace("123456789012", "210987654321")
WEIGHTS = st.lists(st.integers(1, 100), min_size=1, max_size=6)


def steps(*weights: int, **more: Any) -> list[dict[str, Any]]:
    return [{"weight": weight, "bake_seconds": 0, **more} for weight in weights]


LONG: dict[str, Any] = {
    "steps": [{"weight": weight, "bake_seconds": 60} for weight in range(51, 101)],
    "deployment": {"deadline_seconds": 7_200, "check_seconds": 1},
}


def key(execution: str = EXECUTION, **changed: Any) -> str:
    return a_profile(traffic=traffic(**changed)).traffic[0].key(execution)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"canary": "example1"}, "primary and canary must be two"),
        ({"traffic": []}, "at least 1 item"),
        ({"traffic": traffic() * 11}, "at most 10 items"),
        ({"traffic": traffic(canary_node="example1")}, "must differ"),
        ({"traffic": traffic(rest_weight=100)}, "rest_weight is for PlanRelease"),
        ({"traffic": traffic(drain_seconds=-1)}, "drain_seconds"),
        ({"traffic": traffic(mesh_owner="12345678901")}, "mesh_owner"),
        ({"traffic": traffic(settle_seconds=0)}, "settle_seconds"),
        ({"steps": []}, "at least 1 item"),
        ({"steps": steps(0)}, "steps.0.weight"),
        ({"steps": steps(101)}, "steps.0.weight"),
        ({"steps": steps(25, 25)}, "weight 25 comes after 25"),
        ({"steps": steps(5, 50, 25)}, "weight 25 comes after 50"),
        ({"alarms": ["a", "b", "a"]}, "one alarm twice"),
        ({"alarms": None}, "alarms"),
        ({"deployment": {"deadline_seconds": 10, "check_seconds": 11}}, "lower check_seconds"),
        ({**LONG, "holds": 10, "revert_seconds": 7_200}, "steps and their holds"),
        ({"promotion": {"on_failure_timeout": "promote"}}, "on_failure_timeout"),
        ({"slack_users": {"promote": ["jane"]}}, "slack_users.promote"),
        ({"slack_users": {"dance": ["*"]}}, "slack_users.dance"),
        ({"holds": True}, "holds"),
        ({"hold": 3}, "hold"),
    ],
    ids=[
        "one service for both sides",
        "no traffic",
        "too many splits",
        "one node for both sides",
        "a rest weight by hand",
        "a drain below nothing",
        "an owner that is no account",
        "a router that follows at once",
        "no steps",
        "a step of nothing",
        "a step of more than all",
        "a step that stays",
        "a step that falls",
        "an alarm twice",
        "alarms of nothing",
        "a first look after the deadline",
        "more than the history of an execution takes",
        "a failed promotion that is promoted",
        "a name that is no member id",
        "an action that is none",
        "a number that is none",
        "a key that is none",
    ],
)
def test_what_is_wrong_is_refused_and_named(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as wrong:
        a_profile(**changed)
    assert message in str(wrong.value)


def test_that_no_alarm_judges_has_to_be_said_aloud() -> None:
    silent = profile()
    del silent["alarms"]
    with pytest.raises(ValidationError, match="alarms"):
        Profile.model_validate(silent)
    assert a_profile(alarms=[]).alarms == []


@given(WEIGHTS)
def test_steps_have_to_rise_and_then_reach_100(weights: list[int]) -> None:
    try:
        found = [step.weight for step in a_profile(steps=steps(*weights)).all_steps]
    except ValidationError:
        assert weights != sorted(set(weights))
        return
    assert weights == sorted(set(weights))
    assert found == [*weights, 100][: len(weights) + (weights[-1] < 100)]


def test_the_step_to_100_that_is_added_bakes_as_the_last_but_has_no_gate() -> None:
    steps = [{"weight": 5, "bake_seconds": 60}, {"weight": 40, "bake_seconds": 120}]
    added = a_profile(steps=[steps[0], {**steps[1], "approval": True}]).all_steps[-1]
    assert (added.weight, added.bake_seconds, added.approval) == (100, 120, False)


@pytest.mark.parametrize(
    ("changed", "gates", "settling"),
    [
        ({}, 60, 35),
        ({"promotion": {"gate_seconds": 60, "approval": True}}, 120, 35),
        ({"promotion": {"gate_seconds": 3_600}}, 3_600, 35),
        ({"traffic": traffic(settle_seconds=600)}, 60, 600),
        ({"traffic": [*traffic(settle_seconds=90), *traffic(route="b")]}, 60, 90),
    ],
    ids=[
        "the gate of a failed promotion",
        "an approval is a gate more",
        "a long gate",
        "a slow router",
        "the slowest router and not all of them",
    ],
)
def test_a_rollout_fits_into_six_days(changed: dict[str, Any], gates: int, settling: int) -> None:
    """Five steps of a day, and a last one as long as there is time."""
    days = [{"weight": n + 1, "bake_seconds": DAY_SECONDS} for n in range(5)]
    left = LONGEST_ROLLOUT_SECONDS - 5 * DAY_SECONDS - gates - 6 * settling

    def lasting(seconds: int) -> Profile:
        steps_ = [*days, {"weight": 100, "bake_seconds": seconds}]
        return a_profile(**{"holds": 0, "promotion": {"gate_seconds": 60}, **changed}, steps=steps_)

    lasting(left)
    with pytest.raises(ValidationError, match=f"last {LONGEST_ROLLOUT_SECONDS + 1} s"):
        lasting(left + 1)


@pytest.mark.parametrize(
    ("steps_", "holds"),
    [
        ([{"weight": 100, "bake_seconds": 50_000}], 10),
        ([{"weight": 50, "bake_seconds": DAY_SECONDS}], 2),
        (
            [{"weight": w, "bake_seconds": 0, "approval": True} for w in (10, 20, 30, 40, 50, 100)],
            0,
        ),
    ],
    ids=["every hold counts", "the step to 100 that is added counts", "every step's gate counts"],
)
def test_what_may_last_longer_than_six_days_is_refused(
    steps_: list[dict[str, Any]], holds: int
) -> None:
    day = {"gate_seconds": DAY_SECONDS}
    with pytest.raises(ValidationError, match="shorten bake_seconds"):
        a_profile(steps=steps_, holds=holds, promotion=day)
    a_profile(steps=steps_[:1], holds=0, promotion=day)


def test_the_first_look_may_come_with_the_deadline() -> None:
    a_profile(deployment={"deadline_seconds": 10, "check_seconds": 10})


@pytest.mark.parametrize("count", [10, 50], ids=["as somebody may want", "as many as are allowed"])
def test_with_the_default_deadline_any_steps_and_holds_fit_into_a_history(count: int) -> None:
    gated = [{"weight": 100 - n, "bake_seconds": 0, "approval": n < 4} for n in range(count)][::-1]
    usual = {"deployment": {}, "promotion": {"gate_seconds": 60}}
    assert a_profile(steps=gated, holds=10, **usual).deployment.deadline_seconds == 1_800


def test_an_owner_that_is_not_named_is_the_executions_account() -> None:
    assert key() == key(mesh_owner="123456789012")
    assert key() != key(mesh_owner="210987654321")
    assert key(OTHER_ACCOUNT) == key(mesh_owner="210987654321")
    assert key(OTHER_ACCOUNT, mesh_owner="123456789012") == key()


def test_each_part_of_a_routes_name_makes_another_key_and_the_sides_do_not() -> None:
    routes = [{}, {"mesh": "b"}, {"virtual_router": "b"}, {"route": "b"}]
    assert len({key(**changed) for changed in routes}) == len(routes)
    assert key(primary_node="a", canary_node="b", settle_seconds=5) == key()


def test_the_slowest_router_is_waited_for() -> None:
    two = [*traffic(settle_seconds=90), *traffic(route="b", settle_seconds=40)]
    assert a_profile(traffic=two).settle_seconds == 90


@pytest.mark.parametrize(
    ("judge", "refused"),
    [(None, False), ({"undecided": "gate"}, True), ({}, False), ({"undecided": "advance"}, False)],
)
def test_a_gate_that_the_judge_may_open_counts_in_the_longest_rollout(
    judge: Any, refused: bool
) -> None:
    bakes = [{"weight": 100, "bake_seconds": DAY_SECONDS}]
    given = profile(steps=bakes, holds=3, promotion={"gate_seconds": DAY_SECONDS}, judge=judge)
    if refused:
        with pytest.raises(ValidationError, match="shorten bake_seconds or gate_seconds"):
            Profile.model_validate(given)
    else:
        Profile.model_validate(given)
