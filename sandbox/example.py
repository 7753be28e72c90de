"""Example: an environment of `examples`, made in the sandbox from its own template."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from emulator.account import REGION
from sandbox.fronts.front import ClientOf, Json
from stepcanary.domain.deployment import BATCH_SECONDS

LATTICE_PREFIX_LIST = "LatticePrefixList"
"""The parameter of a template that has no default, as the list has another id in each Region."""
LATTICE = f"com.amazonaws.{REGION}.vpc-lattice"
NAMED = r"\$\{(\w+)\}"
"""How a profile names an output of the stack."""
STACK = "shop"
"""The name of the environment's stack, as its README deploys it."""
FILES = ("template.yaml", "profile.json", "request.json")
SECONDS_PER_MINUTE = 1
"""How long here what lasts a minute on AWS: periods of alarms, and so bakes."""


class NotMade(Exception):
    """An example from which the sandbox cannot start; it says why."""


@dataclass(frozen=True, slots=True)
class Example:
    """A folder with a template, a profile and a request; `parameters` are the stack's."""

    folder: Path
    parameters: Mapping[str, str] = field(default_factory=dict)

    def lacks(self) -> list[str]:
        """The files without which it is no environment, such as those of a pipeline's template."""
        return [name for name in FILES if not (self.folder / name).is_file()]

    @property
    def request(self) -> Json:
        return self._read("request.json")

    @property
    def service(self) -> str:
        name = self.request.get("service")
        if not isinstance(name, str):
            raise NotMade(f"{self.folder}/request.json: names no service")
        return name

    def create(self, client: ClientOf) -> Json:
        """Make the stack and store the profile, which is answered."""
        cloudformation = client("cloudformation")
        template = self._text("template.yaml")
        given = dict(self.parameters)
        if f"  {LATTICE_PREFIX_LIST}:" in template:
            given.setdefault(LATTICE_PREFIX_LIST, _lattice_prefix_list(client("ec2")))
        try:
            id = cloudformation.create_stack(
                StackName=STACK,
                TemplateBody=template,
                Capabilities=["CAPABILITY_NAMED_IAM"],
                Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
            )["StackId"]
        except ClientError as refused:
            message = refused.response["Error"]["Message"]
            raise NotMade(f"{self.folder}/template.yaml: {message}") from refused
        stack = cloudformation.describe_stacks(StackName=id)["Stacks"][0]
        if stack["StackStatus"] != "CREATE_COMPLETE":
            raise NotMade(f"{self.folder} cannot be made: {_reasons(cloudformation, id)}")
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
        profile = hastened(_parsed(self.folder / "profile.json", self.filled(outputs)))
        name = f"/stepcanary/profiles/{self.service}"
        client("ssm").put_parameter(Name=name, Type="String", Value=json.dumps(profile))
        return profile

    def filled(self, outputs: dict[str, str]) -> str:
        """The profile, with the stack's outputs where it names them."""
        text = self._text("profile.json")
        if lost := sorted(set(re.findall(NAMED, text)) - outputs.keys()):
            raise NotMade(f"{self.folder}/profile.json: the stack has no output {lost[0]}")
        return re.sub(NAMED, lambda found: outputs[found[1]], text)

    def _read(self, name: str) -> Json:
        return _parsed(self.folder / name, self._text(name))

    def _text(self, name: str) -> str:
        try:
            return (self.folder / name).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise NotMade(f"{self.folder / name}: {error}; an example has this file") from error


def _parsed(file: Path, text: str) -> Json:
    try:
        document: Json = json.loads(text)
    except ValueError as error:
        raise NotMade(f"{file}: is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise NotMade(f"{file}: has to be a JSON object")
    return document


def hastened(profile: Json) -> Json:
    """The profile for a sandbox, whose minutes last a second and whose Envoys follow at once.

    Nothing but seconds is changed.
    """
    per_minute = SECONDS_PER_MINUTE / 60
    return {
        **profile,
        "traffic": [
            {**traffic, "settle_seconds": 1, "drain_seconds": 1}
            for traffic in profile.get("traffic", [])
        ],
        "steps": [
            {**step, "bake_seconds": max(1, round(step["bake_seconds"] * per_minute))}
            for step in profile.get("steps", [])
        ],
        "deployment": {
            **profile.get("deployment", {}),
            "deadline_seconds": BATCH_SECONDS,
            "check_seconds": 1,
        },
    }


def _lattice_prefix_list(ec2: Any) -> str:
    every = ec2.describe_managed_prefix_lists()["PrefixLists"]
    (id,) = [each["PrefixListId"] for each in every if each["PrefixListName"] == LATTICE]
    return str(id)


def _reasons(cloudformation: Any, stack: str) -> str:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [each for each in events if each["ResourceStatus"].endswith("_FAILED")]
    # Without one it was no resource: an output, or what a name leads to.
    failed = failed or [each for each in events if "ROLLBACK_IN" in each["ResourceStatus"]]
    return "; ".join(
        f"{each['ResourceType']} {each['LogicalResourceId']}: {each['ResourceStatusReason']}"
        for each in failed
    )
