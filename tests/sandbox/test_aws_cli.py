"""A client that knows nothing of the sandbox uses it: the AWS CLI and curl, and no Python."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.template import ROOT
from sandbox.cloud import Sandbox, environment
from sandbox.fronts.names import FRONTS
from sandbox.hints import show_split
from tests.eventually import within

# Each look is a process of the AWS CLI, which takes a core for most of a second.
eventually = within(60, every=1)

AWS = Path(sys.executable).with_name("aws")
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:v2"


@pytest.fixture
def exported() -> Iterator[dict[str, str]]:
    """What `make sandbox` prints, as environment variables, and nothing else of ours."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "functions:."},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    variables = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    for line in process.stdout:
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            variables[name] = value
        if "Ready" in line:
            break
    yield variables
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def commands(page: str, beginning: str) -> list[str]:
    """The commands of the page that begin so."""
    blocks = re.findall(r"```shell\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith(f"aws {beginning}")]


def runbook(beginning: str, **placeholders: str) -> str:
    """The runbook's command that begins so, with its placeholders filled in."""
    (command,) = commands("docs/runbook.md", beginning)
    for name, value in placeholders.items():
        command = re.sub(rf"(?<![\w-]){name}(?![\w-])", value, command)
    return command


@pytest.mark.timeout(150)
def test_the_aws_cli_releases_and_curl_sees_the_split(
    exported: dict[str, str], tmp_path: Path
) -> None:
    def run(*command: str) -> str:
        done = subprocess.run(command, env=exported, capture_output=True, text=True, check=False)
        return done.stdout

    def aws(*command: str) -> Any:
        return json.loads(run(str(AWS), *command, "--output", "json") or "null")

    def weights() -> dict[str, int]:
        names = ("--mesh-name", "example", "--virtual-router-name", "example")
        route = aws("appmesh", "describe-route", *names, "--route-name", "example")["route"]
        targets = route["spec"]["httpRoute"]["action"]["weightedTargets"]
        return {t["virtualNode"]: t["weight"] for t in targets}

    def answer() -> str:
        return run("curl", "-s", "--max-time", "5", exported["GATEWAY"])

    eventually(lambda: '"v1"' in answer())
    request = json.dumps({"service": "checkout", "images": {"app": IMAGE}})
    machine = exported["STATE_MACHINE"]
    start = ("start-execution", "--state-machine-arn", machine, "--input", request)
    execution = aws("stepfunctions", *start)["executionArn"]
    eventually(lambda: weights()["example2"] > 0)
    seen: set[str] = set()

    def both_answered() -> bool:
        seen.add(json.loads(answer())["version"])
        return seen == {"v1", "v2"}

    eventually(both_answered)

    def status() -> str:
        described = aws("stepfunctions", "describe-execution", "--execution-arn", execution)
        return str(described["status"])

    eventually(lambda: status() == "SUCCEEDED")
    assert weights() == {"example1": 100, "example2": 0}
    assert json.loads(answer()) == {"service": "example1", "version": "v2"}

    # What the runbook tells a person to type.
    def follow(beginning: str, **placeholders: str) -> str:
        command = runbook(beginning, **placeholders).replace("aws", str(AWS), 1)
        return subprocess.run(
            command,
            shell=True,
            env=exported,
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    assert json.loads(follow("dynamodb query", LEDGER="stepcanary-ledger"))["Items"] == []
    split = "appmesh/123456789012/example/example/example"
    follow("dynamodb update-item", LEDGER="stepcanary-ledger", SPLIT=split)
    named = {"M": "example", "R": "example", "N": "example"}
    follow("appmesh describe-route", **named)
    spec = json.loads((tmp_path / "spec.json").read_text())
    assert spec["httpRoute"]["action"]["weightedTargets"][0]["weight"] == 100
    follow("appmesh update-route", **named)
    assert weights() == {"example1": 100, "example2": 0}
    follow("ecs update-service", C="example", CANARY="example2")


@pytest.mark.timeout(150)
def test_the_aws_cli_promotes_by_an_action_and_by_an_event() -> None:
    """With the commands of docs/ways-in.md, as they stand there."""
    release, promote = commands("docs/ways-in.md", "stepfunctions start-execution")
    (put_promote,) = commands("docs/ways-in.md", "events put-events")
    gated = {"steps": [{"weight": 100, "bake_seconds": 1}], "promotion": {"approval": True}}
    with Sandbox() as sandbox:
        env = {**environment(sandbox.endpoint), "PATH": os.environ["PATH"]}
        env["STATE_MACHINE"] = sandbox.machine

        def run(command: str) -> Any:
            typed = command.replace("aws", str(AWS), 1)
            done = subprocess.run(typed, shell=True, env=env, check=True, stdout=subprocess.PIPE)
            return json.loads(done.stdout)

        stored = json.dumps({**sandbox.profile, **gated})
        name = "--name /stepcanary/profiles/checkout"
        run(f"aws ssm put-parameter {name} --overwrite --value '{stored}'")
        eventually(lambda: sandbox.service("example1")["runningCount"] == 2)
        for tag, approve in (("v2", promote), ("v3", put_promote)):
            execution = run(release.replace(":v2", f":{tag}"))["executionArn"]
            look = f"aws stepfunctions describe-execution --execution-arn {execution}"
            eventually(lambda: sandbox.split() == (0, 100))
            assert run(look)["status"] == "RUNNING"
            run(approve)
            eventually(lambda look=look: run(look)["status"] == "SUCCEEDED")
            assert sandbox.image("example1").endswith(f":{tag}")
            assert sandbox.signals(execution) == ["promote by jane (claimed)"]


PLACES = {
    "alb": ("elbv2 describe-rules", "elbv2 modify-rule", "actions.json"),
    "lattice": ("vpc-lattice get-rule", "vpc-lattice update-rule", "action.json"),
}


@pytest.mark.parametrize("router", PLACES)
def test_the_runbook_returns_weights_on_the_other_routers(router: str, tmp_path: Path) -> None:
    read, write, file = PLACES[router]
    with Sandbox(FRONTS[router]()) as sandbox:
        env = {**environment(sandbox.endpoint), "PATH": os.environ["PATH"]}
        traffic = sandbox.profile["traffic"][0]
        named = {
            "alb": {"RULE": traffic.get("listener_rule", "")},
            "lattice": {
                "S": traffic.get("service", ""),
                "L": traffic.get("listener", ""),
                "R": traffic.get("rule", ""),
            },
        }[router]

        def follow(beginning: str) -> None:
            command = runbook(beginning, **named).replace("aws", str(AWS), 1)
            subprocess.run(command, shell=True, env=env, cwd=tmp_path, check=True, text=True)

        def edit(primary: int, canary: int) -> None:
            """As a person would, in an editor; nobody promises the order of the groups."""
            key = "Weight" if router == "alb" else "weight"
            text = (tmp_path / file).read_text()
            groups = (traffic["primary_target_group"], traffic["canary_target_group"])
            places = {group: text.rindex(group) for group in groups}
            first = min(groups, key=lambda group: places[group])
            weights = iter((primary, canary) if first == groups[0] else (canary, primary))
            edited = re.sub(rf'"{key}": \d+', lambda _: f'"{key}": {next(weights)}', text)
            (tmp_path / file).write_text(edited)

        for weights in ((70, 30), (100, 0)):
            follow(read)
            edit(*weights)
            follow(write)
            assert sandbox.split() == weights
        shown = show_split(traffic).replace("aws", str(AWS), 1)
        done = subprocess.run(shown, shell=True, env=env, check=True, stdout=subprocess.PIPE)
        weight = "weight" if router == "lattice" else "Weight"
        assert sorted(group[weight] for group in json.loads(done.stdout)) == [0, 100]
