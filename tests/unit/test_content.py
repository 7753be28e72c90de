import copy
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.content import (
    ContentMixed,
    ContentUnknown,
    brought,
    by_digest,
    content_of,
    differences,
    digest_of,
    has_tag,
    is_fixed,
    is_same,
    loose_containers,
    pinned,
    promoted,
    spoken,
    unbaked,
    unpinned,
    with_images,
    with_tags,
)
from stepcanary.domain.model import Document
from stepcanary.errors import RequestRejected

NAMES = st.lists(st.sampled_from(["app", "log", "proxy"]), min_size=1, unique=True)
A, B, C = (f"sha256:{digit * 64}" for digit in "abc")


def document(**images: str) -> Document:
    containers = [{"name": name, "image": image, "cpu": 1} for name, image in images.items()]
    return {"family": "shop", "containerDefinitions": containers, "cpu": "256"}


def images(of: Document) -> dict[str, str]:
    return {c["name"]: c["image"] for c in of["containerDefinitions"]}


@pytest.mark.parametrize(
    ("image", "exact", "digest", "tagged"),
    [
        ("shop:v2", "shop:v2", "", True),
        ("shop", "shop", "", True),
        (f"shop@{A}", f"shop@{A}", A, False),
        (f"shop:v2@{A}", f"shop@{A}", A, True),
        (f"registry:5000/a/shop:v2@{A}", f"registry:5000/a/shop@{A}", A, True),
        (f"registry:5000/shop@{A}", f"registry:5000/shop@{A}", A, False),
        ("registry:5000/shop", "registry:5000/shop", "", True),
    ],
)
def test_an_image_names_a_digest_a_tag_or_both(
    image: str, exact: str, digest: str, tagged: bool
) -> None:
    assert (by_digest(image), digest_of(image), has_tag(image)) == (exact, digest, tagged)


def test_content_is_what_all_tasks_run_in_each_container() -> None:
    tasks = [{"app": A, "envoy": B, "aws-guardduty-agent": C}, {"app": A, "envoy": B}]
    content = content_of(document(app="shop:v2", envoy="envoy"), tasks)
    assert content == {"app": f"shop:v2@{A}", "envoy": f"envoy:latest@{B}"}


def test_an_image_by_digest_needs_no_task_to_tell() -> None:
    fixed = document(app=f"shop@{A}")
    assert is_fixed(fixed)
    assert content_of(fixed, []) == {"app": f"shop@{A}"}
    assert not is_fixed(document(app=f"shop@{A}", envoy="envoy:v1"))


@pytest.mark.parametrize(
    ("tasks", "error"),
    [
        ([], ContentUnknown),
        ([{"app": A}], ContentUnknown),
        ([{"app": A, "envoy": B}, {"app": A}], ContentUnknown),
        ([{"app": A, "envoy": B}, {"app": A, "envoy": C}], ContentMixed),
    ],
    ids=["no task", "no digest", "one task without a digest", "two digests"],
)
def test_every_container_of_every_task_counts(
    tasks: list[dict[str, str]], error: type[Exception]
) -> None:
    with pytest.raises(error, match="container envoy"):
        content_of(document(app=f"shop@{A}", envoy="envoy:v1"), tasks)


def test_tasks_that_run_something_else_are_told_by_container() -> None:
    content = {"app": f"shop:v2@{A}", "envoy": f"envoy:v1@{B}"}
    same = {"app": A, "envoy": B, "aws-guardduty-agent": C}
    assert differences(content, [same, {"app": A}]) == []
    assert differences(content, [same, {"app": A, "envoy": C}]) == [f"{C} in container envoy"]


def test_a_version_that_is_gone_back_to_is_pinned_and_otherwise_as_it_was() -> None:
    before = document(app="shop:v1", envoy="envoy:v1")
    after = pinned(before, {"app": f"shop:v1@{A}", "envoy": f"envoy:v1@{B}"})
    assert images(after) == {"app": f"shop@{A}", "envoy": f"envoy@{B}"}
    assert {**after, "containerDefinitions": []} == {**before, "containerDefinitions": []}


@pytest.mark.parametrize(
    ("image", "ran", "exact"),
    [
        ("envoy:v1", "", f"envoy@{B}"),
        (f"envoy@{C}", f"envoy:v1@{C}", f"envoy@{B}"),
        (f"envoy@{C}", f"envoy:v2@{C}", f"envoy@{C}"),
        (f"envoy@{C}", f"envoy@{C}", f"envoy@{C}"),
        ("envoy:v2", f"envoy:v2@{C}", f"envoy@{C}"),
        ("mirror/envoy:v1", "", "mirror/envoy:v1"),
    ],
    ids=[
        "same tag",
        "left with a digest by an earlier release of that tag",
        "left with a digest of another tag",
        "named by digest",
        "another tag on purpose",
        "another repository",
    ],
)
def test_the_primary_gets_what_baked_in_a_container_that_stands_for_the_same(
    image: str, ran: str, exact: str
) -> None:
    canary = {"app": f"shop:v2@{A}", "envoy": f"envoy:v1@{B}"}
    wanted = document(app="shop:v2", envoy=image)
    primary = {"app": f"shop:v1@{C}"} | ({"envoy": ran} if ran else {})
    assert images(promoted(wanted, canary, primary)) == {"app": f"shop@{A}", "envoy": exact}


def test_a_digest_on_both_sides_is_another_on_purpose() -> None:
    wanted = document(envoy=f"envoy@{C}")
    assert promoted(wanted, {"envoy": f"envoy@{B}"}, {}) == wanted


def test_what_no_canary_ran_keeps_the_bytes_that_the_primary_ran() -> None:
    wanted = document(app="shop:v2", agent="agent:latest", init="init:v2")
    primary = {"app": f"shop:v1@{B}", "agent": f"agent:latest@{C}", "init": f"init:v1@{C}"}
    got = images(promoted(wanted, {"app": f"shop:v2@{A}"}, primary))
    assert got == {"app": f"shop@{A}", "agent": f"agent@{C}", "init": "init:v2"}


def test_bytes_are_known_by_the_tags_that_they_had() -> None:
    known = {"app": f"shop:v2@{A}", "envoy": f"envoy:v1@{C}"}
    found = {"app": f"shop@{A}", "envoy": f"envoy@{B}", "agent": f"agent@{C}"}
    assert with_tags(found, known) == {**found, "app": f"shop:v2@{A}"}
    assert spoken(f"shop:v2@{A}") == "shop:v2"
    assert spoken(f"shop@{A}") == f"shop@{A}"


def test_a_rollback_leaves_digests_which_are_tags_again_where_they_are_known() -> None:
    left = document(app=f"shop@{A}", envoy=f"envoy@{B}", agent="agent:v1")
    known = {"app": f"shop:v1@{A}", "envoy": f"envoy:v1@{C}", "agent": f"agent:v1@{C}"}
    assert images(unpinned(left, known)) == {**images(left), "app": "shop:v1"}


def test_the_same_bytes_have_the_same_digests_in_what_both_have() -> None:
    ran = {"app": f"shop:v1@{A}", "envoy": f"envoy:v1@{B}"}
    assert is_same(ran, {"app": f"mirror@{A}"})
    assert not is_same(ran, {"app": f"shop:v1@{B}"})
    assert not is_same(ran, {"agent": f"agent@{A}"})


def test_what_a_release_brings_is_what_the_canary_ran_but_for_what_is_another_on_purpose() -> None:
    before = {"app": f"shop:v1@{B}", "envoy": f"envoy:v2@{B}", "agent": f"agent:v1@{B}"}
    canary = {"app": f"shop:v2@{A}", "envoy": f"envoy:v1@{A}", "agent": f"agent:v1@{A}"}
    got = {**canary, "envoy": before["envoy"]}
    assert brought(canary, before, {"app": "shop:v2"}) == got
    assert brought(canary, before, canary) == canary


@pytest.mark.parametrize(
    ("primary", "told"),
    [
        ({"app": "shop:v2"}, None),
        ({"app": "shop:v3"}, "container app is shop:v3 on the primary and shop:v2 on the canary"),
        ({"app": f"shop@{A}"}, "shop:v2 on the canary"),
        ({"app": "shop:v2", "agent": "agent:v1"}, None),
        ({"app": "shop:v2", "envoy": f"envoy@{C}"}, None),
        ({"app": "shop:v2", "envoy": f"envoy@{B}"}, "envoy:v1 on the canary"),
        ({"app": "shop:v2", "agent": "agent:v2"}, "on the primary alone"),
    ],
    ids=[
        "the same",
        "another tag",
        "a digest",
        "what it runs alone",
        "a digest of the same tag",
        "a digest of another",
        "what nobody has run",
    ],
)
def test_a_ready_primary_may_only_have_what_a_canary_runs(
    primary: dict[str, str], told: str | None
) -> None:
    running = {"app": f"shop:v1@{B}", "agent": f"agent:v1@{C}", "envoy": f"envoy:v1@{C}"}
    canary = document(app="shop:v2", envoy="envoy:v1")
    found = unbaked(document(**primary), canary, running)
    assert (found is None) if told is None else told in (found or "")


def test_a_container_is_loose_with_a_tag_and_no_version_consistency() -> None:
    loose = document(app="shop:v2", envoy=f"envoy@{A}", agent="agent:v1")
    for container in loose["containerDefinitions"][:2]:
        container["versionConsistency"] = "disabled"
    assert loose_containers(loose) == ["app"]


names = st.text(string.ascii_lowercase, min_size=1, max_size=3)
tags = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=3)
digests = st.sampled_from([A, B, C])
references = st.one_of(
    st.builds("{}:{}".format, names, tags),
    st.builds("{}@{}".format, names, digests),
    st.builds("r:5000/{}:{}@{}".format, names, tags, digests),
)


@given(st.dictionaries(names, references, min_size=1, max_size=4), st.data())
def test_nothing_but_images_changes_and_what_is_pinned_stays(
    by_name: dict[str, str], data: st.DataObject
) -> None:
    wanted = document(**by_name)
    task = {name: data.draw(digests) for name in by_name}
    content = content_of(wanted, [task])
    kept = copy.deepcopy(wanted)
    exact = pinned(wanted, content)
    assert wanted == kept
    assert is_fixed(exact)
    assert pinned(exact, content) == exact
    assert images(promoted(wanted, content, {})) == images(exact)
    running = {name: digest_of(image) for name, image in content.items()}
    assert differences(content, [running]) == []


@given(NAMES, st.data())
def test_only_the_named_images_differ_and_the_original_stays(names: list[str], data: Any) -> None:
    named = data.draw(st.dictionaries(st.sampled_from(names), st.just("shop:v2")))
    containers = [{"name": n, "image": "shop:v1", "cpu": 256, "secrets": [n]} for n in names]
    original = {"family": "shop", "cpu": "256", "containerDefinitions": containers}
    before = copy.deepcopy(original)
    derived = with_images(original, named)
    assert original == before
    expected = [{**c, "image": named.get(str(c["name"]), "shop:v1")} for c in containers]
    assert derived == {**original, "containerDefinitions": expected}


def test_what_is_derived_shares_nothing_with_the_original() -> None:
    original = document(app="shop:v1")
    with_images(original, {})["containerDefinitions"][0]["cpu"] = 2
    assert original == document(app="shop:v1")


def test_a_container_that_is_not_there_is_refused_with_those_that_are() -> None:
    containers = [{"name": "web", "image": "shop:v1"}, {"name": "log", "image": "fluent:1"}]
    definition = {"family": "shop", "containerDefinitions": containers}
    with pytest.raises(RequestRejected, match=r"^images\.app: .*\bshop\b.*\blog, web$"):
        with_images(definition, {"web": "shop:v2", "app": "shop:v2"})
