"""The template says the same as the code beside it."""

import inspect
import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

from emulator import template
from stepcanary.domain.model import Model
from tools.export_schemas import schemas

RESOURCES: dict[str, Any] = template.document()["Resources"]
FUNCTIONS = {f.name: f for f in template.functions()}
LAMBDA = "AWS::Lambda::Function"


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Function")).lower()


def test_one_function_per_handler_file() -> None:
    files = {p.stem for p in (template.ROOT / "functions/handlers").glob("*.py")} - {"__init__"}
    assert {snake(name) for name in FUNCTIONS} == files
    for function in FUNCTIONS.values():
        assert function.handler == f"handlers.{snake(function.name)}.lambda_handler"


def test_every_handler_answers_with_a_model() -> None:
    for function in FUNCTIONS.values():
        handler = import_module(function.handler.rpartition(".")[0]).lambda_handler
        assert issubclass(get_type_hints(inspect.unwrap(handler))["return"], Model), function.name


def test_all_functions_log_into_one_group(transformed: dict[str, Any]) -> None:
    """One query reads a release: its states are many functions."""
    functions = [r for r in transformed.values() if r["Type"] == LAMBDA]
    groups = [function["Properties"]["LoggingConfig"]["LogGroup"] for function in functions]
    assert groups == [{"Ref": "FunctionLogGroup"}] * len(FUNCTIONS)


def test_no_log_is_kept_for_ever() -> None:
    for resource in RESOURCES.values():
        if resource["Type"] == "AWS::Logs::LogGroup":
            assert resource["Properties"]["RetentionInDays"] == "LogRetentionDays"


def test_every_function_has_an_example_event() -> None:
    """tests/handlers runs each of them."""
    events = {p.stem for p in (template.ROOT / "events").glob("*.json")}
    assert {snake(name) for name in FUNCTIONS} <= events


def test_every_way_in_from_outside_has_its_switch() -> None:
    """And what nobody asked for is off."""
    states = {
        name: event["Properties"].get("State")
        for name, resource in RESOURCES.items()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "EventBridgeRule"
    }
    switched = {name: state for name, state in states.items() if state}
    assert switched == {
        "SignalReleaseFunction": "ObeySignals",
        "StartOnImageFunction": "StartOnImages",
        "PromoteOnImageFunction": "PromoteOnImages",
        "PromoteOnPipelineFunction": "PromoteOnPipelines",
    }
    parameters = template.document()["Parameters"]
    assert {parameters[name]["Default"] for name in switched.values()} == {"DISABLED"}
    assert set(template.OPEN) == set(switched.values())
    chats = {"AnnounceRelease": "HasAnnouncementTopic", "PostToSlack": "HasSlackChannel"}
    others = {"AnswerSlack": "HasSlack", "WriteReport": "HasReportBucket"}
    for name, condition in {**chats, **others}.items():
        assert RESOURCES[f"{name}Function"]["Condition"] == condition


def test_every_rule_says_whose_events_it_takes() -> None:
    """And that no replay of an archive is one of them."""
    patterns = [
        event["Properties"]["Pattern"]
        for resource in RESOURCES.values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "EventBridgeRule"
    ]
    assert len(patterns) == 9
    for pattern in patterns:
        assert pattern["account"] == ["AWS::AccountId"]
        assert pattern["region"] == ["AWS::Region"]
        assert pattern["replay-name"] == [{"exists": False}]


def test_every_schedule_is_one_that_the_sandbox_keeps() -> None:
    rates = {
        name: event["Properties"]["Schedule"]
        for name, resource in RESOURCES.items()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "Schedule"
    }
    assert rates == {
        "ReconcileFunction": template.EVERY_MINUTE,
        "IndexProfilesFunction": template.EVERY_FIVE_MINUTES,
        "WatchReleasesFunction": template.EVERY_MINUTE,
        "RemoveVersionsFunction": template.DAILY,
    }


def test_no_secret_of_slack_without_the_team_that_is_obeyed() -> None:
    (rule,) = template.document()["Rules"].values()
    assert rule["RuleCondition"] == [["SlackSecretArn", ""]]
    assert [each["Assert"] for each in rule["Assertions"]] == [[["SlackTeamId", ""]]]
    pattern = re.compile(template.document()["Parameters"]["SlackTeamId"]["AllowedPattern"])
    assert pattern.fullmatch("T1DC2JH3J")
    assert not any(pattern.fullmatch(value) for value in ("*", "t1", "U2CERLKJA", "T1,T2"))


def test_functions_are_pinned_by_version(transformed: dict[str, Any]) -> None:
    machine = transformed["ReleaseStateMachine"]["Properties"]
    arns = [a for n, a in machine["DefinitionSubstitutions"].items() if n.endswith("Arn")]
    assert len(arns) == len(set(re.findall(r"\$\{\w+Arn\}", template.DEFINITION.read_text())))
    for arn in arns:
        assert transformed[arn["Ref"]]["Type"] == "AWS::Lambda::Version"


def test_members_that_may_be_lost_are_put_into_the_definition(transformed: dict[str, Any]) -> None:
    machine = transformed["ReleaseStateMachine"]["Properties"]
    name = "MembersThatMayBeLost"
    assert machine["DefinitionSubstitutions"][name] == {"Ref": name}
    pattern = re.compile(template.document()["Parameters"][name]["AllowedPattern"])
    named = ["", "Rules[].Actions[].ForwardConfig.New", "action.forward.new, tags[].new-2"]
    assert all(pattern.fullmatch(value) for value in named)
    # It is put into the definition, which is JSON.
    assert not any(pattern.fullmatch(value) for value in ('a"', "a\\", "a,,b", ",", "${a}", "a b"))


def test_runtime() -> None:
    shared = template.document()["Globals"]["Function"]
    assert (shared["Runtime"], shared["Architectures"]) == ("python3.13", ["arm64"])
    assert shared["Tracing"] == "Active"


def test_the_state_machine_may_deliver_its_logs(transformed: dict[str, Any]) -> None:
    policies = json.dumps(transformed["ReleaseStateMachineRole"])
    assert "logs:CreateLogDelivery" in policies


def test_the_exported_schemas_are_current() -> None:
    for name, text in schemas().items():
        assert Path(template.ROOT / "docs/schema" / name).read_text() == text, "run `make schema`"


def test_a_guided_deployment_asks_nothing_whose_default_is_no() -> None:
    """SAM asks whether a URL without authorisation is okay, whatever its condition says, and
    whether to deploy a change set that is to be confirmed."""
    assert not [n for n, r in RESOURCES.items() if "FunctionUrlConfig" in r.get("Properties", {})]
    assert "confirm_changeset" not in (template.ROOT / "samconfig.toml").read_text()
