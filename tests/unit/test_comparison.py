"""Comparison: rows become tallies, and tallies a verdict in words."""

import pytest

from stepcanary.domain.comparison import Bake, Compared, Row, doubt, judge_of, silent, verdict
from stepcanary.domain.judging import Judging, Metric
from stepcanary.domain.verdict import Verdict

ERRORS = Judging(metrics=[Metric(kind="errors", clusters=1)])
HEALTHY = (50, 0, 950, 1)
BROKEN = (50, 20, 950, 1)
FEW = (3, 0, 57, 0)


def compared(judging: Judging, *counts: tuple[int, int, int, int], step: int = 0) -> Compared:
    judge = judge_of(judging, 2)
    found = Compared().at_step(step, 0, 0)
    for number, counted in enumerate(counts):
        row = Row(
            at=60 * number,
            step=step,
            weight=5,
            counts={metric.named: counted for metric in judging.metrics},
        )
        found = found.after(row, judge)
    return found


def asked(
    judging: Judging,
    *counts: tuple[int, int, int, int],
    holds: int = 1,
    last: bool = True,
    approvals: bool = False,
) -> Verdict:
    bake = Bake(0, 5, holds, last)
    return verdict(
        judging, judge_of(judging, 2), compared(judging, *counts), bake, approvals=approvals
    )


def undecided(what: str) -> Judging:
    return Judging.model_validate({**ERRORS.model_dump(), "undecided": what})


def test_a_canary_that_is_worse_reverts_with_the_evidence_in_the_reason() -> None:
    found = asked(ERRORS, BROKEN, last=False)
    assert found.decision == "revert"
    assert "20 of 50 (40 %) bad answers, the primary 1 of 950 (0.11 %)" in found.reason
    assert "evidence" in found.reason


def test_a_canary_all_of_whose_answers_are_bad_is_said_so_in_words() -> None:
    found = asked(ERRORS, (150, 150, 950, 1), last=False)
    assert "150 of 150 (100 %) bad answers" in found.reason


def test_slow_answers_are_not_called_bad_ones() -> None:
    slow = Judging.model_validate({"metrics": [{"kind": "latency", "slower_than_ms": 400}]})
    assert "20 of 50 (40 %) slow answers, the primary" in asked(slow, BROKEN, last=False).reason


def test_a_step_needs_no_more_than_that_the_canary_is_not_worse() -> None:
    assert asked(ERRORS, FEW, last=False).decision == "advance"


def test_the_last_step_asks_whether_it_is_good() -> None:
    assert asked(ERRORS, *[HEALTHY] * 30).decision == "advance"
    found = asked(ERRORS, FEW)
    assert found.decision == "hold"
    assert found.reason.startswith("not enough evidence: errors: the canary gave 0 of 3")


@pytest.mark.parametrize(
    ("what", "holds", "approvals", "decision", "gated"),
    [
        ("hold", 1, False, "hold", False),
        ("hold", 0, True, "revert", False),
        ("gate", 3, False, "advance", True),
        ("advance", 3, True, "advance", False),
        ("revert", 3, True, "revert", False),
        (None, 1, False, "hold", False),
        (None, 0, True, "advance", True),
        (None, 0, False, "advance", False),
    ],
)
def test_what_follows_undecided_is_the_profiles(
    what: str, holds: int, approvals: bool, decision: str, gated: bool
) -> None:
    found = asked(undecided(what), FEW, holds=holds, approvals=approvals)
    assert (found.decision, found.gated) == (decision, gated)
    assert "not enough evidence" in found.reason


@pytest.mark.parametrize(
    ("no_data", "holds", "decision"),
    [
        ("hold", 1, "hold"),
        ("hold", 0, "revert"),
        ("revert", 1, "revert"),
        ("advance", 0, "advance"),
    ],
)
def test_silence_means_what_the_metric_says(no_data: str, holds: int, decision: str) -> None:
    judging = Judging.model_validate({"metrics": [{"kind": "errors", "no_data": no_data}]})
    assert asked(judging, (0, 0, 60, 0), holds=holds, last=False).decision == decision


def test_data_of_an_earlier_step_is_none_of_this_one() -> None:
    found = compared(ERRORS, HEALTHY)
    assert [metric.named for metric in silent(ERRORS.metrics, 1, found)] == ["errors"]
    assert not silent(ERRORS.metrics, 0, found)


def test_what_only_observes_decides_nothing_and_says_what_it_saw() -> None:
    observing = ERRORS.model_copy(update={"observe": True})
    found = asked(observing, BROKEN)
    assert found.decision == "advance"
    assert "20 of 50" in found.reason
    assert doubt(observing, judge_of(observing, 2), compared(observing, BROKEN)) is None


def test_a_budget_reverts_whatever_the_evidence() -> None:
    judging = Judging.model_validate(
        {"budget": 10, "metrics": [{"kind": "errors", "ratio": 50, "clusters": 50}]}
    )
    found = asked(judging, (5_000, 60, 95_000, 190), last=False)
    assert found.decision == "revert"
    assert "50 bad answers more than the primary would have, over the budget of 10" in found.reason


def test_a_step_that_is_baked_again_goes_on_and_the_next_one_begins() -> None:
    once = Compared().at_step(0, 540, 600)
    assert once.at_step(0, 1_140, 1_200) == once
    later = once.at_step(1, 1_140, 1_200)
    assert (later.since, later.settled) == (1_140, 1_200)


def test_when_a_weight_has_settled_is_kept_once_it_is_known() -> None:
    settling = Compared().at_step(0, 540, None)
    settled = settling.at_step(0, 540, 600)
    assert (settling.settled, settled.settled) == (None, 600)
    assert settled.at_step(0, 540, 900).settled == 600


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ((100, 0, 900, 0), "the canary had 10 % of the requests at a weight of 5 %"),
        ((5, 0, 995, 0), "the canary had 0.5 % of the requests at a weight of 5 %"),
        ((55, 0, 945, 0), ""),
        ((2, 0, 10, 0), ""),
    ],
)
def test_a_share_that_is_far_from_the_weight_is_told(
    counts: tuple[int, int, int, int], told: str
) -> None:
    found = asked(ERRORS, counts, last=False)
    assert found.decision == "advance"
    assert ("at a weight of" in found.reason) == bool(told)
    assert told in found.reason
