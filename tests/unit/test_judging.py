"""Judging: what a profile may say of the judge."""

from typing import Any

import pytest
from pydantic import ValidationError

from stepcanary.domain.evidence import Tolerance
from stepcanary.domain.judging import Judging, Metric

SERIES = {
    "requests": [{"namespace": "Shop", "metric": "Orders"}],
    "bad": [{"namespace": "Shop", "metric": "Failed"}],
}


def test_nothing_is_enough() -> None:
    found = Judging.model_validate({})
    assert [metric.named for metric in found.metrics] == ["errors", "latency"]
    assert found.undecided is None


@pytest.mark.parametrize(
    ("metric", "worse", "good"),
    [
        ({"kind": "errors"}, Tolerance(1, 0.001), Tolerance(1.5, 0.005)),
        ({"kind": "errors", "ratio": 2, "allow": 0.01}, Tolerance(2, 0.01), Tolerance(3, 0.01)),
        (
            {"kind": "latency", "ratio": 1.25, "allow": 0.005},
            Tolerance(1.25, 0.005),
            Tolerance(2.5, 0.02),
        ),
        ({"kind": "latency", "ratio": 2}, Tolerance(2, 0.001), Tolerance(3, 0.02)),
        ({"kind": "errors", "at_most": 0.02}, Tolerance(0, 0.02), Tolerance(0, 0.02)),
    ],
)
def test_what_is_tolerated(metric: dict[str, Any], worse: Tolerance, good: Tolerance) -> None:
    rule = Metric.model_validate(metric).rule
    assert (rule.worse, rule.good) == (worse, good)


@pytest.mark.parametrize(
    ("judge", "why"),
    [
        ({"budget": 0}, "budget"),
        ({"false_reverts": 0}, "false_reverts"),
        ({"metrics": []}, "metrics"),
        ({"metrics": [{"kind": "errors"}, {"kind": "errors"}]}, "errors twice"),
        ({"metrics": [{"kind": "custom", "name": "orders"}]}, "needs name, canary and primary"),
        ({"metrics": [{"kind": "errors", "canary": SERIES}]}, "are for kind custom"),
        ({"metrics": [{"kind": "errors", "slower_than_ms": 5}]}, "is for kind latency"),
        ({"metrics": [{"kind": "errors", "at_most": 0.1, "ratio": 2}]}, "remove ratio and allow"),
        ({"metrics": [{"kind": "errors", "allow": 1}]}, "lower it"),
        ({"metrics": [{"kind": "errors", "ratio": -1}]}, "ratio"),
        ({"metrics": [{"kind": "errors", "period": 20}]}, "10, 30 or 60"),
    ],
)
def test_what_cannot_be_judged_is_refused(judge: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Judging.model_validate(judge)


@pytest.mark.parametrize(
    "metric",
    [
        {"kind": "errors"},
        {"kind": "errors", "at_most": 0.02},
        {"kind": "errors", "ratio": 2, "allow": 0.01},
        {"kind": "latency", "slower_than_ms": 400},
        {"kind": "custom", "name": "orders", "canary": SERIES, "primary": SERIES},
    ],
)
def test_what_is_kept_with_a_release_is_read_again(metric: dict[str, Any]) -> None:
    judging = Judging.model_validate({"metrics": [metric]})
    assert Judging.model_validate_json(judging.model_dump_json()) == judging


def test_a_custom_metric_has_series_of_both_sides() -> None:
    found = Judging.model_validate(
        {"metrics": [{"kind": "custom", "name": "orders", "canary": SERIES, "primary": SERIES}]}
    )
    assert found.metrics[0].named == "orders"
