"""Documents: what one version of the stack wrote, every other can read.

Each file in `documents/` is a release as some version kept it; a new shape adds a file.
"""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from stepcanary.domain.account import Account
from stepcanary.domain.release import Release
from stepcanary.errors import DocumentUnreadable
from stepcanary.store import documents
from tests.fakes.accounts import EXTERNAL_ID, ROLE

KEPT = {path.stem: path.read_text() for path in Path(__file__).parent.glob("documents/*.json")}
STABLE = (
    "execution",
    "service",
    "cluster",
    "primary",
    "canary",
    "primary_tasks",
    "traffic",
    "settle_seconds",
    "drain_seconds",
)
"""What the way back works with."""
SIDES = ("primary", "canary")


def test_the_shape_that_is_written_now_has_its_file() -> None:
    newest = KEPT[f"schema-{documents.SCHEMA}"]
    release = documents.read(newest)
    assert json.loads(documents.written(release)) == json.loads(newest)


@pytest.mark.parametrize("name", KEPT)
def test_every_shape_that_was_ever_written_can_be_read(name: str) -> None:
    document = json.loads(KEPT[name])
    written = json.loads(documents.written(documents.read(KEPT[name])))
    for member in STABLE:
        assert _without_new_keys(written[member], document[member]) == document[member]


def _without_new_keys(written: Any, document: Any) -> Any:
    if not isinstance(document, dict):
        return written
    return {key: written[key] for key in document}


def places(document: Any) -> list[Any]:
    """Every object in it."""
    if isinstance(document, list):
        return [place for item in document for place in places(item)]
    if not isinstance(document, dict):
        return []
    return [document, *(place for item in document.values() for place in places(item))]


@pytest.mark.parametrize("name", KEPT)
def test_keys_that_are_not_known_are_ignored_wherever_they_are(name: str) -> None:
    document = json.loads(KEPT[name])
    for place in places(document):
        contents = [document.get("pins"), *(document[side].get("content") for side in SIDES)]
        if place not in (document.get("images"), *contents):
            place["of_a_later_version"] = {"any": ["shape"]}
    assert documents.read(json.dumps(document)) == documents.read(KEPT[name])


@pytest.mark.parametrize(
    "changed",
    [
        {"steps": [{"weight": 0.5}]},
        {"steps": "by the judge"},
        {"promotion": {"on_timeout": "hold"}},
        {"alarms": None, "holds": None},
        {"by": None},
        {"images": {"app": {"digest": "sha256:1"}}},
    ],
    ids=str,
)
def test_the_stable_part_is_enough_to_go_back(changed: dict[str, Any]) -> None:
    before = documents.read(KEPT["schema-1"])
    document = {**json.loads(KEPT["schema-1"]), **changed}
    kept = {key: value for key, value in document.items() if value is not None}
    release = documents.read(json.dumps(kept))
    for member in STABLE:
        assert getattr(release, member) == getattr(before, member)
    assert (release.splits, release.manual) == (before.splits, before.manual)


@pytest.mark.parametrize("member", ["execution", "cluster", "primary", "traffic"])
def test_without_a_stable_member_it_says_what_to_do(member: str) -> None:
    document = copy.deepcopy(json.loads(KEPT["schema-1"]))
    del document[member]
    with pytest.raises(DocumentUnreadable, match="Update the stack"):
        documents.read(json.dumps(document))


def test_a_release_of_another_account_is_read_with_it_or_not_at_all() -> None:
    """Who ignored the account would look for its services in the stack's own."""
    account = Account(role_arn=ROLE, external_id=EXTERNAL_ID)
    release = documents.read(KEPT["schema-1"]).model_copy(update={"account": account})
    text = documents.written(release)
    assert documents.read(text) == release
    assert documents.read(text, documents.SCHEMA + 1).account == account
    for shape in (Release, documents.StablePart):
        with pytest.raises(ValidationError):
            shape.model_validate_json(text, extra="ignore")


def test_of_a_newer_schema_only_the_stable_part_is_trusted() -> None:
    release = documents.read(KEPT["schema-1"], documents.SCHEMA + 1)
    assert (release.steps, release.holds) == ([], 0)
    assert release.traffic == documents.read(KEPT["schema-1"]).traffic
