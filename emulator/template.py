"""Template: what template.yaml says there is, without deploying it."""

import importlib
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from emulator.account import ACCOUNT, REGION
from emulator.awslambda import Handler, function_arn
from emulator.events import Rule

ROOT = Path(__file__).resolve().parent.parent
DEFINITION = ROOT / "statemachine" / "release.asl.json"
TEMPLATE = ROOT / "template.yaml"


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short tags as plain values."""


_Loader.add_multi_constructor(
    "!",
    lambda loader, _suffix, node: (
        loader.construct_scalar(node)
        if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node)
        if isinstance(node, yaml.SequenceNode)
        else loader.construct_mapping(node)
    ),
)


@dataclass(frozen=True, slots=True)
class Function:
    """`name` is the logical one, `deployed` what it is called in the stack `stepcanary`."""

    name: str
    handler: str
    deployed: str

    @property
    def arn(self) -> str:
        return function_arn(self.name)

    def load(self) -> Handler:
        module, _, attribute = self.handler.rpartition(".")
        loaded: Handler = getattr(importlib.import_module(module), attribute)
        return loaded


def read(path: Path) -> dict[str, Any]:
    # A SafeLoader with the short tags beside it.
    document: dict[str, Any] = yaml.load(path.read_text(), Loader=_Loader)  # noqa: S506
    return document


@cache
def document() -> dict[str, Any]:
    return read(TEMPLATE)


def functions() -> list[Function]:
    return [
        Function(name, resource["Properties"]["Handler"], _deployed(name, resource["Properties"]))
        for name, resource in document()["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    ]


def _deployed(name: str, properties: dict[str, Any]) -> str:
    """Without the letters that CloudFormation adds to a name of its own making."""
    given: str = properties.get("FunctionName", f"${{NamePrefix}}-{name}")
    return given.replace("${NamePrefix}", "stepcanary")


def invocable_by(principal: str) -> list[Function]:
    """The functions whose alias a service may invoke because the template says so."""
    aliases = {
        resource["Properties"]["FunctionName"]
        for resource in document()["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Permission"
        and resource["Properties"]["Principal"] == principal
    }
    return [function for function in functions() if f"{function.name}.Alias" in aliases]


def oldest_events() -> dict[str, float]:
    """In seconds, how old an event may become of a function that says so."""
    configured = {
        name: resource["Properties"].get("EventInvokeConfig", {})
        for name, resource in document()["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    return {
        name: float(said["MaximumEventAgeInSeconds"])
        for name, said in configured.items()
        if "MaximumEventAgeInSeconds" in said
    }


def handlers() -> dict[str, Handler]:
    return {function.name: function.load() for function in functions()}


def definition(members_that_may_be_lost: str = "") -> str:
    """The state machine's definition with every `${…}` filled as a deployment would."""
    values = {f"{function.name}Arn": function.arn for function in functions()}
    values["MembersThatMayBeLost"] = members_that_may_be_lost
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], DEFINITION.read_text())


def machine_name() -> str:
    return "stepcanary-release"


def machine_arn() -> str:
    return f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{machine_name()}"


OPEN = dict.fromkeys(
    ("ObeySignals", "StartOnImages", "PromoteOnImages", "PromoteOnPipelines"), "ENABLED"
)
"""Parameters of a stack that obeys whatever comes over the bus."""


def rules(**parameters: str) -> list[Rule]:
    """The EventBridge rules that start functions, of a stack with these parameters."""
    return [
        Rule(
            name,
            with_names(event["Properties"]["Pattern"]),
            event["Properties"].get("InputPath"),
            _retries(name),
        )
        for name, event in _events()
        if event["Type"] == "EventBridgeRule" and _is_enabled(event, parameters)
    ]


def _retries(function: str) -> int:
    """How often Lambda calls a function again that has failed on an event."""
    properties = document()["Resources"][function]["Properties"]
    retries: int = properties["EventInvokeConfig"].get("MaximumRetryAttempts", 2)
    return retries


def _is_enabled(event: dict[str, Any], parameters: dict[str, str]) -> bool:
    switch = event["Properties"].get("State")
    if switch is None:
        return True
    default: str = document()["Parameters"][switch]["Default"]
    return parameters.get(switch, default) == "ENABLED"


EVERY_MINUTE, EVERY_FIVE_MINUTES = "rate(1 minute)", "rate(5 minutes)"
DAILY = "rate(1 day)"
"""No sandbox lives as long."""


def schedules(rate: str = EVERY_MINUTE) -> list[str]:
    """The functions that are called as often as this."""
    scheduled = [(name, event) for name, event in _events() if event["Type"] == "Schedule"]
    return [name for name, event in scheduled if event["Properties"]["Schedule"] == rate]


def _events() -> list[tuple[str, dict[str, Any]]]:
    return [
        (name, event)
        for name, resource in document()["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
    ]


def with_names(pattern: dict[str, Any]) -> dict[str, Any]:
    """With what `!Ref` stands for."""
    names = {
        "ReleaseStateMachine": machine_arn(),
        "AWS::AccountId": ACCOUNT,
        "AWS::Region": REGION,
    }
    text = json.dumps(pattern)
    for name, value in names.items():
        text = text.replace(json.dumps(name), json.dumps(value))
    filled: dict[str, Any] = json.loads(text)
    return filled


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """Of a policy in the template, also those that a parameter asks for."""
    return [each[1] if isinstance(each, list) else each for each in policy["Statement"]]


def settings(**given: str) -> str:
    """What the functions read of the stack's parameters: defaults, and what is `given`."""
    text, joined = document()["Resources"]["Settings"]["Properties"]["Value"]
    parameters = document()["Parameters"].items()
    values = {name: str(parameter.get("Default", "")) for name, parameter in parameters} | given
    for name, made in joined.items():
        values[name] = _arn(made) if isinstance(made, str) else values[made[1]]
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], text)


def counter_arn() -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:stepcanary-counts:live"


def _arn(made: str) -> str:
    return machine_arn() if "stateMachine:" in made else counter_arn()


def ledger_schema() -> dict[str, Any]:
    """CreateTable arguments of the ledger, as the template declares it."""
    properties = document()["Resources"]["LedgerTable"]["Properties"]
    keys = ("AttributeDefinitions", "KeySchema", "BillingMode")
    schema: dict[str, Any] = json.loads(json.dumps({k: properties[k] for k in keys}))
    return schema
