"""The judge in a whole release: what both sides count decides, whatever the alarms say."""

from datetime import datetime, timedelta
from functools import partial
from itertools import count, pairwise
from typing import Any

import pytest

from stepcanary.domain.comparison import Compared, judge_of
from stepcanary.domain.judging import Judging
from stepcanary.release import comparing, plan
from stepcanary.store import evidence, leases, ledger
from tests.builders import profile, request, traffic
from tests.fakes.service import Document, Refusal
from tests.statemachine.runner import Outcome, World
from tests.statemachine.timeline import later, timed

STEPS = [{"weight": 20, "bake_seconds": 600}, {"weight": 100, "bake_seconds": 600}]
IN_THE_BAKE = 300.0
MINUTES_LATE = timedelta(seconds=210)


def judged(judge: Document | None = None, **changed: Any) -> Any:
    return request(profile=profile(**{"steps": STEPS, "judge": judge or {}, **changed}))


def worse(share: float, primary: float = 0.001) -> Any:
    return lambda side, _at: share if side == "canary" else primary


def watch(here: World, *seconds: float) -> list[Any]:
    found: list[Any] = []
    for each in seconds:
        here.clock.after(each, lambda: found.append(here.invoke("WatchReleasesFunction", {})))
    return found


def reverted(here: World, outcome: Outcome, why: str) -> bool:
    return outcome.state == "Reverted" and why in outcome.cause and here.cloud.split() == (100, 0)


def test_a_healthy_canary_is_released_and_the_verdict_can_be_computed_again(here: World) -> None:
    watch(here, 200, 260, 320, 900)
    outcome = here.release(judged())
    assert outcome.state == "Released", outcome
    execution = here.arn("release-1")
    release = ledger.release_of(execution)
    assert isinstance(release.judge, Judging)
    again = Compared()
    for row in (rows := evidence.rows(execution)):
        again = again.after(row, judge_of(release.judge, len(release.steps)))
    kept = evidence.read(execution)
    assert again.tallies == kept.tallies
    assert len({row.at for row in rows}) == len(rows) > 10


def test_what_the_profile_leaves_out_is_estimated(here: World) -> None:
    here.release(judged())
    release = ledger.release_of(here.arn("release-1"))
    assert release.judge is not None
    errors, latency = release.judge.metrics
    assert errors.clusters is not None
    assert errors.usual is not None
    assert errors.usual.share == pytest.approx(0.001)
    assert latency.usual is not None
    assert latency.slower_than_ms == 0.4


def test_a_canary_three_times_as_bad_reverts_though_no_alarm_fires(here: World) -> None:
    here.cloud.bad = worse(0.009, 0.003)
    outcome = here.release(judged())
    assert reverted(here, outcome, "errors: the canary gave"), outcome
    assert "evidence" in outcome.cause


def test_a_canary_that_is_slow_reverts(here: World) -> None:
    here.cloud.slow = worse(0.3, 0.05)
    outcome = here.release(judged())
    assert reverted(here, outcome, "latency: the canary gave"), outcome


def test_the_watch_reverts_in_the_middle_of_a_bake(here: World) -> None:
    here.cloud.bad = worse(0.2)
    found = watch(here, IN_THE_BAKE)
    outcome, seconds = timed(here, lambda: here.release(judged()))
    assert reverted(here, outcome, "revert by the judge: errors"), outcome
    assert found[0]["signalled"] == [here.arn("release-1")]
    assert seconds < IN_THE_BAKE + 150


def test_what_a_bake_shows_in_its_last_minute_is_compared_in_the_next_step(here: World) -> None:
    """It is published when the verdict has been."""
    assert here.release(judged()).state == "Released"
    rows = evidence.rows(here.arn("release-1"))
    first = [row for row in rows if row.step == 0]
    assert {later.at - row.at for row, later in pairwise(first)} == {60}
    bake = STEPS[0]["bake_seconds"]
    # All but what it has of the minutes in which it begins and ends.
    assert bake - 120 < 60 * len(first) <= bake
    assert {row.weight for row in first} == {20}


def test_a_fault_at_the_end_of_the_last_bake_reverts_while_the_primary_is_replaced(
    here: World,
) -> None:
    began = here.cloud.began
    here.cloud.bad = lambda side, at: (
        0.3 if side == "canary" and (at - began).total_seconds() > 1_350 else 0.0
    )
    here.clock.after(1_000, lambda: setattr(here.cloud, "startup_seconds", 400.0))
    watch(here, *range(1_300, 2_000, 60))
    patient = {"deadline_seconds": 900, "check_seconds": 10}
    outcome = here.release(judged(deployment=patient))
    assert "PromotePrimary" in outcome.path
    assert outcome.state != "Released", outcome
    assert "by the judge: errors" in outcome.cause


def test_counts_that_are_missing_on_one_side_wait_and_then_prove_nothing(here: World) -> None:
    """Where they come, nothing is lost; where they never do, the rest is no evidence."""
    began = here.cloud.began

    def late(side: str, at: datetime) -> bool:
        since = (at - began).total_seconds()
        return side == "primary" and 300 <= since < 420 and here.clock.now() < at + MINUTES_LATE

    here.cloud.missing = late
    watch(here, *range(200, 900, 60))
    assert here.release(judged()).state == "Released"
    rows = evidence.rows(here.arn("release-1"))
    assert not [row for row in rows if row.incomplete]
    here.cloud.missing = lambda side, at: side == "primary" and at.minute % 2 == 0
    assert here.release({**judged(), "images": {"app": "shop:v3"}}, "lost").state == "Released"
    lost = [row for row in evidence.rows(here.arn("lost")) if row.weight < 100]
    assert {bool(row.incomplete) for row in lost} == {True, False}
    assert all(bool(row.incomplete) == (not row.counts["errors"][2]) for row in lost)


HIGH_RESOLUTION: Any = {"metrics": [{"kind": "errors", "period": 10}, {"kind": "latency"}]}


def test_an_outage_is_seen_within_a_minute_where_it_is_counted_each_ten_seconds(
    here: World,
) -> None:
    here.cloud.resolution, here.cloud.published_after = 1, 5.0
    fault = here.cloud.began + timedelta(seconds=500)
    here.cloud.bad = lambda side, at: 1.0 if side == "canary" and at >= fault else 0.001
    found = watch(here, *range(60, 1_200, 60))
    outcome = here.release(judged(HIGH_RESOLUTION))
    assert reverted(here, outcome, "revert by the judge: errors"), outcome
    # Also long after the bake began: each look of the watch but the first is one that hurries.
    assert all(each["looks"] >= 3 for each in found[4:8])
    rows = evidence.rows(here.arn("release-1"))
    assert {row.period: set(row.counts) for row in rows} == {10: {"errors"}, 60: {"latency"}}
    seen = [row.at for row in rows if row.period == 10][-1]
    assert seen - fault.timestamp() < 60


def test_metrics_of_both_lengths_are_kept_so_that_the_verdict_can_be_computed_again(
    here: World,
) -> None:
    here.cloud.resolution, here.cloud.published_after = 1, 5.0
    watch(here, *range(60, 1_500, 60))
    assert here.release(judged(HIGH_RESOLUTION)).state == "Released"
    execution = here.arn("release-1")
    release = ledger.release_of(execution)
    assert release.judge is not None
    again = Compared()
    for row in evidence.rows(execution):
        again = again.after(row, judge_of(release.judge, len(release.steps)))
    kept = {**evidence.read(execution).tallies, **evidence.read(execution, 10).tallies}
    assert again.tallies == kept


def test_the_bad_answers_of_a_release_are_not_the_next_ones(here: World) -> None:
    """A fix that is released at once has its first weight in the minute in which the bad version
    was over, now and then."""
    shared = 0
    for number in range(4):
        here.cloud.bad = worse(0.5)
        name = f"bad-{number}"
        here.clock.after(IN_THE_BAKE + 17 * number, partial(here.signal, "revert", name))
        bad = {**judged(), "images": {"app": f"shop:v{10 + number}"}}
        assert here.release(bad, name).state == "Reverted"
        here.cloud.bad = worse(0.001)
        ended = here.clock.now().timestamp()
        fix = {**judged(), "images": {"app": f"shop:fix{number}"}}
        assert here.release(fix, f"fix-{number}").state == "Released"
        rows = evidence.rows(here.arn(f"fix-{number}"))
        weights = here.ask("show", release=here.arn(f"fix-{number}"))["picture"]["weights"]
        shared += weights[0]["at"] // 60_000 == int(ended) // 60
        assert rows[0].at >= ended // 60 * 60
        assert not any(row.counts["errors"][1] > 20 for row in rows)
    assert shared


def test_the_watch_looks_again_and_again_at_a_young_bake(here: World) -> None:
    here.cloud.bad = lambda side, at: 0.2 if side == "canary" and at > here.cloud.began else 0.0
    found = watch(here, 61)
    here.release(judged())
    assert found[0]["looks"] >= 3


def test_two_watches_at_once_use_no_period_twice(here: World) -> None:
    watch(here, IN_THE_BAKE, IN_THE_BAKE)
    assert here.release(judged()).state == "Released"
    rows = evidence.rows(here.arn("release-1"))
    assert evidence.read(here.arn("release-1")).tallies["errors"].counts.canary == sum(
        row.counts["errors"][0] for row in rows
    )


def test_a_verdict_that_a_watch_is_ahead_of_still_ends_its_step(here: World) -> None:
    """What its last minutes show is published later, and is compared in the next step."""
    raced: list[str] = []

    def overtake(name: str, _params: Document) -> None:
        now = (here.clock.now() - here.cloud.began).total_seconds()
        if name == "cloudwatch.GetMetricData" and now > IN_THE_BAKE and not raced:
            raced.append(name)
            lease = next(iter(leases.held()))
            comparing.look_at([(lease, leases.release_of(lease))])

    here.cloud.before_call = overtake
    assert here.release(judged()).state == "Released"
    assert raced
    rows = evidence.rows(here.arn("release-1"))
    of_the_step = [row.at for row in rows if row.step == 0 and not row.moving]
    # Of a bake that begins within a minute.
    assert len(of_the_step) == STEPS[0]["bake_seconds"] / 60 - 1


def test_at_low_traffic_it_is_held_and_then_good(here: World) -> None:
    here.cloud.requests_per_second = 8
    here.cloud.bad = worse(0.0, 0.0)
    judge = {"metrics": [{"kind": "errors", "clusters": 1}]}
    steps = [{"weight": 20, "bake_seconds": 300}, {"weight": 90, "bake_seconds": 180}]
    outcome = here.release(judged(judge, steps=[*steps, {"weight": 100, "bake_seconds": 180}]))
    assert outcome.state == "Released", outcome
    assert outcome.path.count("JudgeCanary") > 3


@pytest.mark.parametrize(
    ("undecided", "state"), [("advance", "Released"), ("revert", "Reverted"), ("hold", "Reverted")]
)
def test_what_follows_too_little_evidence_is_the_profiles(
    here: World, undecided: str, state: str
) -> None:
    here.cloud.requests_per_second = 0.5
    outcome = here.release(judged({"undecided": undecided}, holds=1))
    assert outcome.state == state, outcome
    assert "not enough evidence" in here.causes()["release-1"]


def test_too_little_evidence_opens_a_gate_that_a_person_passes(here: World) -> None:
    here.cloud.requests_per_second = 0.5
    later(here, 2_000, lambda: here.signal("promote"))
    outcome = here.release(judged({"undecided": "gate"}))
    assert outcome.state == "Released", outcome
    assert "Gate" in outcome.path


def test_one_stray_error_at_low_traffic_reverts_nothing(here: World) -> None:
    here.cloud.requests_per_second = 1
    began = here.cloud.began

    def stray(side: str, at: datetime) -> float:
        first = 200 < (at - began).total_seconds() < 260
        return 0.09 if side == "canary" and first else 0.0

    here.cloud.bad = stray
    assert here.release(judged({"undecided": "advance"})).state == "Released"


def test_without_requests_it_is_held_and_then_reverted_in_words(here: World) -> None:
    here.cloud.lost = {"RequestCountPerTarget"}
    outcome = here.release(judged({"metrics": [{"kind": "errors"}]}, holds=1))
    assert reverted(here, outcome, "no request of the canary was counted for errors"), outcome


def test_what_only_observes_reverts_nothing(here: World) -> None:
    here.cloud.bad = worse(0.5)
    assert here.release(judged({"observe": True})).state == "Released"


def test_a_budget_reverts_before_there_is_evidence(here: World) -> None:
    here.cloud.bad = worse(0.02)
    judge = {"budget": 20, "metrics": [{"kind": "errors", "ratio": 90, "clusters": 50}]}
    outcome = here.release(judged(judge))
    assert reverted(here, outcome, "over the budget of 20"), outcome


def test_an_error_of_cloudwatch_is_no_bad_canary(here: World) -> None:
    """It is tried again; only what lasts reverts."""
    outages: list[int] = []

    def fail(name: str, params: Document) -> None:
        now = (here.clock.now() - here.cloud.began).total_seconds()
        if name == "cloudwatch.GetMetricData" and 600 < now < 700:
            outages.append(1)
            raise Refusal("InternalFailure", "try again", 500)

    here.cloud.before_call = fail
    outcome = here.release(judged())
    assert outcome.state == "Released", outcome
    assert outages


def test_cloudwatch_that_never_answers_reverts_at_the_deadline(here: World) -> None:
    def fail(name: str, _params: Document) -> None:
        if name == "cloudwatch.GetMetricData" and here.clock.now() > here.cloud.began:
            raise Refusal("InternalFailure", "try again", 500)

    here.clock.after(100, lambda: setattr(here.cloud, "before_call", fail))
    outcome = here.release(judged())
    assert reverted(here, outcome, "GetMetricData"), outcome


def test_a_person_promotes_over_too_little_evidence_and_not_over_a_doubt(here: World) -> None:
    here.cloud.requests_per_second = 0.5
    later(here, 900, lambda: here.signal("promote"))
    assert here.release(judged({"undecided": "revert"})).state == "Released"
    here.cloud.requests_per_second = 100
    here.cloud.bad = worse(0.2)
    later(here, 400, lambda: here.signal("promote"))
    bad = {**judged(), "images": {"app": "shop:v3"}}
    assert reverted(here, here.release(bad, "worse"), "errors: the canary gave")


def test_what_is_estimated_is_fixed_while_traffic_goes_on(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, times = here.cloud._value, count(400)

    def drifting(metric: str, statistic: str, *of: Any) -> float:
        if statistic.startswith("p"):
            return next(times) / 1_000
        return value(metric, statistic, *of)

    monkeypatch.setattr(here.cloud, "_value", drifting)
    outcome = here.release(judged())
    assert outcome.state == "Released", outcome


@pytest.mark.parametrize(
    "changed",
    [
        {"budget": 60},
        {"metrics": [{"kind": "errors"}]},
        {"metrics": [{"kind": "errors", "clusters": 9}, {"kind": "latency"}]},
        {"metrics": [{"kind": "latency"}]},
        {"metrics": [{"kind": "errors"}, {"kind": "latency", "slower_than_ms": 77}]},
    ],
)
def test_estimates_of_another_judge_are_not_kept(here: World, changed: Any) -> None:
    given = {"metrics": [{"kind": "errors"}, {"kind": "latency"}]}

    def planned(judge: Any, **more: Any) -> Any:
        return plan.plan_release(here.arn("a-release"), *plan.resolve(judged(judge)), **more).judge

    first = planned(given)
    assert planned(given, estimates=first) == first
    assert planned(changed, estimates=first) == planned(changed) != first


def test_the_minutes_in_which_the_weight_moves_are_compared_too(here: World) -> None:
    watch(here, *range(60, 1_500, 60))
    assert here.release(judged()).state == "Released"
    rows = evidence.rows(here.arn("release-1"))
    assert {later.at - row.at for row, later in pairwise(rows)} == {60}
    moving = [row for row in rows if row.moving]
    assert {row.weight for row in moving} == {20, 100}
    # Tasks with their first requests are slow, whatever their version.
    assert {tuple(row.counts) for row in moving} == {("errors",)}
    assert {tuple(row.counts) for row in rows if not row.moving} == {("errors", "latency")}


def test_a_fault_that_comes_with_the_weight_is_seen_by_the_minute_in_which_it_moves(
    here: World,
) -> None:
    began = here.cloud.began
    here.cloud.bad = lambda side, at: 1.0 if side == "canary" and at >= began else 0.001
    watch(here, *range(60, 600, 10))
    outcome = here.release(judged())
    assert reverted(here, outcome, "revert by the judge: errors"), outcome
    rows = evidence.rows(here.arn("release-1"))
    assert [row.moving for row in rows] == [True]


def test_the_last_minutes_before_the_return_are_compared_before_the_canary_is_retired(
    here: World,
) -> None:
    """They are published when the weights have returned."""
    fault = here.cloud.began + timedelta(seconds=1_265)
    here.cloud.bad = lambda side, at: 0.5 if side == "canary" and at > fault else 0.0
    outcome = here.release(judged(traffic=traffic(drain_seconds=200)))
    assert outcome.state == "Reverted", outcome
    assert "RetireCanary" in outcome.path
    assert "errors: the canary gave" in outcome.cause
