"""Stack: a package that `sam build` has made, deployed by `sam deploy`."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import boto3

from deploycheck.ministack import FOLDER
from deploycheck.workspace import workspace
from emulator.account import ACCOUNT, REGION
from emulator.template import ROOT
from sandbox import article
from sandbox.cloud import environment

SAM = ROOT / ".venv-sam/bin/sam"
NAME = "stepcanary"
REPORTS = "stepcanary-reports"
PACKAGE = ROOT / "build/deployed"
"""As deep in the repository as `sam build` puts it, since its template names files beside it."""
SWEPT_SECONDS = 300
"""The alarm's five minutes."""
MOST_QUESTIONS = 100
"""More than SAM has."""
DOCUMENTS = Path("CodeLayer/python/stepcanary/store/documents.py")
PARAMETERS = {
    "ClusterArns": f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/*",
    "TaskRoleArns": f"arn:aws:iam::{ACCOUNT}:role/*",
    "ImageRepositories": f"{article.REGISTRY}/*",
    "AllowInlineProfiles": "ENABLED",
    "ObeySignals": "ENABLED",
    "PromoteOnPipelines": "ENABLED",
    "ReportBucket": REPORTS,
}


def deploy(package: Path, endpoint: str) -> None:
    with (FOLDER / "sam.log").open("a") as log:
        done = subprocess.run(
            [
                SAM,
                "deploy",
                *("--template-file", package / "template.yaml"),
                *("--stack-name", NAME),
                *("--region", REGION),
                *("--capabilities", "CAPABILITY_IAM"),
                "--resolve-s3",
                "--no-confirm-changeset",
                "--parameter-overrides",
                *(f"{name}={value}" for name, value in PARAMETERS.items()),
            ],
            cwd=ROOT,
            env={**os.environ, **environment(endpoint), "SAM_CLI_TELEMETRY": "0"},
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the stack could not be deployed; see {log.name}")


def deploy_guided(package: Path, endpoint: str) -> None:
    """As somebody does who takes every default: `sam deploy --guided`, and a newline for each of
    its questions."""
    log = FOLDER / "guided.log"
    with log.open("w") as written:
        done = subprocess.run(
            [SAM, "deploy", "--guided"],
            cwd=workspace("guided", package),
            env={**os.environ, **environment(endpoint), "SAM_CLI_TELEMETRY": "0"},
            input="\n" * MOST_QUESTIONS,
            text=True,
            stdout=written,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the stack could not be deployed with every default; see {log}")


def outputs(endpoint: str) -> dict[str, str]:
    cloudformation = boto3.client("cloudformation", region_name=REGION, endpoint_url=endpoint)
    [stack] = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def resources(endpoint: str, kind: str) -> dict[str, str]:
    """The physical ids of the stack's resources of one type, by logical id."""
    cloudformation = boto3.client("cloudformation", region_name=REGION, endpoint_url=endpoint)
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=NAME)
    found: list[Any] = [each for page in pages for each in page["StackResourceSummaries"]]
    return {
        each["LogicalResourceId"]: each["PhysicalResourceId"]
        for each in found
        if each["ResourceType"] == kind
    }


def evaluate_sweeps(endpoint: str) -> None:
    """As CloudWatch does, the alarm that no sweep has finished: MiniStack evaluates none on metric
    math, and the account check takes ten minutes without a state for a no."""
    alarm = resources(endpoint, "AWS::CloudWatch::Alarm")["SweepMissingAlarm"]
    group = resources(endpoint, "AWS::Logs::LogGroup")["FunctionLogGroup"]
    finished = boto3.client("logs", region_name=REGION, endpoint_url=endpoint).filter_log_events(
        logGroupName=group,
        filterPattern='"LeftBehind"',
        startTime=int(1_000 * (time.time() - SWEPT_SECONDS)),
    )["events"]
    boto3.client("cloudwatch", region_name=REGION, endpoint_url=endpoint).set_alarm_state(
        AlarmName=alarm,
        StateValue="OK" if finished else "ALARM",
        StateReason=f"{len(finished)} sweeps have finished in {SWEPT_SECONDS} s",
    )


def newer(python: str) -> Path:
    """The package of another version, which writes its documents with another schema number."""
    package = PACKAGE.with_name("deployed-newer")
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(PACKAGE, package)
    source = package / DOCUMENTS
    before = source.read_text()
    after = before.replace("\nSCHEMA = 1\n", "\nSCHEMA = 2\n")
    if after == before:
        raise RuntimeError(f"{DOCUMENTS} has no schema number 1 any more")
    source.write_text(after)
    # As functions/Makefile does: the bytecode is taken without a look at its source.
    unchecked = ("--invalidation-mode", "unchecked-hash")
    compiled = [python, "-m", "compileall", "-q", "-f", *unchecked, str(source)]
    subprocess.run(compiled, check=True)
    return package
