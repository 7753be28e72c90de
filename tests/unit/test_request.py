"""Requests: whatever is sent, the answer is a request or a rejection that a person can read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canary.errors import RequestRejected
from canary.profile import Profile
from canary.request import parse_request
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
    ],
)
def test_good_images(image: str) -> None:
    assert parse_request(request(images={"app": image})).images == {"app": image}


@pytest.mark.parametrize(
    "image",
    ["", "shop", "Shop:v1", "shop:", "shop: v1", "shop:v1\n", "shop@sha256:abc", "/shop:v1", "a b"],
)
def test_bad_images(image: str) -> None:
    with pytest.raises(RequestRejected, match=r"images\.app"):
        parse_request(request(images={"app": image}))


@given(JSON)
def test_any_document_is_answered_in_words(document: Any) -> None:
    with pytest.raises(RequestRejected) as rejected:
        parse_request(document)
    assert 10 < len(str(rejected.value)) < 3_000


@given(st.dictionaries(st.sampled_from(sorted(profile())), JSON, min_size=1))
def test_any_profile_is_answered_in_words(changed: dict[str, Any]) -> None:
    told = ""
    try:
        parse_request(request(profile=profile(**changed)))
    except RequestRejected as rejected:
        told = str(rejected)
    assert len(told) < 3_000


def test_a_release_always_reaches_100() -> None:
    stopped = Profile.model_validate_json(json.dumps(profile(steps=[{"weight": 40}])))
    assert [step.weight for step in stopped.all_steps] == [40, 100]
