import pytest
from pydantic import ValidationError

from stepcanary.domain.log_source import LogSource


@pytest.mark.parametrize(
    "more",
    [{"status": "http.status"}, {"status": "http status"}, {"pattern": "(?P<status>[0-9]+)"}],
)
def test_a_line_is_json_or_matches_a_pattern(more: dict[str, str]) -> None:
    found = LogSource.model_validate({"group": "/ecs/checkout", **more})
    assert found.filter == ""
    assert not found.all


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "either status"),
        ({"status": "a", "pattern": "(?P<status>b)"}, "either status"),
        (
            {"pattern": "(?P<status>[0-9]+"},
            "no regular expression that RE2 takes; mend it: missing",
        ),
        ({"pattern": "([0-9]+)"}, "one group, of the name status"),
        ({"pattern": "(?P<code>[0-9]+)"}, "one group, of the name status"),
        ({"pattern": "(a)(?P<status>[0-9]+)"}, "one group, of the name status"),
        ({"status": "a..b"}, "must be like http.status"),
        ({"status": "$.a"}, "without \\$ or \\{ before it"),
        ({"status": "{ $.a }"}, "without \\$ or \\{ before it"),
        ({"status": "res[0].status"}, "not one of a list"),
        (
            {"status": "a", "group": "arn:aws:logs:eu-west-1:123456789012:log-group:a"},
            "without its ARN",
        ),
        ({"status": "a", "filter": "x" * 1_025}, "1024"),
    ],
)
def test_what_nothing_can_be_read_by_is_refused(more: dict[str, str], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        LogSource.model_validate({"group": "/ecs/checkout", **more})
