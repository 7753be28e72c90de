"""What every profile has to keep, and the rule that one breaks."""

from typing import Any

import pytest

from stepcanary.domain.profile import Profile
from stepcanary.domain.rules import Rules, parse_rules
from stepcanary.errors import RequestRejected
from tests.builders import profile

NAME = "/stepcanary/profiles/_policy"


def of(**changed: Any) -> Profile:
    return Profile.model_validate(profile(**changed), strict=False)


def test_without_rules_all_is_free() -> None:
    Rules().require(of(alarms=[]), NAME)


@pytest.mark.parametrize(
    ("rules", "changed", "broken"),
    [
        (Rules(highest_first_weight=5), {"steps": [{"weight": 6}]}, "highest_first_weight is 5"),
        (
            Rules(least_bake_seconds=60),
            {"steps": [{"weight": 5}, {"weight": 50, "bake_seconds": 59}]},
            "least_bake_seconds is 60, and it has 59",
        ),
        (Rules(judged=True), {"alarms": []}, "it has no alarm"),
        (Rules(repositories=["ours/*"]), {}, "it names none"),
        (
            Rules(repositories=["ours/*"]),
            {"repositories": ["ours/shop", "theirs/shop"]},
            "does not allow theirs/shop",
        ),
        (Rules(repositories=["ours/shop"]), {"repositories": ["ours/*"]}, "does not allow ours/*"),
    ],
)
def test_a_rule_that_is_broken_is_named(rules: Rules, changed: dict[str, Any], broken: str) -> None:
    with pytest.raises(RequestRejected) as rejected:
        rules.require(of(**changed), NAME)
    assert broken in str(rejected.value)
    assert NAME in str(rejected.value)


def test_who_keeps_all_rules_is_let_through() -> None:
    rules = Rules(
        highest_first_weight=5, least_bake_seconds=60, judged=True, repositories=["ours/*"]
    )
    steps = [{"weight": 5, "bake_seconds": 60}]
    rules.require(of(steps=steps, repositories=["ours/shop"], alarms=["any"]), NAME)


@pytest.mark.parametrize("text", ["{", '{"least_bake": 60}', '{"highest_first_weight": 0}'])
def test_rules_that_nobody_can_read_let_nothing_through(text: str) -> None:
    with pytest.raises(RequestRejected, match="_policy are not valid"):
        parse_rules(text, NAME)
