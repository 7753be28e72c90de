"""The example of pipelines, as the deploy check deploys it."""

from deploycheck import pipeline
from emulator import template

RESOURCES = template.read(pipeline.EXAMPLE)["Resources"]


def test_nothing_but_pipelines_is_left_out() -> None:
    text = pipeline.known()
    assert pipeline.UNKNOWN not in text
    kept = [name for name, each in RESOURCES.items() if each["Type"] != pipeline.UNKNOWN]
    assert [name for name in RESOURCES if f"\n  {name}:\n" in text] == kept


def test_every_parameter_without_a_default_is_given() -> None:
    declared = template.read(pipeline.EXAMPLE)["Parameters"]
    needed = {name for name, each in declared.items() if "Default" not in each}
    assert needed == {*pipeline.PARAMETERS, "StateMachineArn"}
