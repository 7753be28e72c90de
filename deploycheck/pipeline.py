"""Pipeline: what the example's pipeline gives to the state machine."""

import json
from typing import Any

from emulator import template

EXAMPLE = template.ROOT / "examples/pipeline/template.yaml"


def request(service: str, container: str, image: str) -> dict[str, Any]:
    """The input of the action that releases, as CodePipeline fills it in."""
    stages = template.read(EXAMPLE)["Resources"]["CanaryPipeline"]["Properties"]["Stages"]
    [text] = [
        action["Configuration"]["Input"]
        for stage in stages
        for action in stage["Actions"]
        if action["ActionTypeId"]["Provider"] == "StepFunctions"
    ]
    values = {"${Service}": service, "${Container}": container, "#{BuildVariables.IMAGE}": image}
    for name, value in values.items():
        text = text.replace(name, value)
    given: dict[str, Any] = json.loads(text)
    return given
