"""Schema: the JSON Schemas of what people and events say, for editors and for who listens."""

import ast
import inspect
import json
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from stepcanary.domain.events import ReleaseEvent
from stepcanary.domain.profile import Profile
from stepcanary.domain.request import ActionRequest, Request, SignalInput

DOCUMENTS: dict[str, type[BaseModel]] = {
    "request": Request,
    "action": ActionRequest,
    "profile": Profile,
    "release_signal": SignalInput,
    "release_event": ReleaseEvent,
}


def schemas() -> dict[str, str]:
    """File name to text."""
    return {
        f"{name}.schema.json": json.dumps(_schema(name, model), indent=2) + "\n"
        for name, model in DOCUMENTS.items()
    }


def _schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    """Of an event it is what we write, of everything else what we read."""
    mode = "serialization" if model is ReleaseEvent else "validation"
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:stepcanary:schema:{name}",
        **model.model_json_schema(schema_generator=Described, mode=mode),  # type: ignore[arg-type]
    }


class Described(GenerateJsonSchema):
    """With what is written below each field.

    pydantic could read that too, but each time that a function starts, and from a source that the
    package does not have.
    """

    def model_schema(self, schema: Any) -> dict[str, Any]:
        made: dict[str, Any] = super().model_schema(schema)
        described = descriptions(schema["cls"])
        for name, field in schema["cls"].model_fields.items():
            key = field.alias or name
            if key in made.get("properties", {}) and name in described:
                made["properties"][key].setdefault("description", described[name])
        return made


def descriptions(model: type[BaseModel]) -> dict[str, str]:
    """By field, what is written below it in its class or in one that it has it from."""
    found = {}
    for each in reversed(model.__mro__):
        if not issubclass(each, BaseModel) or each is BaseModel:
            continue
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        assert isinstance(body, ast.ClassDef)
        for field, below in zip(body.body, body.body[1:], strict=False):
            match field, below:
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = re.sub(r"\s+", " ", text).strip()
    return found


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
