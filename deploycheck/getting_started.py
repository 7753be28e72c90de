"""Getting started: the page, run as one script in an account that has nothing yet."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploycheck import stack
from deploycheck.deployed import Deployed
from deploycheck.ministack import FOLDER, SANDBOX
from deploycheck.page import script
from deploycheck.workspace import workspace
from emulator.template import ROOT
from sandbox.cloud import environment
from sandbox.console import exit_with, quiet
from sandbox.demo.checks import Report

NAME = "getting-started"
PAGE = ROOT / f"docs/{NAME}.md"
REPORT = FOLDER / f"{NAME}.json"
LOG = FOLDER / f"{NAME}.log"
REMOVAL = "## Remove it all"
BAKE_SECONDS = 5
"""The page says what it is for. An alarm's minute is a second in the sandbox."""
LONGEST_SECONDS = 720.0
EXPECTED = ["Released", "Reverted"]


class Account(Deployed):
    """What is made in it is made by the page."""

    def __init__(self, python: str) -> None:
        super().__init__(None, None, python, NAME)

    def reports(self) -> list[Report]:
        """Of the releases, in order."""
        outputs = stack.outputs(self.ministack.endpoint)
        self.machine, self.table = outputs["ReleaseStateMachineArn"], outputs["LedgerTableName"]
        states = self.client("stepfunctions")
        executions = states.list_executions(stateMachineArn=self.machine)["executions"]
        profile = self.client("ssm").get_parameter(Name="/stepcanary/profiles/shop")["Parameter"]
        self.adopt(json.loads(profile["Value"]))
        primary, canary = self.split()
        failed = self._failed_requests()
        return [
            {
                "name": f"{NAME}-{number}",
                **self.record(execution["executionArn"]),
                "split": {"primary": primary, "canary": canary},
                "errors": failed,
            }
            for number, execution in enumerate(
                sorted(executions, key=lambda execution: execution["startDate"]), start=1
            )
        ]

    def left(self) -> list[str]:
        """What is there that the page has made."""
        functions = self.client("lambda").list_functions()["Functions"]
        tables = self.client("dynamodb").list_tables()["TableNames"]
        machines = self.client("stepfunctions").list_state_machines()["stateMachines"]
        balancers = self.client("elbv2").describe_load_balancers()["LoadBalancers"]
        clusters = self.client("ecs").describe_clusters(clusters=["shop"])["clusters"]
        found: list[str] = [function["FunctionName"] for function in functions]
        found += [machine["name"] for machine in machines]
        found += [balancer["LoadBalancerName"] for balancer in balancers]
        # One that is deleted can be seen for a while.
        found += [each["clusterName"] for each in clusters if each["status"] == "ACTIVE"]
        return [*found, *tables]

    def _failed_requests(self) -> int:
        """Of the service, as its load balancer has counted them."""
        cloudwatch = self.client("cloudwatch")
        place: dict[str, Any] = {
            "Namespace": "AWS/ApplicationELB",
            "MetricName": "HTTPCode_Target_5XX_Count",
        }
        series = cloudwatch.list_metrics(**place)["Metrics"]
        now = time.time()
        sums = [
            point["Sum"]
            for each in series
            for point in cloudwatch.get_metric_statistics(
                **place,
                Dimensions=each["Dimensions"],
                StartTime=now - 3600,
                EndTime=now,
                Period=3600,
                Statistics=["Sum"],
            )["Datapoints"]
        ]
        return int(sum(sums))


def run(package: Path, python: str) -> tuple[list[Report], list[str]]:
    """What its releases were, and what is wrong."""
    with Account(python) as account:
        variables = _variables(account)
        stack.deploy_guided(package, account.ministack.endpoint)
        folder = workspace(NAME, package)
        page = Run(folder, variables)
        try:
            page.wait_until_removal()
            reports = account.reports()
            wrong = _asked(account)
            page.go_on()
            left = account.left()
        finally:
            page.close()
    outcomes = [report["outcome"] for report in reports]
    if outcomes != EXPECTED:
        wrong.append(f"its releases ended {outcomes}, not {EXPECTED}")
    wrong += [f"the split is {r['split']}" for r in reports if r["split"]["canary"]]
    wrong += [f"{reports[0]['errors']} requests failed"] if reports[0]["errors"] else []
    wrong += [f"{name} is still there" for name in left]
    return reports, [f"{NAME}: {each}" for each in wrong]


class Run:
    """The page's commands in one shell, which waits before those that remove everything."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self._arrived, self._go = folder / "arrived", folder / "go"
        os.mkfifo(self._go)
        path = folder / "page.sh"
        path.write_text(script(PAGE, {REMOVAL: "touch arrived; read -r _ < go"}))
        self._log = LOG.open("w")
        self._process = subprocess.Popen(
            ["/bin/bash", path],
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            # With all that it leaves running.
            start_new_session=True,
        )
        self._until = time.monotonic() + LONGEST_SECONDS

    def wait_until_removal(self) -> None:
        while not self._arrived.exists():
            self._see_that_it_runs()
            time.sleep(0.2)

    def go_on(self) -> None:
        """To the page's end."""
        self._go.write_text("\n")
        while self._process.poll() is None:
            self._see_that_it_runs()
            time.sleep(0.2)
        if self._process.returncode:
            raise RuntimeError(f"a command of {PAGE.name} failed; see the end of {LOG}")

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()

    def _see_that_it_runs(self) -> None:
        if self._process.poll() is not None:
            raise RuntimeError(f"a command of {PAGE.name} failed; see the end of {LOG}")
        if time.monotonic() > self._until:
            raise TimeoutError(f"{PAGE.name} takes too long; see the end of {LOG}")


def _variables(account: Account) -> dict[str, str]:
    """A shell's, in which the AWS CLI finds the emulators."""
    return {
        **os.environ,
        "PATH": f"{ROOT}/.venv-aws/bin:{os.environ['PATH']}",
        **environment(account.ministack.endpoint),
        **{f"AWS_ENDPOINT_URL_{name}": account.endpoint for name in SANDBOX},
        "SAM_CLI_TELEMETRY": "0",
        "BAKE_SECONDS": str(BAKE_SECONDS),
    }


def _asked(account: Account) -> list[str]:
    """What the account check finds wrong. All that it asks about is the stack's."""
    stack.evaluate_sweeps(account.ministack.endpoint)
    command = [sys.executable, "-m", "tools.account", "--stack", stack.NAME]
    variables = {**os.environ, **environment(account.ministack.endpoint)}
    log = FOLDER / "account-check.log"
    with log.open("w") as written:
        done = subprocess.run(
            command, cwd=ROOT, env=variables, stdout=written, stderr=subprocess.STDOUT, check=False
        )
    return [f"the account check found something wrong; see {log}"] if done.returncode else []


def main() -> int:
    """With the functions' Python as the argument."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    quiet(FOLDER / f"{NAME}.sandbox.log")
    reports: list[Report] = []
    try:
        reports, wrong = run(stack.PACKAGE, sys.argv[1])
    except (OSError, RuntimeError, TimeoutError) as error:
        wrong = [f"{NAME}: {error}"]
    REPORT.write_text(json.dumps({"scenarios": reports, "wrong": wrong}, indent=2) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    exit_with(main)
