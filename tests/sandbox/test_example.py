"""What the sandbox does with an example before anything of it runs."""

import json
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
from sandbox.example import Example, hastened
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
    with pytest.raises(RuntimeError, match=r"AWS::EC2::SecurityGroup Group: .*Colour"):
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


def test_nothing_but_seconds_is_hastened() -> None:
    profile = json.loads((ROOT / "examples/alb/profile.json").read_text())
    made = hastened({**profile, "deployment": {"retries": 1}})
    assert [step["bake_seconds"] for step in made["steps"]] == [5, 5, 5, 5]

    def timeless(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: timeless(v) for k, v in value.items() if not k.endswith("_seconds")}
        return [timeless(each) for each in value] if isinstance(value, list) else value

    assert timeless(made) == timeless({**profile, "deployment": {"retries": 1}})


def test_a_sandbox_has_one_environment() -> None:
    with pytest.raises(ValueError, match="one environment"):
        Sandbox(Alb(), empty=True)


def test_a_folder_that_is_no_example_is_told() -> None:
    command = [sys.executable, "-m", "sandbox", "--from", "docs"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "docs has no template.yaml; name a folder such as examples/alb" in done.stderr
