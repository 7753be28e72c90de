"""Transform: template.yaml as CloudFormation would see it, after SAM has worked on it.

It runs in SAM's own environment, so it imports nothing of the sandbox's.
"""

import json
import sys
from pathlib import Path
from typing import Any

import boto3
from cfnlint.decode.cfn_yaml import loads
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

TEMPLATE = Path(__file__).resolve().parent.parent / "template.yaml"
REGION = "us-east-1"


class _NoManagedPolicies:
    """The template names no managed policy, so none has to be looked up in an account."""

    def load(self) -> dict[str, str]:
        return {}


def transformed(layers: str = "layers") -> dict[str, Any]:
    """`layers` is the folder that the contents of the layers were uploaded to."""
    document = json.loads(json.dumps(loads(TEMPLATE.read_text())))
    for name, resource in document["Resources"].items():
        properties = resource.get("Properties", {})
        # The translator wants what `aws cloudformation package` would have uploaded.
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            properties["DefinitionS3Location"] = {"Bucket": "bucket", "Key": "release.asl.json"}
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            properties["ContentUri"] = f"s3://bucket/{layers}/{name}.zip"
    document["Globals"]["Function"]["CodeUri"] = "s3://bucket/functions.zip"
    session = boto3.Session(region_name=REGION)
    translator = Translator(_NoManagedPolicies().load(), Parser(), boto_session=session)
    result: dict[str, Any] = translator.translate(document, parameter_values={})
    return result


def main() -> None:
    path = Path(sys.argv[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(transformed(*sys.argv[2:]), indent=2))


if __name__ == "__main__":
    main()
