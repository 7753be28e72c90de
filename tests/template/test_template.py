"""The template says the same as the code beside it."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from canary.schema import schemas
from sandbox import stack

RESOURCES: dict[str, Any] = stack.template()["Resources"]
FUNCTIONS = {f.name: f for f in stack.functions()}


@pytest.fixture(scope="module")
def transformed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The resources, as CloudFormation would see them; `make setup` makes SAM's environment."""
    path = tmp_path_factory.mktemp("template") / "transformed.json"
    python = stack.ROOT / ".venv-sam/bin/python"
    subprocess.run([python, "-m", "sandbox.transform", path], cwd=stack.ROOT, check=True)
    resources: dict[str, Any] = json.loads(path.read_text())["Resources"]
    return resources


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Function")).lower()


def test_one_function_per_handler_file() -> None:
    files = {p.stem for p in (stack.ROOT / "functions/handlers").glob("*.py")} - {"__init__"}
    assert {snake(name) for name in FUNCTIONS} == files
    for function in FUNCTIONS.values():
        assert function.handler == f"handlers.{snake(function.name)}.lambda_handler"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_keeps_its_logs_for_a_time(name: str) -> None:
    group = RESOURCES[name.replace("Function", "LogGroup")]["Properties"]
    assert group["RetentionInDays"] == "LogRetentionDays"


def test_every_function_has_an_example_event() -> None:
    """tests/handlers runs each of them."""
    events = {p.stem for p in (stack.ROOT / "events").glob("*.json")}
    assert {snake(name) for name in FUNCTIONS} <= events


def test_every_way_in_from_outside_has_its_switch() -> None:
    """And what nobody asked for is off; signals are how a release is told anything."""
    states = {
        name: event["Properties"].get("State")
        for name, resource in RESOURCES.items()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "EventBridgeRule"
    }
    switched = {name: state for name, state in states.items() if state}
    assert switched == {
        "SignalReleaseFunction": "ObeySignals",
        "ObeyImageFunction": "ObeyImages",
        "ObeyPipelineFunction": "ObeyPipelines",
    }
    parameters = stack.template()["Parameters"]
    defaults = [parameters[name]["Default"] for name in switched.values()]
    assert defaults == ["ENABLED", "DISABLED", "DISABLED"]
    chats = {"AnnounceRelease": "HasAnnouncementTopic", "PostToSlack": "HasSlackChannel"}
    for name, condition in {**chats, "AnswerSlack": "HasSlack"}.items():
        for kind in ("Function", "LogGroup"):
            assert RESOURCES[f"{name}{kind}"]["Condition"] == condition


def test_every_alarm_is_in_the_runbook() -> None:
    alarms = [r for r in RESOURCES.values() if r["Type"] == "AWS::CloudWatch::Alarm"]
    runbook = (stack.ROOT / "docs/runbook.md").read_text()
    assert len(alarms) >= 5
    for alarm in alarms:
        name = alarm["Properties"]["AlarmName"].replace("${AWS::StackName}", "STACK")
        assert f"`{name}`" in runbook


def test_functions_are_pinned_by_version(transformed: dict[str, Any]) -> None:
    machine = transformed["ReleaseStateMachine"]["Properties"]
    for arn in machine["DefinitionSubstitutions"].values():
        assert transformed[arn["Ref"]]["Type"] == "AWS::Lambda::Version"


def test_runtime_and_table() -> None:
    shared = stack.template()["Globals"]["Function"]
    assert (shared["Runtime"], shared["Architectures"]) == ("python3.13", ["arm64"])
    assert shared["Tracing"] == "Active"
    table = RESOURCES["LedgerTable"]
    assert table["DeletionPolicy"] == "Retain"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }


def test_the_state_machine_may_deliver_its_logs(transformed: dict[str, Any]) -> None:
    policies = json.dumps(transformed["ReleaseStateMachineRole"])
    assert "logs:CreateLogDelivery" in policies


def test_the_exported_schemas_are_current() -> None:
    for name, text in schemas().items():
        assert Path(stack.ROOT / "docs/schema" / name).read_text() == text, "run `make schema`"
