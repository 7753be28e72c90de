"""The verdict: one doubt reverts, no data never advances."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.verdict import Alarm, alarming_of, judge, progress, unseen_of

STATES = st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA", "SOMETHING_NEW"])


@pytest.mark.parametrize(
    ("states", "holds_left", "decision"),
    [
        ([], 0, "advance"),
        (["OK", "OK"], 0, "advance"),
        (["OK", "ALARM"], 3, "revert"),
        (["INSUFFICIENT_DATA", "ALARM"], 3, "revert"),
        (["OK", "INSUFFICIENT_DATA"], 1, "hold"),
        (["OK", "INSUFFICIENT_DATA"], 0, "revert"),
    ],
    ids=[
        "nothing but time judges",
        "all are well",
        "one fires",
        "one fires and one is silent",
        "one is silent and a hold is left",
        "one is silent and no hold is left",
    ],
)
def test_the_alarms_decide(states: list[str], holds_left: int, decision: str) -> None:
    alarms = alarms_in(states)
    assert judge([a.name for a in alarms], alarms, holds_left).decision == decision


def alarms_in(states: list[str]) -> list[Alarm]:
    return [Alarm(f"alarm-{n}", s, fired=s == "ALARM") for n, s in enumerate(states)]


def test_an_alarm_that_fired_and_cleared_reverts() -> None:
    cleared = Alarm("a", "OK", "it fired at 10:00:00 UTC and has cleared since", fired=True)
    verdict = judge(["a"], [cleared], 3)
    assert verdict.decision == "revert"
    assert verdict.reason == "alarm a fired (it fired at 10:00:00 UTC and has cleared since)"


@given(st.lists(STATES, min_size=1, max_size=6))
def test_a_promote_goes_on_without_data_but_not_over_an_alarm(states: list[str]) -> None:
    alarms = alarms_in(states)
    verdict = judge([a.name for a in alarms], alarms, 0, promoted=True)
    assert verdict.decision == ("revert" if "ALARM" in states else "advance")


def test_an_alarm_that_is_gone_reverts_and_is_named() -> None:
    verdict = judge(["a", "b"], [Alarm("a", "OK")], 3)
    assert verdict.decision == "revert"
    assert "b" in verdict.reason


BLIND = Alarm("b", "OK", blind="EVALUATION_ERROR: no such metric")


@pytest.mark.parametrize(
    ("holds_left", "decision", "reason"),
    [
        (1, "hold", "alarm b cannot see (EVALUATION_ERROR: no such metric)"),
        (0, "revert", "no hold is left. Mend what the alarm says about itself in CloudWatch"),
    ],
)
def test_an_alarm_that_cannot_see_is_no_ok(holds_left: int, decision: str, reason: str) -> None:
    verdict = judge(["a", "b"], [Alarm("a", "OK"), BLIND], holds_left)
    assert verdict.decision == decision
    assert reason in verdict.reason


def test_what_is_blind_and_what_has_no_data_are_told_apart() -> None:
    silent = Alarm("a", "INSUFFICIENT_DATA")
    blind = Alarm("b", "INSUFFICIENT_DATA", blind="EVALUATION_FAILURE")
    verdict = judge(["a", "b"], [silent, blind], 1)
    assert verdict.reason == "alarm b cannot see (EVALUATION_FAILURE); alarm without data: a"
    assert judge(["a"], [silent], 0).reason.endswith("where silence is healthy")


def test_a_person_goes_on_over_what_is_blind_and_not_over_what_is_gone() -> None:
    assert judge(["b"], [BLIND], 0, promoted=True).decision == "advance"
    gone = judge(["b", "c"], [BLIND], 3, promoted=True)
    assert (gone.decision, gone.reason) == ("revert", "alarm c no longer exists")


def test_what_reverts_at_once_is_what_fired_or_is_gone() -> None:
    fired = Alarm("a", "ALARM", "9 > 3", fired=True)
    both = "alarm c no longer exists; alarm a fired (9 > 3)"
    assert alarming_of(["a", "b", "c"], [fired, BLIND]) == both
    assert alarming_of(["b"], [BLIND]) is None
    unseen = "alarm c no longer exists; alarm b cannot see (EVALUATION_ERROR: no such metric)"
    assert unseen_of(["b", "c"], [BLIND]) == unseen
    assert unseen_of(["a"], [Alarm("a", "INSUFFICIENT_DATA")]) is None


@given(st.lists(STATES, min_size=1, max_size=6), st.integers(0, 3))
def test_only_all_ok_advances(states: list[str], holds_left: int) -> None:
    alarms = alarms_in(states)
    verdict = judge([a.name for a in alarms], alarms, holds_left)
    assert (verdict.decision == "advance") == (set(states) == {"OK"})
    assert verdict.reason


@given(st.integers(0, 9), st.integers(0, 5))
def test_holding_never_reaches_the_next_step(step: int, holds: int) -> None:
    after = progress(judge(["a"], [Alarm("a", "INSUFFICIENT_DATA")], 1), step, holds, last=False)
    assert (after.next, after.step, after.holds) == ("bake", step, holds + 1)


def test_the_last_step_leads_to_the_gate_where_there_is_one() -> None:
    advance = judge([], [], 0)
    assert progress(advance, 1, 0, last=False).next == "shift"
    assert progress(advance, 1, 0, last=False, gated=True).next == "gate"
    assert progress(advance, 2, 0, last=True).next == "promote"
    assert progress(advance, 2, 0, last=True, gated=True).next == "gate"


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (0, "no alarm judges this release; the bake is over"),
        (1, "the alarm is OK"),
        (3, "all 3 alarms are OK"),
    ],
)
def test_what_is_well_is_said_in_english(number: int, reason: str) -> None:
    names = [f"alarm-{n}" for n in range(number)]
    assert judge(names, [Alarm(name, "OK") for name in names], 0).reason == reason


@given(st.integers(0, 9), st.integers(0, 5))
def test_the_next_step_begins_with_all_its_holds(step: int, holds: int) -> None:
    after = progress(judge([], [], 0), step, holds, last=False)
    assert (after.next, after.step, after.holds) == ("shift", step + 1, 0)


@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_a_revert_is_a_revert_wherever_the_release_is(last: bool, gated: bool) -> None:
    revert = judge(["a"], [], 3)
    after = progress(revert, 2, 0, last=last, gated=gated)
    assert (after.next, after.step, after.reason) == ("revert", 2, revert.reason)


def test_a_gate_is_of_the_step_that_was_baked() -> None:
    advance = judge([], [], 0)
    assert progress(advance, 1, 2, last=False, gated=True).step == 1
    assert progress(advance, 2, 2, last=True).step == 2
