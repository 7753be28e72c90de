"""The verdict: one doubt reverts, no data never advances."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.verdict import Alarm, judge, progress

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
)
def test_examples(states: list[str], holds_left: int, decision: str) -> None:
    alarms = [Alarm(f"alarm-{n}", state) for n, state in enumerate(states)]
    assert judge([a.name for a in alarms], alarms, holds_left).decision == decision


def test_an_alarm_that_is_gone_reverts_and_is_named() -> None:
    verdict = judge(["a", "b"], [Alarm("a", "OK")], 3)
    assert verdict.decision == "revert"
    assert "b" in verdict.reason


@given(st.lists(STATES, min_size=1, max_size=6), st.integers(0, 3))
def test_only_all_ok_advances(states: list[str], holds_left: int) -> None:
    alarms = [Alarm(f"alarm-{n}", state) for n, state in enumerate(states)]
    verdict = judge([a.name for a in alarms], alarms, holds_left)
    assert (verdict.decision == "advance") == (set(states) == {"OK"})
    assert verdict.reason


@given(st.integers(0, 9), st.integers(0, 5))
def test_holding_never_reaches_the_next_step(step: int, holds: int) -> None:
    after = progress(judge(["a"], [Alarm("a", "INSUFFICIENT_DATA")], 1), step, holds, 10)
    assert (after["step"], after["holds"], after["complete"]) == (step, holds + 1, False)
