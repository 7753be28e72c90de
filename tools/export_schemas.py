"""Schema: the JSON Schemas of what people and events say, for editors and for who listens."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

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
        f"{name}.schema.json": json.dumps(_schema(model), indent=2) + "\n"
        for name, model in DOCUMENTS.items()
    }


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """Of an event it is what we write, of everything else what we read."""
    return model.model_json_schema(mode="serialization" if model is ReleaseEvent else "validation")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
