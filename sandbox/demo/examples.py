"""The events that the repository keeps as examples of what AWS sends."""

import json
from datetime import UTC, datetime
from typing import Any

from emulator.template import ROOT


def example(name: str) -> dict[str, Any]:
    """An event as AWS sends it now."""
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return {**event, "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
