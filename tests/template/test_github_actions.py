"""The example workflow starts a release once, waits for it, and tells the truth about its end."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulator import template
from stepcanary.domain.request import parse_request

FOLDER = template.ROOT / "examples/github-actions"
WORKFLOW: dict[str, Any] = yaml.safe_load((FOLDER / "release.yml").read_text())
[JOB] = WORKFLOW["jobs"].values()
EXECUTION = "arn:aws:states:eu-west-1:123456789012:execution:stepcanary-release:github-7-1"
IMAGE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop@sha256:{'0' * 64}"

pytestmark = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")

AWS = """#!/bin/bash
# Each call gets the next answer, and the last one again; one that is empty is a failure.
echo "$@" >> calls
answer=$(ls answers | head -n 1)
if [ "$(ls answers | wc -l)" -gt 1 ]; then mv "answers/$answer" answered; answer=answered
else answer="answers/$answer"; fi
[ -s "$answer" ] && cat "$answer"
"""


class Runner:
    """A step's commands, as a runner of GitHub has bash run them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "aws").write_text(AWS)
        (folder / "aws").chmod(0o755)

    def run(self, step: str, *answers: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """With what the AWS CLI answers, call by call."""
        place = self.folder / "answers"
        place.mkdir(exist_ok=True)
        for number, answer in enumerate(answers):
            (place / str(number)).write_text(answer)
        [commands] = [each["run"] for each in JOB["steps"] if each.get("id") == step]
        named = {name: str(self.folder / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        fixed = {name: value for name, value in JOB["env"].items() if "{{" not in value}
        return subprocess.run(
            ["/bin/bash", "-e", "-c", commands],
            cwd=self.folder,
            env={
                **os.environ,
                **fixed,
                **named,
                **variables,
                "PATH": f"{self.folder}:/usr/bin:/bin",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def wait(self, *answers: object) -> subprocess.CompletedProcess[str]:
        told = [json.dumps(answer) if answer else "" for answer in answers]
        return self.run("wait", *told, EXECUTION=EXECUTION, SECONDS_BETWEEN="0")

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


RUNNING = {"status": "RUNNING"}
RELEASED = {"status": "SUCCEEDED", "output": json.dumps({"cause": "The primary serves v2."})}
REVERTED = {"status": "FAILED", "error": "Reverted", "cause": "revert by alarm 5xx"}
STOPPED = {"status": "ABORTED"}


@pytest.mark.parametrize("pushed_at", ["2026-11-25T09:30:00Z", ""])
def test_it_starts_a_release_that_is_taken(runner: Runner, pushed_at: str) -> None:
    """Also where GitHub does not say when the commit was made."""
    (runner.folder / "gh").write_text(f"#!/bin/bash\n[ -n '{pushed_at}' ] && echo '{pushed_at}'\n")
    (runner.folder / "gh").chmod(0o755)
    started = runner.run(
        "start",
        EXECUTION,
        IMAGE=IMAGE,
        STATE_MACHINE="arn:machine",
        GITHUB_ACTOR="jane",
        GITHUB_REPOSITORY="shop/shop",
        GITHUB_SERVER_URL="https://github.com",
        COMMIT="4f0c2d1",
        GITHUB_RUN_ID="7",
        GITHUB_RUN_ATTEMPT="1",
    )
    assert started.returncode == 0, started.stderr
    assert runner.read("GITHUB_OUTPUT") == f"execution={EXECUTION}\n"
    called = runner.read("calls")
    assert "--name github-7-1" in called
    given = called.partition("--input ")[2].partition(" --name")[0]
    request = parse_request(json.loads(given))
    assert (request.service, request.by) == ("shop", "jane in shop/shop")
    assert request.origin.model_dump() == {
        "commit": "4f0c2d1",
        "pushed_at": pushed_at or None,
        "link": "https://github.com/shop/shop/commit/4f0c2d1",
    }


def test_a_release_that_is_released_is_a_green_job(runner: Runner) -> None:
    assert runner.wait(RUNNING, RUNNING, RELEASED).returncode == 0
    assert "shop: Released\n\n    The primary serves v2.\n" in runner.read("GITHUB_STEP_SUMMARY")


@pytest.mark.parametrize(
    ("end", "told"),
    [(REVERTED, "Reverted\n\n    revert by alarm 5xx\n"), (STOPPED, "ABORTED\n")],
    ids=["reverted", "stopped"],
)
def test_any_other_end_is_a_red_job(runner: Runner, end: object, told: str) -> None:
    assert runner.wait(RUNNING, end).returncode == 1
    assert f"shop: {told}" in runner.read("GITHUB_STEP_SUMMARY")


def test_what_somebody_wrote_is_no_markup_in_the_summary(runner: Runner) -> None:
    said = "revert by jane: slow\n# Released\r\n[here](https://example.com)"
    runner.wait({**REVERTED, "cause": said})
    lines = runner.read("GITHUB_STEP_SUMMARY").splitlines()
    assert lines[2] == "    revert by jane: slow # Released [here](https://example.com)"
    assert [line for line in lines if line.startswith("#")] == ["### shop: Reverted"]


def test_a_look_that_fails_is_no_end(runner: Runner) -> None:
    assert runner.wait(RUNNING, None, None, RELEASED).returncode == 0


def test_who_does_not_see_the_release_says_that_it_goes_on(runner: Runner) -> None:
    waited = runner.wait(None)
    assert waited.returncode == 1
    assert "the release goes on" in waited.stdout


def test_the_role_is_for_one_environment_and_may_only_start_and_look() -> None:
    role = template.read(FOLDER / "template.yaml")["Resources"]["ReleaseRole"]["Properties"]
    [trusted] = role["AssumeRolePolicyDocument"]["Statement"]
    subject = trusted["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
    assert subject == "repo:${Repository}:environment:${Environment}"
    assert JOB["environment"] == "production"
    [policy] = role["Policies"]
    actions = {statement["Action"] for statement in policy["PolicyDocument"]["Statement"]}
    assert actions == {"states:StartExecution", "states:DescribeExecution"}
