import math

import pytest

from stepcanary.domain.evidence import Tolerance
from stepcanary.domain.exposure import Assumed, Outages, Pace
from stepcanary.domain.judging import Judging
from stepcanary.domain.log_outage import BROUGHT_SECONDS, errors_needed, seconds_to_show
from stepcanary.domain.metric_rule import Rule
from stepcanary.domain.profile import Step

RULE = Rule("access", Tolerance(0.0, 0.01), Tolerance(0.0, 0.01), clusters=2.0)
THRESHOLD = math.log(4) - math.log(0.05 * 0.9)
LOG = {"kind": "logs", "log": {"group": "/ecs/checkout", "status": "status"}, "clusters": 2}
STEPS = [Step(weight=weight, bake_seconds=300) for weight in (5, 25, 50, 100)]


def outages(*metrics: object, per_minute: int = 6_000) -> Outages:
    judging = Judging.model_validate({"metrics": list(metrics)})
    traffic = Assumed(requests_per_minute=per_minute, busiest_at=0, bad_share=0.001, minutes=60)
    return Outages(STEPS, judging, traffic, Pace(final=60, look=60, settle=10))


def test_a_few_errors_show_an_outage_and_more_after_a_healthy_while() -> None:
    few = errors_needed(RULE, THRESHOLD, 0)
    assert few is not None
    assert 3 <= few <= 6
    assert (errors_needed(RULE, THRESHOLD, 500) or 0) > few


def test_a_limit_that_nothing_proves_is_shown_by_nothing() -> None:
    assert errors_needed(Rule("access", Tolerance(0.0, 0.5)), THRESHOLD, 0) is None
    assert seconds_to_show(RULE, THRESHOLD, 0.0, 0) is None


@pytest.mark.parametrize(("per_second", "most"), [(1, 40), (5, 16), (100, 11)])
def test_it_takes_as_long_as_the_errors_take_to_come(per_second: float, most: int) -> None:
    seconds = seconds_to_show(RULE, THRESHOLD, per_second, 0)
    assert seconds is not None
    assert BROUGHT_SECONDS < seconds <= most


def test_a_log_makes_an_outage_cheaper_than_minutes_do() -> None:
    by_minutes, by_log = outages({"kind": "errors"}), outages({"kind": "errors"}, LOG)
    for step in range(len(STEPS)):
        assert by_log.exposed(step).failed < by_minutes.exposed(step).failed / 2


def test_a_log_alone_is_a_judge() -> None:
    exposed = outages(LOG).exposed(0)
    assert exposed.by_judge is not None
    assert exposed.by_alarms is None
    assert outages({**LOG, "observe": True}).exposed(0).by_judge is None
