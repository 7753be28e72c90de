import random
from typing import Any

from stepcanary.domain.comparison import Bake, Compared, doubt, judge_of, verdict
from stepcanary.domain.evidence import Tolerance
from stepcanary.domain.judge import Tally
from stepcanary.domain.judged import seen
from stepcanary.domain.judging import Judging
from stepcanary.domain.log_counts import RETURNED, LogCounts, counted, tally
from stepcanary.domain.log_lines import Batch, Read
from stepcanary.domain.log_source import LogSource
from stepcanary.domain.metric_rule import Rule

SOURCE = LogSource(group="/ecs/checkout", status="status")
LOG: dict[str, Any] = {"group": "/ecs/checkout", "status": "status"}
JUDGING = Judging.model_validate({"metrics": [{"kind": "errors"}, {"kind": "logs", "log": LOG}]})
RULE = Rule("logs", Tolerance(0.0, 0.01), Tolerance(0.0, 0.01), clusters=1.0)


def batch(*statuses: tuple[int, int]) -> Batch:
    events = [
        {"id": str(n), "timestamp": at, "message": f'{{"status": {status}}}'}
        for n, (at, status) in enumerate(statuses)
    ]
    return Batch.model_validate({"messageType": "DATA_MESSAGE", "logEvents": events})


def tallies(**by_step: tuple[int, int]) -> dict[str, Tally]:
    counts = {int(step[1:]): {"logs": Read(*found)} for step, found in by_step.items()}
    return LogCounts(counts=counts).tallies(JUDGING)


def test_a_line_is_of_the_step_in_which_it_was_written() -> None:
    since = LogCounts(since={0: 1_000, 1: 2_000})
    lines = batch((999, 503), (1_000, 503), (2_500, 200), (1_999, 200))
    assert counted(lines, {"logs": SOURCE}, since.step_at).counts == {
        0: {"logs": Read(2, 1, 0)},
        1: {"logs": Read(1, 0, 0)},
    }


def test_before_the_canary_has_weight_nothing_is_counted() -> None:
    assert counted(batch((1_000, 503)), {"logs": SOURCE}, LogCounts().step_at).counts == {}


def test_lines_of_somebody_else_count_nothing() -> None:
    assert counted(batch((1, 503)), {}, LogCounts(since={0: 0}).step_at).counts == {}


def test_lines_of_nobody_knows_whom_cannot_be_read() -> None:
    since = LogCounts(since={0: 0})
    assert counted(batch((1, 200)), {"logs": None}, since.step_at).counts == {
        0: {"logs": Read(0, 0, 1)}
    }


def test_neither_order_nor_size_of_batches_makes_a_difference() -> None:
    chance = random.Random(1)
    found = {step: Read(400, 7, 1) for step in range(3)}
    whole = tally(found, RULE)
    for _ in range(20):
        parts: list[dict[int, Read]] = []
        for step, read in found.items():
            cut = chance.randrange(read.requests)
            bad = min(cut, chance.randrange(read.bad))
            parts += [{step: Read(cut, bad, 0)}]
            parts += [{step: Read(read.requests - cut, read.bad - bad, 1)}]
        chance.shuffle(parts)
        summed: dict[int, Read] = {}
        for part in parts:
            for step, read in part.items():
                summed[step] = summed.get(step, Read()).plus(read)
        assert tally(summed, RULE) == whole


def test_a_step_begins_afresh_beside_the_tests_before_it() -> None:
    """What was well for long hides no fault that comes late."""
    judge = judge_of(JUDGING, 4)
    late = tallies(s0=(5_000, 0), s1=(10, 6))
    assert len(late["logs"].tests) == 2
    assert doubt(JUDGING, judge, Compared(tallies=late))
    assert doubt(JUDGING, judge, Compared(tallies=tallies(s0=(5_010, 6)))) is None


def test_a_few_errors_of_an_outage_are_enough() -> None:
    judge = judge_of(JUDGING, 4)
    enough = next(
        bad
        for bad in range(1, 20)
        if doubt(JUDGING, judge, Compared(tallies=tallies(s0=(bad, bad))))
    )
    assert 3 <= enough <= 6
    # As many beside requests of a canary that is well are none of it.
    assert doubt(JUDGING, judge, Compared(tallies=tallies(s0=(2_000, enough)))) is None


def test_a_good_canary_is_reverted_no_more_often_than_said() -> None:
    """At each look, over many batches: with a share of bad answers that is just tolerated."""
    chance, judge, reverted = random.Random(2), judge_of(JUDGING, 4), 0
    for _ in range(300):
        requests = bad = 0
        for _ in range(60):
            requests += 20
            bad += sum(chance.random() < 0.01 for _ in range(20))
            if doubt(JUDGING, judge, Compared(tallies=tallies(s0=(requests, bad)))):
                reverted += 1
                break
    assert reverted / 300 < JUDGING.false_reverts


def test_bad_answers_of_a_log_are_held_against_the_budget() -> None:
    """Where the evidence takes them for a few causes, they are too many all the same."""
    log = {"kind": "logs", "log": LOG, "at_most": 0.01, "clusters": 1_000}
    judging = Judging.model_validate({"metrics": [log], "budget": 50})
    judge = judge_of(judging, 4)

    def said(requests: int, bad: int) -> str | None:
        counts = LogCounts(counts={0: {"logs": Read(requests, bad)}})
        return doubt(judging, judge, Compared(tallies=counts.tallies(judging)))

    assert said(1_000, 60) is None
    assert said(1_000, 61) == (
        "logs: the version gave 51 bad answers more than are tolerated, over the budget of 50"
    )
    assert said(10_000, 61) is None
    counts = LogCounts(counts={0: {"logs": Read(1_000, 30)}})
    (found,) = seen(judging, 4, Compared(tallies=counts.tallies(judging)))
    assert (found.excess, found.budget) == (20, 50)


def test_the_limit_is_spoken_and_what_could_not_be_read() -> None:
    counts = LogCounts(counts={0: {"logs": Read(7, 7, 3)}})
    said = doubt(JUDGING, judge_of(JUDGING, 4), Compared(tallies=counts.tallies(JUDGING)))
    assert said is not None
    assert said.startswith(
        "logs: the canary gave 7 of 7 (100 %) bad answers, and 1 % are tolerated; 3 lines could"
        " not be read: evidence "
    )


def test_a_step_without_a_line_that_can_be_read_is_held() -> None:
    judging = Judging.model_validate({"metrics": [{"kind": "logs", "log": LOG}]})
    counts = LogCounts(counts={0: {"logs": Read(0, 0, 12)}})
    compared = Compared(tallies=counts.tallies(judging))
    found = verdict(
        judging, judge_of(judging, 4), compared, Bake(0, 10, 3, last=False), approvals=False
    )
    assert found.decision == "hold"
    assert found.reason == (
        "no request of the canary was counted for logs (12 lines could not be read)"
    )


def test_a_log_says_nothing_of_the_canarys_share() -> None:
    judging = Judging.model_validate({"metrics": [{"kind": "logs", "log": LOG}]})
    compared = Compared(tallies=LogCounts(counts={0: {"logs": Read(900, 0, 0)}}).tallies(judging))
    found = verdict(
        judging, judge_of(judging, 4), compared, Bake(0, 10, 3, last=False), approvals=False
    )
    assert found.decision == "advance"
    assert "of the requests at a weight" not in found.reason


def test_what_the_primary_answers_with_the_version_is_evidence_and_not_the_canarys() -> None:
    healthy = {0: Read(50_000, 40), 1: Read(90_000, 80)}
    found = tally({**healthy, RETURNED: Read(200, 90, 1)}, RULE)
    assert (found.step, found.of_step) == (1, (90_000, 80, 0, 0))
    assert found.of_release == (140_000, 120, 200, 90)
    assert found.unread == 1
    assert found.log_good < tally(healthy, RULE).log_good
    assert tally({**healthy, RETURNED: Read(90_000, 45_000)}, RULE).log_good < 0
    assert found.log_worse(2) > 10
    assert tally(healthy, RULE).log_worse(2) < 0
    assert found.compared == 210


def test_the_primary_alone_may_have_counted() -> None:
    found = tally({RETURNED: Read(40, 20)}, RULE)
    assert (found.step, found.of_step, found.of_release) == (-1, (0, 0, 0, 0), (0, 0, 40, 20))
    assert found.log_worse(2) > 10
    judging = Judging.model_validate({"metrics": [{"kind": "logs", "log": LOG}]})
    compared = Compared(
        tallies=LogCounts(counts={RETURNED: {"logs": Read(40, 20)}}).tallies(judging)
    )
    said = doubt(judging, judge_of(judging, 2), compared)
    assert said is not None
    assert "the canary gave 0 of 0 bad answers, the primary 20 of 40 (50 %)" in said
