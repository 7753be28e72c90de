"""Statistics, by the examples of CloudWatch's definitions."""

import pytest

from emulator.statistic import Samples, statistic

TEN = Samples.of({float(value): 1 for value in range(1, 11)})
"""1 to 10, each once."""
TIMES = Samples.of({0.1: 90, 0.4: 6, 0.8: 3, 2.0: 1})
"""A hundred response times."""


@pytest.mark.parametrize(
    ("name", "samples", "expected"),
    [
        ("Sum", TEN, 55),
        ("SampleCount", TEN, 10),
        ("Average", TEN, 5.5),
        ("Minimum", TEN, 1),
        ("Maximum", TEN, 10),
        ("p50", TEN, 5),
        ("p100", TEN, 10),
        ("p95", TIMES, 0.4),
        ("p99", TIMES, 0.8),
        ("p99.9", TIMES, 2),
        ("tm90", TEN, 5),
        ("tc90", TEN, 9),
        ("ts90", TEN, 45),
        ("TM(20%:80%)", TEN, 5.5),
        ("TC(80%:)", TEN, 2),
        ("TS(:20%)", TEN, 3),
        ("IQM", TEN, 5),
        ("TM(2:4)", TEN, 3.5),
        ("PR(:4)", TEN, 40),
        ("PR(4:)", TEN, 60),
        ("PR(2:4)", TEN, 20),
        ("TC(0.4:)", TIMES, 4),
        ("TC(0.1:0.4)", TIMES, 6),
        ("TC(2:)", TIMES, 0),
        ("PR(:0.1)", TIMES, 90),
    ],
)
def test_a_range_is_above_its_lower_bound_and_includes_its_upper(
    name: str, samples: Samples, expected: float
) -> None:
    assert statistic(name)(samples) == pytest.approx(expected)


def test_of_sums_alone_there_is_no_extended_statistic() -> None:
    sums = Samples(10, 55, 1, 10, None)
    assert statistic("Average")(sums) == 5.5
    every = ("p95", "TC(1:)", "PR(:2)", "tm90")
    assert [statistic(name)(Samples.together([TEN, sums])) for name in every] == [None] * 4


def test_the_mean_of_nothing_is_none() -> None:
    assert statistic("TM(20:)")(TEN) is None


@pytest.mark.parametrize(
    "name",
    [
        "p101",
        "p",
        "P95",
        "tc(1:)",
        "TC",
        "TC()",
        "TC(:)",
        "TC(%:5)",
        "PR(1%:2%)",
        "TM(1:5%)",
        "sum",
    ],
)
def test_what_is_no_statistic_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"statistic|bounds"):
        statistic(name)
