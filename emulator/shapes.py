"""Shapes: what a request breaks of its model in botocore, most of which botocore lets pass.

AWS checks ranges, patterns and enumerations; boto3 and moto do not.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session


@cache
def model_of(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def broken(service: str, operation: str, params: dict[str, Any]) -> list[str]:
    """What AWS would refuse to look at, in a sentence each."""
    return list(violations(model_of(service).operation_model(operation).input_shape, params))


def violations(shape: Any, value: Any, where: str = "") -> Iterator[str]:
    limits = shape.metadata
    size = value if shape.type_name in ("integer", "float") else None
    if shape.type_name in ("string", "list"):
        size = len(value)
    if size is not None and not limits.get("min", size) <= size <= limits.get("max", size):
        yield f"{where}: {value!r} is not within {limits.get('min')}..{limits.get('max')}"
    if shape.type_name == "string":
        if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
            yield f"{where}: {value!r} does not match {limits['pattern']}"
        if shape.enum and value not in shape.enum:
            yield f"{where}: {value!r} is none of {shape.enum}"
    if shape.type_name == "list":
        for number, item in enumerate(value):
            yield from violations(shape.member, item, f"{where}[{number}]")
    if shape.type_name == "structure":
        if limits.get("union") and len(value) != 1:
            yield f"{where}: exactly one of {', '.join(shape.members)}"
        for name, item in value.items():
            yield from violations(shape.members[name], item, f"{where}.{name}")
