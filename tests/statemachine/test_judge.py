"""The judge in a whole release: what both sides count decides, whatever the alarms say."""

from datetime import datetime
from itertools import count
from typing import Any

import pytest

from stepcanary.domain.comparison import Compared, judge_of
from stepcanary.domain.judging import Judging
from stepcanary.release import plan
from stepcanary.store import evidence, ledger
from tests.builders import profile, request
from tests.fakes.service import Document, Refusal
from tests.statemachine.runner import Outcome, World
from tests.statemachine.timeline import later, timed

STEPS = [{"weight": 20, "bake_seconds": 600}, {"weight": 100, "bake_seconds": 600}]
IN_THE_BAKE = 300.0


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
    assert ("not enough evidence" in outcome.cause) == (state == "Reverted")


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
