"""Making: what every resource type is made with.

CloudFormation names properties in its own way (`ServiceDiscovery.AWSCloudMap`), and the API in
another (`serviceDiscovery.awsCloudMap`). The two differ in case only, so the API's own model says
what a property is called and of which type it is; what the model does not know is refused.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
ClientOf = Callable[[str], Any]
"""Makes the boto3 client of a named AWS service."""
Undo = Callable[[], object]


class UnknownProperty(ValueError):
    """A property of a template that no call takes."""


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that exists: what `Ref` and `GetAtt` answer, and the calls that remove it."""

    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    undo: tuple[Undo, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A resource as a template declares it; `name` is for one that the template gives none."""

    client: ClientOf
    name: str
    properties: Json

    def take(self, *names: str) -> list[Any]:
        """Properties that are not for the call that makes the resource; None for none."""
        return [self.properties.pop(name, None) for name in names]


Make = Callable[[Wanted], Made]


@contextmanager
def undoing(*undo: Undo) -> Iterator[None]:
    """While what has been made gets what is still missing: where that fails, it is removed."""
    try:
        yield
    except BaseException:
        for each in undo:
            each()
        raise


def call(client: Any, operation: str, properties: Json, **more: Any) -> Any:
    """Call an operation with a template's properties, and `more` as the API names it."""
    model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation])
    named: Json = _converted(model.input_shape, properties, "") if properties else {}
    return getattr(client, operation)(**named, **more)


def pairs(tags: list[Json] | None) -> list[Json]:
    """Tags as those services write them whose keys begin with a small letter."""
    return [{"key": tag["Key"], "value": tag["Value"]} for tag in tags or []]


def _converted(shape: Any, value: Any, path: str) -> Any:
    convert = _KINDS.get(shape.type_name)
    return value if convert is None else convert(shape, value, path)


def _structure(shape: Any, value: Json, path: str) -> Json:
    names = {name.lower(): name for name in shape.members}
    found = {}
    for key, inner in value.items():
        name = names.get(key.lower())
        place = f"{path}.{key}".lstrip(".")
        if name is None:
            raise UnknownProperty(f"nothing is known of the property {place}")
        found[name] = _converted(shape.members[name], inner, place)
    return found


def _list(shape: Any, value: list[Any], path: str) -> list[Any]:
    return [_converted(shape.member, inner, f"{path}[]") for inner in value]


def _map(shape: Any, value: Any, path: str) -> Json:
    if isinstance(value, list):
        # Tags: CloudFormation has a list of them where some APIs have a map.
        value = {tag["Key"]: tag["Value"] for tag in value}
    return {key: _converted(shape.value, inner, f"{path}.{key}") for key, inner in value.items()}


def _text(_shape: Any, value: Any, _path: str) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _boolean(_shape: Any, value: Any, _path: str) -> bool:
    return str(value).lower() == "true"


def _whole(_shape: Any, value: Any, _path: str) -> int:
    return int(value)


def _number(_shape: Any, value: Any, _path: str) -> float:
    return float(value)


_KINDS: dict[str, Callable[[Any, Any, str], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _text,
    "boolean": _boolean,
    "integer": _whole,
    "long": _whole,
    "float": _number,
    "double": _number,
}
