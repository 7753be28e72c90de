"""The environments of `examples`, started as they are: a release of each with real requests."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from emulator.account import REGION
from emulator.template import ROOT
from sandbox.client import Client, Count
from sandbox.cloud import Sandbox, environment
from sandbox.fronts.front import Json
from stepcanary.domain.request import parse_profile
from tests.eventually import within

eventually = within(40)


def shortened(profile: Json) -> Json:
    """With bakes as short as the alarm can be judged in, and nothing but seconds changed."""
    steps = [{**step, "bake_seconds": 3} for step in profile["steps"]]
    return {**profile, "steps": steps}


def release(sandbox: Sandbox, client: Client, request: Json) -> dict[str, str]:
    """What became of it; the client is told of each weight meanwhile."""
    sfn = sandbox.client("stepfunctions")
    execution = sfn.start_execution(stateMachineArn=sandbox.machine, input=json.dumps(request))
    arn = execution["executionArn"]
    over = time.monotonic() + 90
    while time.monotonic() < over:
        client.set_weight(sandbox.split()[1])
        if sfn.describe_execution(executionArn=arn)["status"] != "RUNNING":
            return sandbox.record(arn)
        time.sleep(0.1)
    raise TimeoutError(f"the release did not end: {sandbox.record(arn)}")


def bad(request: Json) -> Json:
    """Of a version that fails half of its requests."""
    return {
        **request,
        "images": {name: f"{image}-fail50" for name, image in request["images"].items()},
    }


@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", ["alb", "appmesh", "lattice"])
def test_an_example_releases_and_its_own_alarm_reverts(name: str) -> None:
    with Sandbox(example=ROOT / "examples" / name) as sandbox:
        ssm, profile = sandbox.client("ssm"), shortened(sandbox.profile)
        stored = {"Name": "/stepcanary/profiles/shop", "Value": json.dumps(profile)}
        ssm.put_parameter(**stored, Overwrite=True)
        client = Client(sandbox.url, "shop-canary", rate=120)
        client.start()
        try:
            released = release(sandbox, client, sandbox.request)
            steps = dict(client.steps)
            errors = client.total.errors
            alone = {key: value for key, value in profile.items() if key != "judge"}
            reverted = release(sandbox, client, {**bad(sandbox.request), "profile": alone})
        finally:
            client.close()
        assert released["outcome"] == "Released", released
        assert errors == 0
        assert sandbox.image("shop-primary") == sandbox.request["images"]["app"]
        assert reverted["outcome"] == "Reverted", reverted
        assert "shop-canary-errors" in reverted["cause"]
        assert sandbox.split() == (100, 0)
        assert steps.keys() == {1, 5, 20, 50, 100}
        assert _share(steps[50]) == pytest.approx(0.5, abs=0.15)
        assert _share(steps[100]) == 1


def _share(step: Count) -> float:
    return step.canary / step.requests


@pytest.mark.timeout(240)
def test_an_environment_is_made_and_removed_by_the_commands_of_its_page() -> None:
    """One after the other, in a sandbox that is empty before."""
    with Sandbox(empty=True) as sandbox:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        env = {**environment(sandbox.endpoint), "AWS_REGION": REGION, "PATH": path}

        def run(commands: str) -> None:
            script = f"set -e\n{commands}"
            shell: Any = {"shell": True, "executable": "/bin/bash", "cwd": ROOT, "env": env}
            done = subprocess.run(script, **shell, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr

        for name in ("alb", "appmesh", "lattice"):
            page = (ROOT / "examples" / name / "README.md").read_text()
            script = "\n".join(re.findall(r"```shell\n(.*?)```", page, re.DOTALL))
            make, first, rest = script.partition("aws ssm delete-parameter")
            run(make)
            found = sandbox.client("ssm").get_parameter(Name="/stepcanary/profiles/shop")
            profile = parse_profile(found["Parameter"]["Value"], name)
            assert sandbox.split(profile.traffic[0].model_dump()) == (100, 0)
            with urllib.request.urlopen(sandbox.url, timeout=5) as answer:
                assert json.load(answer)["service"] == "shop-primary"
            run(f"{first}{rest}")
            assert sandbox.urls() == {}


@pytest.mark.timeout(90)
def test_a_caller_reaches_the_service_through_the_envoy_beside_it() -> None:
    example = ROOT / "examples/appmesh"
    with Sandbox(example=example, parameters={"Caller": "ENABLED"}) as sandbox:
        ecs = sandbox.client("ecs")
        client = Client(sandbox.url, "shop-canary", rate=60)
        client.start()
        try:
            eventually(lambda: "shop-primary" in {service for service, _ in client.total.by_task})
            ecs.update_service(cluster="shop", service="shop-canary", desiredCount=1)
            eventually(lambda: sandbox.service("shop-canary")["runningCount"] == 1)
            _shift(sandbox, 50, 50)
            eventually(lambda: client.total.canary > 0)
            assert client.total.errors == 0
            ecs.update_service(cluster="shop", service="shop-caller", desiredCount=0)
            eventually(lambda: client.total.errors > 0)
        finally:
            client.close()


def _shift(sandbox: Sandbox, primary: int, canary: int) -> None:
    mesh: Any = sandbox.client("appmesh")
    named = {"meshName": "shop", "virtualRouterName": "shop", "routeName": "shop"}
    spec = mesh.describe_route(**named)["route"]["spec"]
    nodes = spec["httpRoute"]["action"]["weightedTargets"]
    for node, weight in zip(nodes, (primary, canary), strict=True):
        node["weight"] = weight
    mesh.update_route(**named, spec=spec)
