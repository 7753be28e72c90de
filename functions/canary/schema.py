"""Schema: the JSON Schemas of request and profile, for editors."""

import json
import sys
from pathlib import Path

from pydantic import BaseModel

from canary.profile import Profile
from canary.request import Request

DOCUMENTS: dict[str, type[BaseModel]] = {"request": Request, "profile": Profile}


def schemas() -> dict[str, str]:
    """File name to text."""
    return {
        f"{name}.schema.json": json.dumps(model.model_json_schema(), indent=2) + "\n"
        for name, model in DOCUMENTS.items()
    }


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
