"""Measures: a series of CloudWatch as a profile names it."""

import pytest
from pydantic import ValidationError

from stepcanary.domain.measures import Measure, Series


def test_a_series_is_summed_where_nothing_else_is_said() -> None:
    series = Series.model_validate({"namespace": "Shop", "metric": "Orders"})
    assert (series.statistic, series.dimensions) == ("Sum", {})


def test_a_measure_has_requests_and_bad_answers() -> None:
    series = [{"namespace": "Shop", "metric": "Orders"}]
    with pytest.raises(ValidationError, match="bad"):
        Measure.model_validate({"requests": series, "bad": []})
