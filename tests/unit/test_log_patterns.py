import time

import pytest

from stepcanary.domain import log_patterns
from stepcanary.domain.log_lines import LONGEST_LINE

ENVOY = r'^\[[^\]]*\] "[A-Z]+ [^"]*" (?P<status>[0-9]{3}) '


def test_the_group_is_found_in_the_first_place_that_matches() -> None:
    line = '[2026-11-26T20:00:00.000Z] "GET /cart HTTP/1.1" 503 UF 0 91 "-" 200 '
    assert log_patterns.found(ENVOY, line, "status") == "503"
    assert log_patterns.found(ENVOY, "not a line of Envoy", "status") is None
    assert log_patterns.groups(ENVOY) == ["status"]
    assert log_patterns.groups("(a)(?P<status>b)") == ["", "status"]


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(", "missing"),
        (r"(a)\1", "invalid escape"),
        ("a(?=b)", "perl operator"),
        ("(a{1000}){1000}", "repetition size"),
        ("x" * 1_000 + "(" + "y{200}" * 160 + ")", "too large"),
    ],
)
def test_what_could_be_slow_or_large_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        log_patterns.groups(pattern)


@pytest.mark.parametrize(
    "pattern", ["(?P<status>(a*)*b)", "(?P<status>(a|aa)+$)", "(?P<status>a.*b.*c.*d.*e)"]
)
def test_a_hostile_expression_takes_no_longer_than_another(pattern: str) -> None:
    """With Python's own, each of these would take longer than a release."""
    began = time.process_time()
    assert log_patterns.found(pattern, "a" * LONGEST_LINE + "!", "status") is None
    assert time.process_time() - began < 2


def test_half_a_character_is_read_over() -> None:
    assert log_patterns.found("(?P<status>[0-9]+)", "\ud800 503", "status") == "503"
