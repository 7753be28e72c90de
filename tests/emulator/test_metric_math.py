"""Metric math, as CloudWatch's user guide describes it."""

import pytest

from emulator.metric_math import Series, evaluated

METRICS: dict[str, Series] = {"errors": [None, 2.0, None], "requests": [10.0, 8.0, None]}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("errors", [None, 2, None]),
        ("FILL(errors, 0)", [0, 2, 0]),
        ("100 * FILL(errors, 0) / requests", [0, 25, None]),
        ("requests / FILL(errors, 0)", [None, 4, None]),
        ("errors > 1", [None, 1, None]),
        ("IF(FILL(errors, 0) >= 2, 100, 0) * errors / requests", [None, 25, None]),
        ("IF(FILL(errors, 0) >= 3, 100, 0) * FILL(errors, 0) / requests", [0, 0, None]),
        ("IF(errors, requests, 0)", [None, 8, None]),
        ("-requests + 2 * (requests - 1)", [8, 6, None]),
    ],
)
def test_an_expression_has_a_value_for_each_period(expression: str, expected: Series) -> None:
    assert evaluated(expression, METRICS, 3) == expected


@pytest.mark.parametrize(
    "expression", ["SUM(METRICS())", "FILL(errors, REPEAT)", "other / requests", "1 < errors < 3"]
)
def test_what_is_not_known_is_refused_by_name(expression: str) -> None:
    with pytest.raises(NotImplementedError, match="nothing is known of"):
        evaluated(expression, METRICS, 3)
