"""Whoever has an SDK or the AWS CLI uses the sandbox as they would use AWS: what it answers has the
form that AWS's has, and what the runbook asks is there."""

import json
import os
import subprocess
import time
import urllib.request
from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.template import ROOT
from sandbox import article, stack
from sandbox.cloud import Sandbox, environment
from sandbox.demo.run import wait_until_ready
from sandbox.hints import show_split
from sandbox.program import port
from tests.eventually import within
from tests.sandbox.test_aws_cli import AWS, runbook

eventually = within(60)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        wait_until_ready(opened)
        yield opened


def raw(sandbox: Sandbox, path: str) -> Any:
    """What App Mesh answers, as it is on the wire."""
    scope = "sandbox/20260101/us-east-1/appmesh/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    request = urllib.request.Request(f"{sandbox.endpoint}{path}", headers={"Authorization": signed})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def times(answer: Any) -> list[Any]:
    if isinstance(answer, list):
        return [time for each in answer for time in times(each)]
    if not isinstance(answer, dict):
        return []
    own = [answer[name] for name in ("createdAt", "lastUpdatedAt") if name in answer]
    return own + [time for each in answer.values() for time in times(each)]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/example",
        "/example/virtualRouters",
        "/example/virtualRouters/example",
        "/example/virtualRouter/example/routes",
        "/example/virtualRouter/example/routes/example",
        "/example/virtualNodes",
        "/example/virtualNodes/example1",
        "/example/virtualServices",
    ],
)
def test_app_mesh_has_times_that_are_numbers(sandbox: Sandbox, path: str) -> None:
    found = times(raw(sandbox, f"/v20190125/meshes{path}"))
    assert found
    # An offset from UTC would show: a time zone is at least half an hour.
    assert all(isinstance(each, float | int) for each in found)
    assert all(abs(time.time() - each) < 900 for each in found)


def test_a_stopped_execution_says_why(sandbox: Sandbox) -> None:
    sfn = sandbox.client("stepfunctions")
    request = json.dumps({"service": "checkout", "images": {"app": article.image("v2")}})
    arn = sfn.start_execution(stateMachineArn=sandbox.machine, input=request)["executionArn"]
    eventually(lambda: sandbox.split()[1] > 0)
    answer = sfn.stop_execution(executionArn=arn, error="Drill", cause="to see it return")
    assert answer["stopDate"]
    eventually(lambda: sfn.describe_execution(executionArn=arn)["status"] == "ABORTED")
    described = sfn.describe_execution(executionArn=arn)
    assert (described["error"], described["cause"]) == ("Drill", "to see it return")
    whole = sfn.get_execution_history(executionArn=arn)["events"]
    pages = sfn.get_paginator("get_execution_history").paginate(
        executionArn=arn, reverseOrder=True, PaginationConfig={"PageSize": 7}
    )
    assert [event for page in pages for event in page["events"]] == whole[::-1]
    assert whole[-1]["executionAbortedEventDetails"] == {
        "error": "Drill",
        "cause": "to see it return",
    }
    eventually(lambda: sandbox.is_free() and sandbox.split() == (100, 0))


def test_one_that_is_stopped_without_a_word_has_none(sandbox: Sandbox) -> None:
    """It began with the example that the page of events has for the sandbox."""
    sfn = sandbox.client("stepfunctions")
    request = (ROOT / "events/execution_profile_stored.json").read_text()
    arn = sfn.start_execution(stateMachineArn=sandbox.machine, input=request)["executionArn"]
    eventually(lambda: sandbox.split()[1] > 0)
    sfn.stop_execution(executionArn=arn)
    eventually(lambda: sfn.describe_execution(executionArn=arn)["status"] == "ABORTED")
    assert not {"error", "cause"} & sfn.describe_execution(executionArn=arn).keys()
    eventually(sandbox.is_free)


def test_what_the_runbook_tells_an_operator_to_type_is_answered(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    env = {**environment(sandbox.endpoint), "PATH": os.environ["PATH"]}
    rule = f"{stack.NAME}-ReconcileFunctionEveryMinute"
    queue = f"{sandbox.endpoint}/123456789012/{stack.NAME}-FailedEvents"

    def follow(beginning: str, **placeholders: str) -> str:
        command = runbook(beginning, STACK=stack.NAME, **placeholders).replace("aws", str(AWS), 1)
        if beginning.startswith("sqs"):
            # Version 1 of the AWS CLI asks SQS nowhere else, unless it is told so.
            command = command.replace(" sqs ", f" --endpoint-url {sandbox.endpoint} sqs ", 1)
        done = subprocess.run(
            command, shell=True, env=env, cwd=tmp_path, check=True, stdout=subprocess.PIPE
        )
        return done.stdout.decode()

    # Before the first sweep there is none, and a release that was just stopped may be in one.
    eventually(lambda: '"stranded":[]' in follow("logs filter-log-events"))
    query = json.loads(follow("logs start-query"))["queryId"]
    assert json.loads(follow("logs get-query-results", QUERY=query))["status"] == "Complete"
    assert json.loads(follow("events describe-rule", RULE=rule)) == "ENABLED"
    follow("events enable-rule", RULE=rule)
    assert json.loads(follow("cloudwatch get-metric-statistics"))["Datapoints"] == []
    follow("sqs receive-message", QUEUE=queue)


def test_the_stack_has_its_alarms(sandbox: Sandbox) -> None:
    cloudwatch = sandbox.client("cloudwatch")

    def states() -> dict[str, str]:
        answer = cloudwatch.describe_alarms(AlarmNamePrefix=f"{stack.NAME}-")
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in answer["MetricAlarms"]}

    assert len(states()) > 15
    eventually(lambda: states()[f"{stack.NAME}-stranded-splits"] == "OK")


def test_the_shown_split_is_the_split(sandbox: Sandbox) -> None:
    env = {**environment(sandbox.endpoint), "PATH": os.environ["PATH"]}
    command = show_split(sandbox.profile["traffic"][0]).replace("aws", str(AWS), 1)
    done = subprocess.run(command, shell=True, env=env, check=True, stdout=subprocess.PIPE)
    weights = {each["virtualNode"]: each["weight"] for each in json.loads(done.stdout)}
    assert weights == {"example1": 100, "example2": 0}


def test_a_port_that_cannot_be_had_is_told(sandbox: Sandbox) -> None:
    taken = sandbox.endpoint.rpartition(":")[2]
    for text, told in ((taken, f"port {taken} cannot be had"), ("70000", "there is no port 70000")):
        with pytest.raises(ArgumentTypeError, match=f"{told}.*PORT"):
            port(text)
    assert port("0") == 0
