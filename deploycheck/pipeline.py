"""Pipeline: the example, as far as MiniStack makes it, and what it gives to the state machine."""

import json
from collections.abc import Callable
from typing import Any

from deploycheck.bridges.names import PIPELINE_STACK
from emulator import template
from emulator.account import REGION

EXAMPLE = template.ROOT / "examples/pipeline/template.yaml"
UNKNOWN = "AWS::CodePipeline::Pipeline"
"""The type of resource of which MiniStack knows nothing."""
PARAMETERS = {
    "Service": "checkout",
    "ConnectionArn": "arn:aws:codeconnections:us-east-1:123456789012:connection/checkout",
    "Repository": "shop/checkout",
    "ImageRepository": "shop",
    "CommandLine": "stepcanary",
}


def deploy(client: Callable[[str], Any], machine: str) -> None:
    """Make its bucket, its roles and its builds, for this state machine.

    Raises `RuntimeError` where what promotes may not start it, or not look at its executions.
    """
    given = {**PARAMETERS, "StateMachineArn": machine}
    cloudformation = client("cloudformation")
    cloudformation.create_stack(
        StackName=PIPELINE_STACK,
        TemplateBody=known(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=PIPELINE_STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    made = cloudformation.describe_stack_resources(StackName=PIPELINE_STACK)["StackResources"]
    roles = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in made}
    promotes = {"RoleName": roles["PromoteRole"], "PolicyName": "promote"}
    policy = client("iam").get_role_policy(**promotes)["PolicyDocument"]
    named = {each["Resource"] for each in policy["Statement"] if isinstance(each["Resource"], str)}
    needed = {machine, f"{machine.replace(':stateMachine:', ':execution:')}:*"}
    if not needed <= named:
        raise RuntimeError(f"{EXAMPLE} gives no rights on {', '.join(needed - named)}")


def known() -> str:
    """The text of the template without its pipelines, which are its last resources."""
    kinds = {name: each["Type"] for name, each in template.read(EXAMPLE)["Resources"].items()}
    first = next(name for name, kind in kinds.items() if kind == UNKNOWN)
    left_out = list(kinds.values())[list(kinds).index(first) :]
    if {*left_out} != {UNKNOWN}:
        raise RuntimeError(f"{EXAMPLE} has something else behind {first}, which would be left out")
    return EXAMPLE.read_text().partition(f"\n  {first}:\n")[0] + "\n"


def request(service: str, container: str, image: str) -> dict[str, Any]:
    """The input of the action that releases, as CodePipeline fills it in."""
    stages = template.read(EXAMPLE)["Resources"]["CanaryPipeline"]["Properties"]["Stages"]
    [text] = [
        action["Configuration"]["Input"]
        for stage in stages
        for action in stage["Actions"]
        if action["ActionTypeId"]["Provider"] == "StepFunctions"
    ]
    values = {
        "${Service}": service,
        "${Container}": container,
        "${AWS::Region}": REGION,
        "#{BuildVariables.IMAGE}": image,
        "#{BuildVariables.COMMIT}": "4f0c2d1",
        "#{BuildVariables.PUSHED_AT}": "2026-11-25T09:30:00Z",
        "#{codepipeline.PipelineExecutionId}": "0e1f2a3b-0000-4000-8000-000000000000",
    }
    for name, value in values.items():
        text = text.replace(name, value)
    given: dict[str, Any] = json.loads(text)
    return given
