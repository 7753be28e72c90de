"""Layout of the state machine's definition: what fits on one line is on one line."""

import json
from pathlib import Path
from typing import Any

DEFINITION = Path(__file__).resolve().parent.parent / "statemachine" / "release.asl.json"
WIDTH = 100


def formatted(text: str) -> str:
    return laid_out(json.loads(text)) + "\n"


def laid_out(value: Any, indent: str = "", key: str = "") -> str:
    """The value after its key, over several lines only where one is too short."""
    line = key + json.dumps(value, ensure_ascii=False)
    # One column stays free for a comma.
    if len(indent + line) < WIDTH or not value or not isinstance(value, dict | list):
        return line
    deeper = indent + "  "
    if isinstance(value, dict):
        items = [laid_out(item, deeper, f"{json.dumps(name)}: ") for name, item in value.items()]
    else:
        items = [laid_out(item, deeper) for item in value]
    # The brackets that the value has on one line go around its items.
    opening, closing = line[len(key)], line[-1]
    inside = ",\n".join(deeper + item for item in items)
    return f"{key}{opening}\n{inside}\n{indent}{closing}"


def main() -> None:
    DEFINITION.write_text(formatted(DEFINITION.read_text()))


if __name__ == "__main__":
    main()
