"""Drawing: the same evidence gives the same picture, by example."""

import re
from dataclasses import replace
from typing import Any

import pytest

from stepcanary.domain.comparison import Compared, Row, judge_of
from stepcanary.domain.drawing import Evidence, draw
from stepcanary.domain.judge import Tally
from stepcanary.domain.judged import Judged, seen
from stepcanary.domain.judging import Judging, Metric
from stepcanary.domain.moments import Moment, read
from stepcanary.domain.picture import Picture
from stepcanary.domain.signals import Signal
from stepcanary.report import words
from stepcanary.report.facts import Facts
from stepcanary.report.markdown import code
from stepcanary.report.page import page
from tests.unit.examples import a_release

STEPS = [
    {"weight": 5, "bake_seconds": 300},
    {"weight": 50, "bake_seconds": 600, "approval": True},
    {"weight": 100, "bake_seconds": 300},
]
JUDGING = Judging(metrics=[Metric(kind="errors", clusters=1)])
LOGGED = Metric.model_validate(
    {"kind": "logs", "name": "access", "log": {"group": "/ecs/shop", "status": "status"}}
)
BOTH = Judging(metrics=[Metric(kind="errors", clusters=1), LOGGED])
DIGEST = "@sha256:" + 64 * "a"


def moments(*told: tuple[int, str]) -> list[Moment]:
    """Each with the second that it was in."""
    return read(f"{1_000 * at} {text}" for at, text in told)


ROLLED = moments(
    (10, "canary canary:2"),
    (40, "steady"),
    (41, "weight 5"),
    (41, "settle"),
    (76, "bake"),
)
"""In the bake of the first step, until 376 s."""


def drawn(*told: Moment, now: int = 100, **changed: Any) -> Picture:
    release = a_release(
        steps=STEPS,
        promotion={"gate_seconds": 3_600, **changed.pop("promotion", {})},
        judge=changed.pop("judge", JUDGING).model_dump(mode="json"),
        primary={
            "service": "example1",
            "task_definition": "arn:aws:ecs:x:1:task-definition/primary:1",
            "content": {"app": "shop:v1" + DIGEST},
        },
    )
    found = Evidence(release, now=1_000 * now, started_at=0, moments=told, phase="rollout")
    return draw(replace(found, **changed))


def test_before_the_first_weight_all_is_to_come() -> None:
    picture = drawn(*ROLLED[:1], now=20)
    assert [step.state for step in picture.steps] == ["to come"] * 3
    assert (picture.step, picture.weight, picture.planned, picture.returning) == (
        None,
        None,
        [],
        None,
    )
    assert picture.left_seconds == 35 * 3 + 20 * 3 + 1_200
    assert (picture.before, picture.version) == ("shop:v1", "shop:v2")
    [deployed] = picture.deployed
    assert (deployed.side, deployed.revision, deployed.steady_at) == ("canary", "canary:2", None)


def test_in_a_bake_the_time_left_is_that_of_the_wait_and_the_steps_to_come() -> None:
    picture = drawn(*ROLLED, waits=True, wait=76_000, offers=["promote", "revert"])
    assert picture.step == 0
    assert [step.state for step in picture.steps] == ["now", "to come", "to come"]
    assert picture.waiting is not None
    assert (picture.waiting.kind, picture.waiting.until) == ("bake", 376_000)
    assert picture.left_seconds == 276 + 35 * 2 + 20 * 2 + 900
    settle, bake = picture.steps[0].waits
    assert (settle.kind, settle.ended_at, bake.kind, bake.ended_at) == (
        "settle",
        76_000,
        "bake",
        None,
    )
    assert [each.weight for each in picture.planned] == [5, 50, 100]
    assert picture.planned[1].at == 41_000 + 1_000 * (35 + 300)
    assert picture.planned_until == picture.planned[-1].at + 1_000 * (35 + 300)


def test_at_a_gate_nobody_knows_how_long() -> None:
    told = moments((380, "weight 50"), (380, "settle"), (415, "bake"), (1_016, "gate"))
    gate = Judged(at=1_015_000, step=1, weight=50, next="gate", reason="the alarm is OK")
    picture = drawn(*ROLLED, *told, now=1_100, waits=True, offers=["resume"], verdicts=[gate])
    assert picture.waiting is not None and picture.waiting.is_for_a_person
    assert picture.waiting.until == 1_000 * (1_016 + 3_600)
    assert picture.left_seconds is None
    assert picture.steps[1].verdicts == [gate]
    assert picture.last is not None
    assert (picture.last.what, picture.last.reason) == ("gate", "the alarm is OK")


def test_who_ended_a_gate_is_said_and_whose_time_was_over_not() -> None:
    told = moments((380, "weight 50"), (380, "settle"), (415, "bake"), (1_016, "gate"))
    more = moments((1_200, "weight 100"), (1_200, "settle"))
    jane = Signal(kind="resume", reason="looks well", by="jane", at=1_199)
    picture = drawn(*ROLLED, *told, *more, now=1_210, signals=[jane])
    _, bake, gate = picture.steps[1].waits
    assert (bake.ended_by, gate.ended_by) == ("", "resume by jane: looks well")
    assert gate.ended_at == 1_200_000


def test_a_rollback_names_what_it_goes_back_from() -> None:
    picture = drawn(*ROLLED)
    assert (picture.version, picture.rolled_back_from) == ("shop:v2", "")
    release = a_release(steps=STEPS, fled={"version": "shop:v3"})
    back = draw(Evidence(release, now=50_000, started_at=0, moments=[], phase="rollout"))
    assert (back.version, back.rolled_back_from) == ("shop:v2", "shop:v3")


def test_a_signal_ends_one_wait() -> None:
    """That of the gate, though the bake before it has ended in the same second."""
    told = moments((380, "weight 50"), (380, "settle"), (415, "bake"), (1_016, "gate"))
    more = moments((1_017, "weight 100"), (1_017, "settle"))
    jane = Signal(kind="promote", reason="", by="jane", at=1_017)
    picture = drawn(*ROLLED, *told, *more, now=1_030, signals=[jane])
    _, bake, gate = picture.steps[1].waits
    assert (bake.ended_by, gate.ended_by) == ("", "promote by jane")


def test_a_revert_leaves_steps_out_and_is_read_back() -> None:
    alarm = Signal(kind="revert", reason="it fired", by="alarm a", at=130)
    told = moments((130, "returning"), (131, "weight 0"), (131, "foreign somebody wrote"))
    over = moments((170, "rested"))
    running = drawn(*ROLLED, *told, now=140, phase="returning", signals=[alarm])
    assert [step.state for step in running.steps] == ["past", "left out", "left out"]
    assert running.left_seconds is None
    assert running.steps[0].waits[-1].ended_by == "revert by alarm a: it fired"
    assert running.returning is not None
    assert (running.returning.began_at, running.returning.rested_at) == (130_000, None)
    assert [(each.at, each.weight) for each in running.returning.reads] == [(131_000, 0)]
    assert [each.reason for each in running.foreign] == ["somebody wrote"]
    ended = drawn(*ROLLED, *told, *over, now=9_999, outcome="Reverted", ended_at=171_000)
    assert (ended.phase, ended.weight, ended.waiting) == ("over", 0, None)
    assert ended.returning is not None and ended.returning.rested_at == 170_000


def test_a_promotion_returns_in_steps_that_have_bakes() -> None:
    told = moments(
        (380, "weight 100"),
        (381, "primary primary:2"),
        (400, "weight 50"),
        (400, "settle"),
        (435, "settle"),
    )
    picture = drawn(
        *ROLLED,
        *told,
        now=440,
        phase="promotion",
        waits=True,
        promotion={"return_weights": [50, 10], "return_bake_seconds": 120},
    )
    assert [step.state for step in picture.return_steps] == ["now", "to come"]
    assert [wait.kind for wait in picture.return_steps[0].waits] == ["settle", "bake"]
    assert picture.waiting is not None
    assert (picture.waiting.kind, picture.waiting.until) == ("bake", 555_000)
    assert picture.deployed[1].steady_at == 400_000
    assert picture.step is None


def test_a_promotion_that_failed_was_never_steady() -> None:
    told = moments((380, "weight 100"), (381, "primary primary:2"), (400, "old"), (420, "failed"))
    picture = drawn(*ROLLED, *told, now=500, phase="restoring", waits=True, offers=["retry"])
    assert picture.deployed[1].steady_at is None
    assert picture.waiting is not None and picture.waiting.kind == "failed"
    assert [wait.kind for wait in picture.waits] == ["failed"]


RETRIED = moments(
    (380, "weight 100"),
    (381, "primary primary:2"),
    (400, "failed_promotion it does not start"),
    (401, "old primary:1"),
    (420, "failed"),
    (900, "primary primary:2"),
    (950, "returning"),
    (951, "weight 0"),
)


def test_each_deployment_of_a_retried_promotion_ends_with_the_next_one() -> None:
    picture = drawn(*ROLLED, *RETRIED, now=990, ended_at=980_000, outcome="Released")
    told = [(d.side, d.revision, d.at, d.steady_at, d.replaced_at) for d in picture.deployed]
    assert told == [
        ("canary", "canary:2", 10_000, 40_000, None),
        ("primary", "primary:2", 381_000, None, 401_000),
        ("primary", "primary:1", 401_000, None, 900_000),
        ("primary", "primary:2", 900_000, 950_000, None),
    ]
    text = page(Facts(picture))
    assert "primary: primary:2, from 00:15:00, complete 00:15:50" in text
    assert "primary: primary:1, from 00:06:41, replaced 00:15:00, not seen complete" in text
    assert "primary: primary:2, from 00:06:21, replaced 00:06:41, not seen complete" in text
    # Each bar ends where the next one begins.
    bars = re.findall(r'<rect x="([0-9.]+)"[^>]* width="([0-9.]+)"[^>]*class="tasks-primary"', text)
    (failed, long), (old, longer), (new, _) = [(float(x), float(w)) for x, w in bars[:3]]
    assert failed + long == pytest.approx(old, abs=0.2)
    assert old + longer == pytest.approx(new, abs=0.2)


def test_a_version_whose_old_tasks_took_the_traffic_back_was_never_complete() -> None:
    told = moments(
        (380, "weight 100"),
        (381, "primary primary:2"),
        (395, "returning"),
        (396, "weight 0"),
        (397, "old primary:1"),
        (420, "returning"),
    )
    doubt = Signal(kind="revert", by="the judge", at=394)
    picture = drawn(*ROLLED, *told, now=440, signals=[doubt], outcome="Reverted")
    told_of = [(d.revision, d.steady_at, d.replaced_at) for d in picture.deployed[1:]]
    assert told_of == [("primary:2", None, 397_000), ("primary:1", 420_000, None)]


def test_an_old_version_that_comes_back_after_a_retry_is_complete_once() -> None:
    told = moments(
        *((each.at // 1_000, f"{each.kind} {each.text}") for each in RETRIED[:6]),
        (930, "old primary:1"),
        (960, "returning"),
    )
    picture = drawn(*ROLLED, *told, now=990, ended_at=980_000, outcome="Reverted")
    assert [d.steady_at for d in picture.deployed] == [40_000, None, None, None, 960_000]
    assert [d.at for d in picture.deployed] == sorted(d.at for d in picture.deployed)


def test_what_a_side_gets_once_more_while_it_has_it_is_one_deployment() -> None:
    told = moments(
        (380, "weight 100"),
        (381, "primary primary:2"),
        (382, "settle"),
        (383, "primary primary:2"),
        (400, "weight 50"),
    )
    [_, deployed] = drawn(*ROLLED, *told, now=440, phase="promotion").deployed
    assert (deployed.at, deployed.steady_at, deployed.replaced_at) == (381_000, 400_000, None)


def test_what_is_told_twice_is_drawn_once_and_of_two_verdicts_the_later_counts() -> None:
    twice = [ROLLED[0], ROLLED[0], *ROLLED[1:3], ROLLED[2], *ROLLED[3:], ROLLED[4]]
    first = Judged(at=376_000, step=0, weight=5, next="bake", reason="no data")
    second = first.model_copy(update={"reason": "still no data"})
    picture = drawn(*twice, now=377, verdicts=[first, second])
    assert [each.weight for each in picture.weights] == [5]
    assert [wait.kind for wait in picture.steps[0].waits] == ["settle", "bake"]
    assert [each.reason for each in picture.steps[0].verdicts] == ["still no data"]


def test_a_bake_that_is_held_is_two_waits() -> None:
    hold = Judged(at=376_000, step=0, weight=5, next="bake", reason="no data")
    picture = drawn(*ROLLED, *moments((377, "bake")), now=400, verdicts=[hold])
    assert [wait.kind for wait in picture.steps[0].waits] == ["settle", "bake", "bake"]


def counted(*counts: tuple[int, int, int, int]) -> Compared:
    judge, found = judge_of(JUDGING, len(STEPS)), Compared().at_step(0, 0, 0)
    for number, each in enumerate(counts):
        row = Row(at=60 * number, step=0, weight=5, counts={"errors": each})
        found = found.after(row, judge)
    return found


def test_exposure_and_share_are_what_was_counted() -> None:
    picture = drawn(*ROLLED, compared=counted((60, 4, 940, 0), (40, 2, 960, 0)))
    assert picture.exposure is not None
    assert (picture.exposure.requests, picture.exposure.failed) == (100, 6)
    assert (picture.exposure.excess, picture.exposure.budget, picture.exposure.left) == (
        6,
        200,
        194,
    )
    assert picture.steps[0].share == 0.05
    assert drawn(*ROLLED).exposure is None


def test_what_a_log_has_counted_is_the_exposure_until_there_is_a_toll() -> None:
    """The router's first minute comes later than the revert, and then is part of what there was."""
    of_log = Tally(of_release=(80, 10, 0, 0), compared=10, expected=0.8, unread=3)
    of_router = Tally(of_release=(60, 5, 540, 2), compared=5, expected=0.2)
    young = drawn(*ROLLED, judge=BOTH, compared=Compared(tallies={"access": of_log}))
    found = Compared(tallies={"access": of_log, "errors": of_router})
    later = drawn(*ROLLED, judge=BOTH, compared=found)
    for cost in (young.exposure, later.exposure):
        assert cost is not None
        assert (cost.metric, cost.requests, cost.failed, cost.whole) == ("access", 80, 10, False)
        assert (cost.bounded, cost.excess, cost.left) == ("access", 9.2, 190.8)
        assert not cost.is_by_two
    assert [metric.unread for metric in later.metrics] == [0, 3]
    assert "3 lines of its log could not be read" in words.numbers(later.metrics[1])
    assert "could not" not in words.numbers(later.metrics[0])
    assert "; 191 left" in words.exposure(later)


def test_what_a_toll_counts_is_joined_with_no_excess_of_a_log() -> None:
    of_log = Tally(of_release=(80, 10, 0, 0), compared=10, expected=0.8)
    found = Compared(tallies={"access": of_log})
    picture = drawn(*ROLLED, judge=BOTH, compared=found, tolls={"errors": (96, 12)})
    cost = picture.exposure
    assert cost is not None
    assert (cost.metric, cost.requests, cost.failed, cost.whole) == ("errors", 96, 12, True)
    assert (cost.bounded, cost.excess, cost.is_by_two) == ("access", 9.2, True)
    counted, left = words.exposure(picture, code).split(". ")
    assert counted == "12 bad answers of 96 by the canary, from its first weight to its last"
    assert left == "By `access`: 9 more than are tolerated, of a budget of 200; 191 left"
    # A toll of nothing says no more than that CloudWatch has shown nothing.
    silent = drawn(*ROLLED, judge=BOTH, compared=found, tolls={"errors": (0, 0)}).exposure
    assert silent is not None
    assert (silent.metric, silent.requests, silent.whole) == ("access", 80, False)


def test_the_metric_that_has_least_left_has_the_budget() -> None:
    of_log = Tally(of_release=(800, 10, 0, 0), compared=10, expected=8)
    of_router = Tally(of_release=(700, 50, 540, 2), compared=50, expected=1)
    found = Compared(tallies={"access": of_log, "errors": of_router})
    picture = drawn(*ROLLED, judge=BOTH, compared=found)
    cost = picture.exposure
    assert cost is not None
    assert (cost.metric, cost.failed, cost.bounded, cost.left) == ("access", 10, "errors", 151)
    assert words.exposure(picture).endswith(
        ". By errors: in the periods that were compared 49 more than the primary would have given,"
        " of a budget of 200; 151 left"
    )
    assert [metric.left for metric in picture.metrics] == [151, 198]


def test_the_share_of_a_step_that_is_past_is_what_its_verdict_saw() -> None:
    metrics = seen(JUDGING, len(STEPS), counted((60, 0, 940, 0)))
    verdict = Judged(at=376_000, step=0, weight=5, next="shift", reason="fine", metrics=metrics)
    later = counted().at_step(1, 400, 400)
    picture = drawn(
        *ROLLED, *moments((380, "weight 50")), now=390, compared=later, verdicts=[verdict]
    )
    assert [step.share for step in picture.steps] == [0.06, None, None]


def test_what_was_not_kept_is_told() -> None:
    assert drawn(*ROLLED).warnings == []
    (warning,) = drawn(*ROLLED, *moments((379, "left_out 1234"))).warnings
    assert "1,234 of its weights and waits" in warning


def test_what_changed_is_said_with_digests() -> None:
    picture = drawn(*ROLLED, content={"app": "shop:v2" + DIGEST}, changes=["app cpu: 1 to 2"])
    [image] = picture.images
    assert (image.before, image.after) == ("shop:v1" + DIGEST, "shop:v2" + DIGEST)
    assert picture.changes == ["app cpu: 1 to 2"]
