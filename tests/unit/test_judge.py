"""Judge: three outcomes, fresh tests, incidents, shares of the error, the budget."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from stepcanary.domain.evidence import Counts, Tolerance, log_evidence, log_mean
from stepcanary.domain.judge import Judge, Judgement, Period, Tally
from stepcanary.domain.judging import DEFAULT_METRICS
from stepcanary.domain.metric_rule import Rule
from stepcanary.domain.periods import quiet_periods
from stepcanary.domain.usual import Usual

EQUAL = Rule("errors", worse=Tolerance(1.0), good=Tolerance(1.5, 0.005))
HEALTHY = Counts(50, 0, 950, 1)
BROKEN = Counts(50, 20, 950, 1)


def stood(periods: list[Period], rule: Rule = EQUAL, steps: int = 1) -> Tally:
    return Judge([rule], steps).fold(Tally(), periods, rule)


def asked(periods: list[Period], rule: Rule = EQUAL, steps: int = 1) -> Judgement:
    return together({rule.metric: periods}, rule, steps=steps)


def together(periods: dict[str, list[Period]], *rules: Rule, steps: int = 1) -> Judgement:
    judge = Judge(rules, steps)
    tallies = {r.metric: judge.fold(Tally(), periods.get(r.metric, []), r) for r in rules}
    return judge.judgement(tallies)


def minutes(counts: Counts, number: int, step: int = 0, *, alone: bool = False) -> list[Period]:
    return [Period(step, counts, alone=alone)] * number


def test_a_canary_that_fails_is_reverted_after_one_period() -> None:
    found = asked(minutes(BROKEN, 1))
    assert found.outcome == "revert"
    assert [each.rule.metric for each in found.guilty] == ["errors"]


def test_a_canary_with_few_requests_is_undecided_and_with_enough_it_is_good() -> None:
    assert asked(minutes(HEALTHY, 2)).outcome == "undecided"
    assert asked(minutes(HEALTHY, 30)).outcome == "good"
    assert asked([]).outcome == "undecided"


def test_one_stray_error_at_low_traffic_does_not_revert() -> None:
    assert asked([Period(0, Counts(6, 1, 114, 0)), *minutes(Counts(6, 0, 114, 0), 20)]).outcome == (
        "undecided"
    )


def test_one_test_in_one_step_is_the_plain_evidence() -> None:
    periods = minutes(Counts(60, 1, 1140, 5), 7)
    [said] = asked(periods).verdicts
    plain = log_evidence([each.counts for each in periods], EQUAL.worse)
    # The test that begins with the first weight has seen no period of it.
    assert said.worse == pytest.approx(log_mean([plain, 0.0]))
    assert said.tally.counts == Counts(420, 7, 7980, 35)


def test_a_test_for_each_step_sees_a_fault_that_comes_after_a_good_hour() -> None:
    late = minutes(Counts(60, 0, 1140, 6), 60) + minutes(Counts(60, 2, 1140, 6), 8, step=1)
    assert asked(late, steps=2).verdicts[0].worse > math.log(5)
    assert log_evidence([each.counts for each in late], EQUAL.worse) < math.log(2)


def test_the_price_of_a_step_that_has_not_begun_is_its_share() -> None:
    [one], [four] = (asked(minutes(BROKEN, 1), steps=steps).verdicts for steps in (1, 4))
    assert four.worse == pytest.approx(one.worse - math.log(5 / 2), abs=0.01)


def begun_at(periods: list[Period]) -> list[int]:
    """The periods with which a test began."""
    lengths = [len(stood(periods[:n], steps=9).tests) for n in range(len(periods) + 1)]
    return [n for n in range(len(periods)) if lengths[n + 1] > lengths[n]]


def test_a_test_begins_two_periods_after_its_step_and_after_an_incident() -> None:
    calm, incident = Counts(50, 0, 950, 0), Counts(50, 2, 950, 40)
    assert begun_at(minutes(calm, 5) + minutes(calm, 5, step=1)) == [0, 7]
    troubled = [*minutes(calm, 5), *minutes(calm, 2, step=1), Period(1, incident)]
    assert begun_at([*troubled, *minutes(calm, 4, step=1)]) == [0, 7]
    troubled = [*minutes(calm, 5), Period(1, calm), Period(1, incident)]
    assert begun_at([*troubled, *minutes(calm, 4, step=1)]) == [0, 9]


def test_what_an_incident_of_both_sides_shows_is_not_held_against_the_canary() -> None:
    """A shared database fails, and hits the canary four times as hard."""
    incident = Period(0, Counts(50, 40, 950, 190))
    periods = [*minutes(HEALTHY, 10), incident, *minutes(HEALTHY, 2)]
    assert [stood(periods[:n]).calm for n in (11, 12, 13)] == [0, 1, 2]
    assert asked(periods).outcome != "revert"
    assert log_evidence([each.counts for each in periods], EQUAL.worse) > math.log(20)


def test_what_is_usual_is_no_incident_from_the_first_period_on() -> None:
    """The primary of a service that always fails in 2 % of its requests."""
    failing = minutes(Counts(500, 200, 9_500, 190), 1)
    assert asked(failing).outcome == "undecided"
    known = replace(EQUAL, usual=Usual(requests=100_000, bad=2_000))
    assert asked(failing, known).outcome == "revert"
    # And an incident is one from the first period on, however long it lasts.
    calm = replace(EQUAL, usual=Usual(requests=100_000, bad=20))
    assert asked(minutes(Counts(50, 40, 950, 190), 30), calm).outcome == "undecided"


def test_a_usual_day_does_not_outweigh_what_the_release_has_seen() -> None:
    """What fails three times as often as yesterday, since hours, is usual by now."""
    known = replace(EQUAL, usual=Usual(requests=1_440_000, bad=28_800))
    rising = [Period(0, Counts(50, n, 950, 19 * n)) for n in (2, 3, 4) for _ in range(60)]
    assert stood(rising, known).calm > 180


def test_of_short_periods_a_test_begins_and_an_incident_ends_after_the_same_seconds() -> None:
    """Bad answers that come late are so by seconds, however long a period is."""
    ten = replace(EQUAL, period=10)
    calm, incident = Counts(50, 0, 950, 0), Period(1, Counts(50, 40, 950, 400))
    periods = [*minutes(calm, 9), *minutes(calm, 20, step=1)]
    lengths = [len(stood(periods[:n], ten, 9).tests) for n in range(len(periods) + 1)]
    assert lengths.index(2) == 9 + 1 + quiet_periods(10) == 17
    after = [*periods, incident, *minutes(Counts(50, 20, 950, 0), 14, step=1)]
    said = [stood(after[:n], ten, 2).log_worse(2) for n in range(len(periods), len(after) + 1)]
    # Its minute has it still, and one minute more nothing counts against the canary.
    silent = [n for n in range(1, len(said)) if said[n] <= said[n - 1]]
    assert silent == list(range(1, 6 + quiet_periods(10)))


def test_one_bad_answer_of_few_in_a_short_period_is_no_incident() -> None:
    ten = replace(EQUAL, period=10, usual=Usual(requests=200_000, bad=100))
    periods = [*minutes(Counts(2, 0, 38, 0), 6), Period(0, Counts(2, 0, 38, 1))]
    assert stood(periods, ten).calm > quiet_periods(10)
    assert stood([*periods, Period(0, Counts(2, 0, 38, 2))], ten).calm == 0
    # What is more than a stray one is an incident at once, though its minute has not shown it yet.
    many = [*minutes(Counts(200, 0, 3_800, 0), 6), Period(0, Counts(200, 12, 3_800, 76))]
    assert stood(many, ten).calm == 0


def test_a_period_that_is_incomplete_is_no_evidence_for_either_question() -> None:
    assert asked([Period(0, BROKEN, complete=False)]).outcome == "undecided"
    unfinished = [Period(0, HEALTHY, complete=False)] * 30
    assert asked(unfinished).outcome == "undecided"


def test_good_is_asked_of_the_step_alone() -> None:
    before = minutes(HEALTHY, 60)
    assert asked(before, steps=2).outcome == "good"
    assert asked(before + minutes(HEALTHY, 1, step=1), steps=2).outcome == "undecided"


def test_one_guilty_metric_is_enough_and_an_observed_one_never_is() -> None:
    latency = Rule("latency", worse=Tolerance(1.25), share=1.0)
    by_metric = {"errors": minutes(HEALTHY, 10), "latency": minutes(BROKEN, 10)}
    found = together(by_metric, EQUAL, latency)
    assert (found.outcome, [each.rule.metric for each in found.guilty]) == ("revert", ["latency"])
    watched = Rule("latency", worse=Tolerance(1.25), observed=True)
    found = together(by_metric, EQUAL, watched)
    assert found.outcome != "revert"
    assert not found.guilty
    assert found.verdicts[1].is_worse


def test_metrics_share_the_error_by_weight_and_an_observed_one_has_none() -> None:
    other = Rule("latency", share=3.0)
    watched = Rule("queue", observed=True)
    [one, three, seen] = together({}, EQUAL, other, watched).verdicts
    assert one.needed_worse - three.needed_worse == pytest.approx(math.log(3))
    assert math.exp(-one.needed_worse) == pytest.approx(0.05 / 4 * 0.9)
    assert math.exp(-seen.needed_worse) == pytest.approx(0.05 * 0.9)


def test_alone_it_is_held_against_what_the_primary_was_shown_to_be_at_most() -> None:
    together = minutes(Counts(500, 0, 500, 0), 30)
    healthy = together + minutes(Counts(1000, 0, 0, 0), 30, step=1, alone=True)
    failing = together + minutes(Counts(1000, 30, 0, 0), 5, step=1, alone=True)
    assert asked(healthy, steps=2).outcome == "good"
    assert asked(failing, steps=2).outcome == "revert"


def test_a_good_release_with_decent_traffic_is_rarely_held_and_never_again_and_again() -> None:
    """Slow answers of ten requests a second, which come in bursts of up to twenty, in default steps
    of which three minutes are counted by the verdict; a hold brings five more."""
    [_, latency] = DEFAULT_METRICS
    usual = Usual(requests=864_000, bad=43_200)
    rule = replace(latency.rule, clusters=14.0, usual=usual)
    judge, chance = Judge([rule], 4), np.random.default_rng(4)

    def good_after(last: int) -> bool:
        tally = Tally()
        for step, (weight, periods) in enumerate(
            zip((5, 25, 50, 100), (5, 5, 5, last), strict=True)
        ):
            requests = 6 * weight, 6 * (100 - weight)
            canary, primary = ([n, *_slow(n, periods, chance)] for n in requests)
            tally = judge.fold(
                tally,
                [
                    Period(step, Counts(canary[0], x, primary[0], y), alone=weight == 100)
                    for x, y in zip(canary[1:], primary[1:], strict=True)
                ],
                rule,
            )
        return judge.judgement({"latency": tally}).outcome == "good"

    at_once, held = (sum(good_after(last) for _ in range(60)) for last in (3, 8))
    assert at_once > 30
    assert held >= 57


def _slow(requests: int, periods: int, chance: np.random.Generator) -> list[int]:
    sizes = np.arange(1, 21)
    causes = chance.poisson(requests * 0.05 / sizes.sum(), (periods, 20))
    return [min(requests, int(each)) for each in causes @ sizes]


def test_alone_from_the_beginning_nothing_can_be_said() -> None:
    assert asked(minutes(Counts(100, 40, 0, 0), 20, alone=True)).outcome == "undecided"


def test_an_absolute_limit_looks_at_no_primary() -> None:
    limit = Rule("errors", worse=Tolerance(0.0, 0.02), good=Tolerance(0.0, 0.02))
    assert asked(minutes(Counts(100, 10, 0, 0), 10, alone=True), limit).outcome == "revert"
    assert asked(minutes(Counts(100, 0, 0, 0), 10, alone=True), limit).outcome == "good"


def test_the_excess_is_summed_before_it_is_cut_off() -> None:
    chance = random.Random(1)
    healthy = [
        Period(0, Counts(3_000, round(chance.gauss(30, 5.45)), 57_000, 570)) for _ in range(300)
    ]
    whole = stood(healthy)
    assert whole.excess < whole.default_budget
    assert sum(stood([each]).excess for each in healthy) > whole.default_budget
    some = stood([Period(0, Counts(100, 30, 1_900, 19)), Period(0, Counts(50, 50, 0, 0))])
    assert some.excess == 29


def test_without_a_primary_the_budget_counts_against_what_it_was_before() -> None:
    """The last step's evidence proves nothing of a primary that had ten requests."""
    little = minutes(Counts(10, 0, 10, 0), 1)
    well = minutes(Counts(20, 0, 0, 0), 60, step=1, alone=True)
    outage = minutes(Counts(20, 20, 0, 0), 30, step=1, alone=True)
    known = replace(EQUAL, usual=Usual(requests=14_400, bad=72))
    assert asked(little + well + outage, steps=2).outcome == "undecided"
    for rule in (EQUAL, known):
        assert stood(little + well, rule, 2).excess == 0
        assert stood(little + well + outage, rule, 2).excess > 200
    assert stood(minutes(Counts(20, 20, 0, 0), 30, alone=True)).excess == 0


def test_a_healthy_canary_alone_stays_within_the_budget_for_a_day_of_drift() -> None:
    chance = np.random.default_rng(2)
    periods = minutes(Counts(3_000, 15, 3_000, 15), 5)
    for minute in range(24 * 60):
        share = 0.005 * (1 + 0.6 * math.sin(minute / 200))
        periods.append(Period(1, Counts(6_000, chance.poisson(6_000 * share), 0, 0), alone=True))
    assert stood(periods, steps=2).excess < 50


def test_the_budget_grows_with_what_is_expected_and_has_a_least() -> None:
    assert Tally().default_budget == 200
    assert stood([Period(0, Counts(1_000_000, 0, 1_000_000, 10_000))]).default_budget == 400


def test_a_tally_is_a_document_and_goes_on_from_where_it_was() -> None:
    periods = minutes(HEALTHY, 4) + minutes(HEALTHY, 4, step=1) + minutes(BROKEN, 2, step=2)
    judge = Judge([EQUAL], 3)
    half = judge.fold(Tally(), periods[:5], EQUAL)
    kept = Tally.model_validate_json(half.model_dump_json())
    assert kept == half
    whole = judge.fold(Tally(), periods, EQUAL)
    assert judge.fold(kept, periods[5:], EQUAL) == whole


def moved(counts: Counts, step: int, weight: int) -> Period:
    """A minute in which the weight rose to this one."""
    alone = weight == 100
    odds = 0.0 if alone else weight / (100 - weight)
    return Period(step, counts, alone=alone, moving=True, odds=odds)


def test_a_minute_in_which_the_weight_rises_shows_a_fault_that_comes_with_it() -> None:
    healthy = minutes(HEALTHY, 5)
    # Half of the minute at 5 %, half at 50 %.
    found = asked([*healthy, moved(Counts(275, 250, 725, 1), 1, 50)], steps=2)
    assert found.outcome == "revert"
    assert found.verdicts[0].tally.step == 0


def test_what_the_weight_explains_is_no_evidence() -> None:
    """Both sides fail in the second half of the minute, when the canary has ten times as much."""
    rule = replace(EQUAL, usual=Usual(requests=100_000, bad=3_000))
    both = Counts(275, 40, 725, 40)
    assert log_evidence([both], EQUAL.worse) > math.log(20)
    assert asked([*minutes(HEALTHY, 5), moved(both, 1, 50)], rule, 2).outcome != "revert"


def test_a_minute_in_which_all_weight_comes_is_held_against_the_limit() -> None:
    known = minutes(Counts(500, 1, 500, 1), 5)
    assert asked([*known, moved(Counts(800, 400, 200, 0), 1, 100)], steps=2).outcome == "revert"
    assert asked([*known, moved(Counts(800, 8, 200, 0), 1, 100)], steps=2).outcome != "revert"


def test_a_minute_in_which_the_weight_rises_is_none_of_its_step() -> None:
    """It shows nothing good, begins no test but the first, and nobody is heard in it."""
    before = stood(minutes(HEALTHY, 5), steps=2)
    after = stood([*minutes(HEALTHY, 5), moved(HEALTHY, 1, 50)], steps=2)
    same = ("good", "step", "nth", "begun", "recent", "of_step")
    assert [getattr(after, each) for each in same] == [getattr(before, each) for each in same]
    assert after.counts == before.counts + HEALTHY
    assert len(stood([moved(HEALTHY, 0, 5)]).tests) == 1
    assert begun_at(
        [*minutes(HEALTHY, 5), moved(HEALTHY, 1, 50), *minutes(HEALTHY, 5, step=1)]
    ) == [
        0,
        8,
    ]


def test_the_budget_grants_what_the_weight_explains() -> None:
    both = Counts(275, 40, 725, 40)
    assert stood([Period(0, both)]).excess == pytest.approx(40 - 275 * 40 / 725)
    assert stood([moved(both, 0, 50)]).excess == 0
    assert stood([moved(Counts(275, 250, 725, 40), 0, 50)]).excess == 210


def test_healthy_minutes_before_a_weight_has_settled_hide_nothing() -> None:
    """What the canary is granted in them is paid by a test of its own."""
    rising = [moved(Counts(0, 0, 6_000, 60), 0, 50), moved(Counts(1_500, 15, 4_500, 45), 0, 50)]
    worse_by_twice = minutes(Counts(3_000, 60, 3_000, 30), 4)
    for before in ([], rising):
        needed = next(n for n in range(1, 5) if asked([*before, *worse_by_twice[:n]]).guilty)
        assert needed <= 2, before


def test_what_a_canary_is_granted_buys_nothing_for_later() -> None:
    assert stood([moved(Counts(10, 0, 990, 50), 0, 90)] * 3).excess == 0
    later = [moved(Counts(10, 0, 990, 50), 0, 90)] * 3 + minutes(Counts(900, 60, 100, 0), 1)
    assert stood(later).excess == 60
