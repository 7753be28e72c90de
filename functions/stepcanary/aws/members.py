"""Members: which parts of an answer botocore drops, because its model has no shape for them.

botocore parses an answer along its model and is silent about the rest. Here the answer is looked at
as it came, beside the same model. See
https://github.com/boto/botocore/blob/develop/botocore/endpoint.py, `before-parse`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar
from xml.etree.ElementTree import Element, ParseError, canonicalize, fromstring, tostring

from botocore.model import OperationModel, Shape

from stepcanary.domain.members import Paths, Values, values_of, within, without_numbers
from stepcanary.domain.model import Document

C = TypeVar("C")

KEY = "UnknownMembers"
"""Of an answer: the members that were dropped."""

Found = list[tuple[str, str]]
"""Path, with the numbers of list items, and what is there, as text."""

TYPE = "__type"
"""The JSON protocols' own, which belongs to no shape."""


def noting(client: C, *operations: str) -> C:
    """The client, which from now on notes the unknown members in the answers to these operations.

    An answer that was not parsed has none.
    """
    given: Any = client
    for operation in operations:
        given.meta.events.register(f"before-parse.*.{operation}", _note)
    return client


def unknown(
    answer: Mapping[str, Any],
    parts: Sequence[str],
    *,
    but: Sequence[str] = (),
) -> Paths:
    """The unknown members in these parts of an answer, `but` in these parts of them."""
    found = _in_parts(answer, parts)
    return without_numbers(p for p, _ in found if not any(within(p, part) for part in but))


def unknown_values(
    answer: Mapping[str, Any], parts: Sequence[str], also: Sequence[tuple[str, str]] = ()
) -> Values:
    """The unknown members in these parts of an answer, with what they have.

    `also` has those of members that botocore knows and that a write is without all the same.
    """
    return values_of([*_in_parts(answer, parts), *also])


def _in_parts(answer: Mapping[str, Any], parts: Sequence[str]) -> Found:
    found: Found = answer.get(KEY, [])
    return [(p, v) for p, v in found if any(within(p, part) for part in parts)]


def _note(
    operation_model: OperationModel,
    response_dict: Document,
    customized_response_dict: Document,
    **_: Any,
) -> None:
    """A hook of botocore's: what is in the latter is added to the parsed answer."""
    shape: Any = operation_model.output_shape
    if response_dict["status_code"] >= 300 or shape is None:
        return
    if found := LOOKS[operation_model.service_model.resolved_protocol](shape, response_dict):
        customized_response_dict[KEY] = found


def _in_json(shape: Any, response: Document) -> Found:
    try:
        tree = json.loads(response["body"])
    except ValueError:
        # Whatever it is, it is botocore's to refuse.
        return []
    payload = shape.serialization.get("payload")
    found = list(
        _unknown(shape.members[payload], tree, payload) if payload else _unknown(shape, tree)
    )
    if found:
        # Beside its one member a union has none, says botocore, and refuses the whole answer.
        response["body"] = json.dumps(tree).encode()
    return found


def _in_xml(shape: Any, response: Document) -> Found:
    try:
        root = fromstring(response["body"])  # noqa: S314 - it comes from AWS, and botocore parses it as well
    except ParseError:
        return []
    wrapper = shape.serialization.get("resultWrapper")
    result = next((each for each in root if _tag(each) == wrapper), root)
    return list(_unknown(shape, result))


LOOKS = {"query": _in_xml, "json": _in_json, "rest-json": _in_json}
"""By protocol. A service that comes to another one with a newer botocore fails in every test."""


def _unknown(shape: Any, node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """What is below this node, a value of JSON or an element of XML, and in no shape."""
    if node is None:
        return
    if shape.type_name == "structure" and not getattr(shape, "is_document_type", False):
        yield from _unknown_of_structure(shape, node, path)
    elif shape.type_name == "list" and isinstance(node, list | Element):
        for number, item in enumerate(node):
            yield from _unknown(shape.member, item, f"{path}[{number}]")
    elif shape.type_name == "map" and isinstance(node, dict):
        for key, value in node.items():
            yield from _unknown(shape.value, value, f"{path}.{key}")


def _unknown_of_structure(shape: Any, node: Any, path: str) -> Iterator[tuple[str, str]]:
    known = {member.serialization.get("name", n): member for n, member in shape.members.items()}
    members = list(_members(node))
    for name, value in members:
        below = f"{path}.{name}" if path else name
        if name in known:
            yield from _unknown(known[name], value, below)
        else:
            yield below, _text(value)
    if isinstance(node, dict) and shape.is_tagged_union:
        strange = [name for name, _ in members if name not in known]
        if len(strange) < len(members):
            for name in strange:
                del node[name]


def _members(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        yield from ((key, v) for key, v in node.items() if v is not None and key != TYPE)
    elif isinstance(node, Element):
        yield from ((_tag(child), child) for child in node)


def _text(value: Any) -> str:
    """The same for what means the same."""
    if isinstance(value, Element):
        return canonicalize(tostring(value), strip_text=True)
    return json.dumps(value, sort_keys=True)


def _tag(element: Element) -> str:
    """Without its namespace."""
    return element.tag.rpartition("}")[2]


def known_values(client: Any, shape: str) -> frozenset[str]:
    """The values that botocore's model lists for an enumeration."""
    found: Shape = client.meta.service_model.shape_for(shape)
    return frozenset(found.enum)  # type: ignore[attr-defined]
