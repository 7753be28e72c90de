"""Requests: whatever is sent, the answer is a request or a rejection that a person can read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stepcanary.domain.profile import Profile, Traffic
from stepcanary.domain.request import (
    SignalInput,
    explain,
    parse_action,
    parse_profile,
    parse_request,
)
from stepcanary.errors import RequestRejected
from tests.builders import profile, request

DIGEST = "@sha256:" + "a" * 64
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "image",
    [
        "shop:v1",
        "shop" + DIGEST,
        "shop:v1" + DIGEST,
        "localhost:5000/shop:v1",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/shop:2026-11-24_1",
        "public.ecr.aws/a/b__c:V1.0",
        "registry:5000/app:v1",
        "registry:5000/team/app" + DIGEST,
        "build_cache:443/app:v1",
        "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov/shop:v1",
        "123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov/shop:v1",
        "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/shop:v1",
        "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/shop" + DIGEST,
        "123456789012.dkr-ecr.us-east-1.on.aws/shop:v1",
    ],
)
def test_good_images(image: str) -> None:
    assert parse_request(request(images={"app": image})).images == {"app": image}


@pytest.mark.parametrize(
    "image",
    [
        "",
        "shop",
        "Shop:v1",
        "shop:",
        "shop: v1",
        "shop:v1\n",
        "shop@sha256:abc",
        "/shop:v1",
        "a b",
        "registry:5000/",
        "registry:/app:v1",
    ],
)
def test_bad_images(image: str) -> None:
    with pytest.raises(RequestRejected, match=r"images\.app"):
        parse_request(request(images={"app": image}))


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"service": "\ud800"}, "service"),
        ({"by": "a\udfff"}, "by"),
        ({"images": {"app": "shop:\ud800"}}, "images.app"),
        ({"images": {"\ud800": "shop:v2"}}, r"images.\ud800"),
        ({"profile": profile(cluster="\ud800")}, "profile.cluster"),
        ({"profile": profile(alarms=["a", "\ud800"])}, "profile.alarms.1"),
    ],
)
def test_half_a_character_is_rejected_and_its_field_named(
    changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(RequestRejected) as rejected:
        parse_request(request(**changed))
    message = str(rejected.value)
    assert message.startswith(f"request is not valid. {field}: has half a character in it")
    assert message.isascii()


def test_half_a_character_in_an_action_or_a_stored_profile_is_rejected_too() -> None:
    with pytest.raises(RequestRejected, match=r"^action is not valid\. reason: has half"):
        parse_action({"service": "checkout", "action": "revert", "reason": "\ud800"})
    stored = json.dumps(profile(primary="\ud800"))
    with pytest.raises(RequestRejected, match=r"^profile p is not valid\. primary: has half"):
        parse_profile(stored, "profile p")


def test_both_halves_together_are_a_character() -> None:
    duck = '{"service": "checkout", "images": {"app": "shop:v2"}, "by": "\\ud83e\\udd86"}'
    assert parse_request(json.loads(duck)).by == "\U0001f986"


@given(JSON)
def test_any_document_is_answered_in_words(document: Any) -> None:
    with pytest.raises(RequestRejected) as rejected:
        parse_request(document)
    assert 10 < len(str(rejected.value)) < 3_000


@given(st.dictionaries(st.sampled_from(sorted(profile())), JSON, min_size=1))
def test_any_profile_is_answered_in_words(changed: dict[str, Any]) -> None:
    message = ""
    try:
        parse_request(request(profile=profile(**changed)))
    except RequestRejected as rejected:
        message = str(rejected)
    assert len(message) < 3_000


ELB = "arn:aws:elasticloadbalancing:eu-west-1:123456789012"
LATTICE = "arn:aws:vpc-lattice:eu-west-1:123456789012"
IDS = {"service": "svc-0e7f4c1a2b3d5968f", "listener": "listener-0b1c2d3e4f5a69788"}
A, B = "tg-0f9cb5af0bb75ab50", "tg-0594385e7ae170b9c"
ALB: dict[str, Any] = {
    "router": "alb",
    "listener_rule": f"{ELB}:listener-rule/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6c",
    "primary_target_group": f"{ELB}:targetgroup/a/73e2d6bc24d8a067",
    "canary_target_group": f"{ELB}:targetgroup/b/73e2d6bc24d8a067",
}
VPC: dict[str, Any] = {
    "router": "lattice",
    **IDS,
    "primary_target_group": A,
    "canary_target_group": B,
}
BY_ARN: dict[str, Any] = {
    **VPC,
    "service": f"{LATTICE}:service/{IDS['service']}",
    "listener": f"{LATTICE}:service/{IDS['service']}/listener/{IDS['listener']}",
    "canary_target_group": f"{LATTICE}:targetgroup/{B}",
}
RULE = "rule-0a9b8c7d6e5f41302"


def parsed(traffic: Any) -> Traffic:
    document = request(profile=profile(traffic=[traffic]))
    found = parse_request(document).profile
    assert found is not None
    return found.traffic[0]


@pytest.mark.parametrize(
    ("traffic", "problem"),
    [
        ("x", "traffic.0: must be an object (it is 'x')"),
        ({}, "traffic.0.router: is missing; write one of appmesh, alb, lattice"),
        (
            {"router": "nginx"},
            "traffic.0.router: must be one of appmesh, alb, lattice (it is 'nginx')",
        ),
        ({"router": "lattice"}, "traffic.0.service: is missing; profile.traffic.0.listener: is"),
        ({**ALB, "mesh": "m"}, "traffic.0.mesh: unknown key; remove it or mend its spelling"),
        (
            {**ALB, "listener_rule": "checkout"},
            "traffic.0.listener_rule: must be like arn:aws:elasticloadbalancing:eu-west-1:"
            "123456789012:listener-rule/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2/"
            "9683b2d02a6cabee (it is 'checkout')",
        ),
        (
            {**ALB, "listener": f"{ELB}:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2"},
            "traffic.0: give either listener_rule, or listener for its default action",
        ),
        ({k: v for k, v in ALB.items() if k != "listener_rule"}, "traffic.0: give either"),
        (
            {**ALB, "canary_target_group": ALB["primary_target_group"]},
            "traffic.0: primary_target_group and canary_target_group must differ",
        ),
        ({**ALB, "accept_stickiness": "yes"}, "traffic.0.accept_stickiness: must be"),
        ({**ALB, "rest_weight": 1}, "traffic.0: rest_weight is for PlanRelease to find; remove it"),
        ({**VPC, "rule": ""}, "traffic.0.rule: must be like rule-0a9b8c7d6e5f41302, or its ARN"),
        (
            {**VPC, "canary_target_group": f"{LATTICE}:targetgroup/{A}"},
            "traffic.0: primary_target_group and canary_target_group must differ",
        ),
        (
            {**BY_ARN, "service": "svc-00000000000000000"},
            "traffic.0: listener is of another service",
        ),
        (
            {**VPC, "rule": f"{BY_ARN['listener'][:-1]}9/rule/{RULE}"},
            "traffic.0: rule is of another service or listener",
        ),
    ],
)
def test_wrong_traffic_is_explained(traffic: Any, problem: str) -> None:
    with pytest.raises(RequestRejected) as rejected:
        parsed(traffic)
    assert f"profile.{problem}" in str(rejected.value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (VPC, BY_ARN),
        ({**VPC, "rule": RULE}, {**BY_ARN, "rule": f"{BY_ARN['listener']}/rule/{RULE}"}),
        (ALB, {**ALB, "accept_stickiness": True, "settle_seconds": 5}),
    ],
)
def test_two_ways_to_name_one_rule_have_one_key(one: Any, other: Any) -> None:
    execution = "arn:aws:states:eu-west-1:123456789012:execution:release:1"
    assert parsed(one).key(execution) == parsed(other).key(execution)


def test_a_rule_and_the_default_action_are_two_splits() -> None:
    listener = f"{ELB}:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2"
    rules = [ALB, {**ALB, "listener_rule": None, "listener": listener}, VPC, {**VPC, "rule": RULE}]
    assert len({parsed(traffic).key("") for traffic in rules}) == 4


def test_a_release_always_reaches_100() -> None:
    stopped = Profile.model_validate_json(json.dumps(profile(steps=[{"weight": 40}])))
    assert [step.weight for step in stopped.all_steps] == [40, 100]


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"action": "shift", "weight": 101}, "weight: must be less than or equal to 100"),
        ({"action": "dance"}, "action: must be 'promote', 'revert'"),
        ({"action": "revert", "by": 3}, "by: must be a valid string (it is '3')"),
        ({"action": "promote", "weight": 3}, "action: shift has a weight, from 0 to 100"),
    ],
)
def test_each_problem_of_an_action_has_its_field(document: dict[str, Any], text: str) -> None:
    with pytest.raises(RequestRejected) as rejected:
        parse_action({"service": "checkout", **document})
    assert str(rejected.value).startswith(f"action is not valid. {text}")


def test_each_problem_of_a_signal_has_its_field() -> None:
    with pytest.raises(ValidationError) as refused:
        SignalInput.model_validate(
            {"service": "checkout", "signal": "dance", "reason": "x" * 2_000}
        )
    assert "reason: must have at most 1000 characters" in explain(refused.value, "signal")
    assert "signal: must be 'promote', 'revert'" in explain(refused.value, "signal")


def test_only_what_a_release_obeys_is_a_signal() -> None:
    assert parse_action({"action": "skip", "service": "checkout"}).kind == "skip"
    with pytest.raises(ValueError, match="status is no signal"):
        parse_action({"action": "status", "service": "checkout"}).kind  # noqa: B018
