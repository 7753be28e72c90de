"""What the sandbox does with an example before anything of it runs."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from emulator.moto_gaps import cloudformation, iam
from emulator.template import ROOT
from sandbox.cloud import Sandbox
from sandbox.example import Example, NotMade, hastened
from sandbox.fronts.alb import Alb
from sandbox.fronts.front import Json

GROUP = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"GroupDescription": "Nobody."}}


def client(service: str) -> Any:
    return boto3.client(service, region_name="us-east-1")  # type: ignore[call-overload]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "profile.json").write_text('{"cluster": "${Cluster}", "traffic": [], "steps": []}')
    (tmp_path / "request.json").write_text('{"service": "shop"}')
    with mock_aws(), iam.filled(), cloudformation.filled(client):
        yield tmp_path


def declare(folder: Path, **document: Json) -> None:
    (folder / "template.yaml").write_text(json.dumps(document))


def test_what_cannot_be_made_is_told_by_its_name(folder: Path) -> None:
    declare(folder, Resources={"Group": {**GROUP, "Properties": {"Colour": "red"}}})
    with pytest.raises(NotMade, match=r"AWS::EC2::SecurityGroup Group: .*Colour"):
        Example(folder).create(client)


def test_the_profile_has_the_outputs_and_is_stored(folder: Path) -> None:
    declare(
        folder,
        Parameters={"Name": {"Type": "String", "Default": "shop"}},
        Resources={"Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {}}},
        Outputs={"Cluster": {"Value": {"Ref": "Name"}}},
    )
    made = Example(folder, {"Name": "web"}).create(client)
    assert made["cluster"] == "web"
    found = client("ssm").get_parameter(Name="/stepcanary/profiles/shop")["Parameter"]["Value"]
    assert json.loads(found) == made


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("template.yaml", "a: [", "template.yaml: Template format error"),
        ("template.yaml", '{"Resources": []}', "At least one Resources member"),
        ("template.yaml", '{"Resources": {"A": {"Type": "AWS::No::Such"}}}', "types: .*No::Such"),
        (
            "template.yaml",
            '{"Resources": {}, "Outputs": {"Cluster": {"Value": {"Ref": "Nobody"}}}}',
            r"Unresolved resource dependencies \[Nobody\] in the Outputs block",
        ),
        ("template.yaml", '{"Resources": {}}', "profile.json: the stack has no output Cluster"),
        ("profile.json", "{", "profile.json: is no JSON: .*line 1"),
        ("profile.json", "[]", "profile.json: has to be a JSON object"),
        ("profile.json", None, "profile.json: .*an example has this file"),
        ("request.json", "{}", "request.json: names no service"),
        ("request.json", None, "request.json: .*an example has this file"),
    ],
)
def test_an_example_that_is_none_is_told_by_its_file(
    folder: Path, file: str, text: str | None, message: str
) -> None:
    outputs = {"Cluster": {"Value": "web"}}
    declare(folder, Resources={"Group": GROUP}, Outputs=outputs)
    (folder / file).unlink()
    if text is not None:
        (folder / file).write_text(text)
    with pytest.raises(NotMade, match=message):
        Example(folder).create(client)


def test_an_output_that_fails_is_told(folder: Path) -> None:
    outputs = {"Colour": {"Value": {"Fn::GetAtt": ["Group", "Colour"]}}}
    declare(folder, Resources={"Group": GROUP}, Outputs=outputs)
    with pytest.raises(NotMade, match="has no attribute Colour"):
        Example(folder).create(client)


def test_nothing_but_seconds_is_hastened() -> None:
    profile = json.loads((ROOT / "examples/alb/profile.json").read_text())
    made = hastened({**profile, "deployment": {"retries": 1}})
    assert [step["bake_seconds"] for step in made["steps"]] == [5, 4, 4, 4, 3]

    def timeless(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: timeless(v) for k, v in value.items() if not k.endswith("_seconds")}
        return [timeless(each) for each in value] if isinstance(value, list) else value

    assert timeless(made) == timeless({**profile, "deployment": {"retries": 1}})


def test_a_sandbox_has_one_environment() -> None:
    with pytest.raises(ValueError, match="one environment"):
        Sandbox(Alb(), empty=True)


def started_from(folder: Path | str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox", "--from", str(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("folder", "lacks"),
    [
        ("docs", "docs has no template.yaml and no profile.json and no request.json;"),
        ("examples/pipeline", "examples/pipeline has no profile.json and no request.json;"),
    ],
)
def test_a_folder_that_is_no_environment_is_told_what_are(folder: str, lacks: str) -> None:
    done = started_from(folder)
    assert done.returncode == 2
    assert lacks in done.stderr
    environments = {path.parent.name for path in (ROOT / "examples").glob("*/request.json")}
    assert environments == set(re.findall(r"examples/(\w+)\b", done.stderr.split(";")[1]))


def test_an_example_that_cannot_be_made_is_told(folder: Path) -> None:
    declare(folder, Resources={"Artifacts": {"Type": "AWS::S3::Bucket"}})
    done = started_from(folder)
    assert done.returncode == 2
    assert "Unrecognized resource types: [AWS::S3::Bucket (Artifacts)" in done.stderr
    assert "Traceback" not in done.stderr
