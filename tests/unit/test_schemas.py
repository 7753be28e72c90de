"""The exported JSON Schemas describe every key, and a document may name its own."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stepcanary.domain.request import parse_action, parse_profile, parse_request
from stepcanary.domain.tier import least_bytes
from stepcanary.errors import RequestRejected
from tests.builders import profile, request
from tools.export_schemas import DOCUMENTS, schemas

SCHEMA = "../docs/schema/profile.schema.json"
EXPORTED = {name: json.loads(text) for name, text in schemas().items()}


def properties(schema: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every property at every level, with where it is."""
    if isinstance(schema, list):
        for each in schema:
            yield from properties(each, place)
    elif isinstance(schema, dict):
        for name, each in schema.get("properties", {}).items():
            yield f"{place}/{name}", each
        for name, each in schema.items():
            yield from properties(each, f"{place}/{name}")


@pytest.mark.parametrize("name", EXPORTED)
def test_every_key_has_a_description(name: str) -> None:
    found = dict(properties(EXPORTED[name]))
    assert len(found) > 4
    assert [place for place, each in found.items() if not each.get("description")] == []
    # What is written below a field is one sentence or several, and no leftover of its layout.
    assert [p for p, each in found.items() if not each["description"].endswith(".")] == []
    assert [p for p, each in found.items() if "\n" in each["description"]] == []


def test_every_schema_says_which_one_it_is() -> None:
    assert {schema["$schema"] for schema in EXPORTED.values()} == {
        "https://json-schema.org/draft/2020-12/schema"
    }
    assert len({schema["$id"] for schema in EXPORTED.values()}) == len(DOCUMENTS)


def test_a_document_may_name_its_schema() -> None:
    named = parse_profile(json.dumps({"$schema": SCHEMA, **profile()}), "profile")
    plain = parse_profile(json.dumps(profile()), "profile")
    assert named.model_copy(update={"json_schema": ""}) == plain
    asked = parse_request(
        {"$schema": "request.json", **request(profile={"$schema": SCHEMA, **profile()})}
    )
    assert asked.profile == named
    parse_action({"$schema": "action.json", "service": "checkout", "action": "status"})
    for name in ("profile", "request", "action"):
        assert EXPORTED[f"{name}.schema.json"]["properties"]["$schema"]["type"] == "string"


def test_the_parameter_has_to_hold_it_as_well() -> None:
    named, plain = (
        least_bytes(parse_profile(json.dumps({**more, **profile()}), "profile"))
        for more in ({"$schema": SCHEMA}, {})
    )
    assert named - plain == len(json.dumps({"$schema": SCHEMA}, separators=(",", ":"))) - 1


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("$schema", 3, "$schema: must be a valid string (it is '3')"),
        ("$schema", ["a"], "$schema: must be a valid string"),
        ("$id", "a", "$id: unknown key"),
        ("json_schema", "a", "json_schema: unknown key"),
        ("schema", "a", "schema: unknown key"),
    ],
)
def test_nothing_else_is_let_in_beside_it(key: str, value: object, told: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        parse_profile(json.dumps({key: value, **profile()}), "profile")
    assert told in str(refused.value)
