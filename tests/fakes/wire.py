"""The wire: answers as AWS sends them, which botocore then parses along its model.

So what botocore has no shape for is lost on the way, as it is with AWS.
"""

import json
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from botocore.model import OperationModel
from botocore.parsers import create_parser

Document = dict[str, Any]


def body(model: OperationModel, answer: Document) -> bytes:
    """The HTTP body of a document that has the model's names, and perhaps others."""
    shape: Any = model.output_shape
    if model.service_model.resolved_protocol == "query":
        root = Element(f"{model.name}Response", xmlns="http://example.com/doc/")
        _put(SubElement(root, shape.serialization["resultWrapper"]), answer, shape)
        return tostring(root)
    payload = shape.serialization.get("payload")
    return json.dumps(answer[payload] if payload else answer, default=_seconds).encode()


def _seconds(value: Any) -> float:
    assert isinstance(value, datetime)
    return value.timestamp()


def _put(element: Element, value: Any, shape: Any) -> None:
    """`shape` is None for what the model does not know."""
    kind = shape.type_name if shape is not None else ""
    if isinstance(value, dict) and kind == "map":
        for key, below in value.items():
            entry = SubElement(element, "entry")
            _put(SubElement(entry, "key"), key, shape.key)
            _put(SubElement(entry, "value"), below, shape.value)
    elif isinstance(value, dict):
        members = shape.members if kind == "structure" else {}
        for name, below in value.items():
            _put(SubElement(element, name), below, members.get(name))
    elif isinstance(value, list):
        for item in value:
            _put(SubElement(element, "member"), item, shape.member if kind == "list" else None)
    else:
        element.text = str(value).lower() if isinstance(value, bool) else str(value)


def parsed(client: Any, model: OperationModel, sent: bytes) -> Document:
    """What a client makes of the body of an answer, with its `before-parse` hooks.

    As botocore does it in `endpoint.py`, between the network and `after-call`.
    """
    response = {"status_code": 200, "headers": {}, "body": sent, "context": {}}
    more: Document = {}
    service = model.service_model.service_id.hyphenize()
    client.meta.events.emit(
        f"before-parse.{service}.{model.name}",
        operation_model=model,
        response_dict=response,
        customized_response_dict=more,
    )
    parser: Any = create_parser(model.service_model.resolved_protocol)
    found: Document = parser.parse(response, model.output_shape)
    return {**found, **more}
