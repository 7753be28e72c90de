"""Cold start: CPU seconds of a fresh process until a handler is loaded and has its clients.

It measures what `make build` has built, on the functions' Python. The floor is boto3 alone,
installed by pip, with the same clients; before is the package as it was built before there were
layers: each library whole, and no bytecode. The three take turns, so that a busy machine is the
same to all.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.report import write
from emulator import template
from tools import package

WORK = Path("build/bench/cold_start")
MOST_OF_BEFORE = 0.40
MOST_OF_FLOOR = 1.55
MOST_OF_FLOOR_IN_A_HURRY = 1.40
IN_A_HURRY = {"relay_alarm", "revert"}
"""An alarm waits for these two, and they are nearly always cold."""

CLIENTS = {
    "application-autoscaling": ("autoscaling", "application-autoscaling"),
    "cloudformation": ("cloudformation", "cloudformation"),
    "cloudwatch": ("cloudwatch", "cloudwatch"),
    "dynamodb": ("dynamodb", "dynamodb"),
    "ecs": ("ecs", "ecs"),
    "elasticloadbalancing": ("elbv2", "elbv2"),
    "events": ("events", "events"),
    "lambda": ("awslambda", "lambda"),
    "s3": ("s3", "s3"),
    "secretsmanager": ("secretsmanager", "secretsmanager"),
    "sns": ("sns", "sns"),
    "ssm": ("ssm", "ssm"),
    "states": ("stepfunctions", "stepfunctions"),
}
"""By IAM's prefix: the name in `stepcanary.aws.clients`, and boto3's. The router is ALB, and no log
is read, so that no other client is made."""
OTHERS = {"appmesh", "servicediscovery", "vpc-lattice", "logs", "cognito-idp", "iam"}
"""Of another router, of a log, or called by AWS itself."""

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "HOME": "/nonexistent",
    "LEDGER_TABLE": "ledger",
    "POWERTOOLS_METRICS_NAMESPACE": "StepCanary",
    "POWERTOOLS_SERVICE_NAME": "stepcanary",
    # /var/task and /opt cannot be written to either.
    "PYTHONDONTWRITEBYTECODE": "1",
    "SETTINGS_PARAMETER": "/stepcanary/settings",
}
"""As template.yaml has it; of the machine's own nothing counts."""

BEFORE_EVERY = 2
"""It takes three times as long as all else of a round."""
LAP = """
laps.append(time.process_time())
"""
PARTS = ("interpreter", "boto3", "pydantic", "powertools", "handler", "clients")
"""What a cold start is made of, each without what was loaded before it."""


def client_names(function: str) -> list[tuple[str, str]]:
    """Of the clients whose calls the function's policies allow."""
    policies = package.RESOURCES[function]["Properties"]["Policies"]
    documents = [
        package.RESOURCES[policy]["Properties"]["PolicyDocument"]
        if isinstance(policy, str)
        else policy
        for policy in policies
    ]
    prefixes = {
        action.partition(":")[0]
        for document in documents
        for statement in template.statements(document)
        for action in statement["Action"]
    }
    return [CLIENTS[prefix] for prefix in sorted(prefixes - OTHERS)]


def handler_code(handler: str, names: list[tuple[str, str]]) -> str:
    """The package `handlers` is first, as in Lambda. What dominates is imported next and timed,
    which changes no sum."""
    made = "\n".join(f"clients.{ours}()" for ours, _ in names)
    steps = (
        "import time\nlaps = []\nimport handlers",
        "import boto3",
        "from pydantic import BaseModel",
        "import aws_lambda_powertools",
        f"import handlers.{handler}\nfrom stepcanary.aws import clients",
        made,
    )
    return LAP.join(steps) + LAP + "print(*laps)"


def floor_code(names: list[tuple[str, str]]) -> str:
    made = "\n".join(f"boto3.client({theirs!r})" for _, theirs in names)
    return f"import time, boto3\n{made}\nprint(time.process_time())"


def cpu_seconds(python: str, site: Path, code: str) -> list[float]:
    """User and system time of a process, at each lap. Its end, which Lambda does not wait for, is
    left out."""
    done = subprocess.run(
        # Without `site`: what else is installed on this machine is no part of it.
        [python, "-P", "-S", "-c", code],
        env=ENVIRONMENT | {"PYTHONPATH": str(site.resolve())},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return [float(lap) for lap in done.stdout.split()]


def before_package(python: str) -> Path:
    """As `sam build` made it of `functions/` and one list of libraries."""
    site = WORK / "before"
    locks = [f"package/{lock}.txt" for lock in ("libraries", "slack")]
    package.install(python, site, "--no-compile", "--no-deps", "-r", locks[0], "-r", locks[1])
    for folder in ("handlers", "stepcanary"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(template.ROOT / "functions" / folder, site / folder, ignore=ignored)
    return site


def floor_package(python: str) -> Path:
    site = WORK / "floor"
    constraints = ["--constraint", "package/libraries.txt"]
    boto3 = f"boto3=={package.pins('libraries.txt')['boto3']}"
    package.install(python, site, "--compile", *constraints, boto3)
    return site


def measured(python: str, rounds: int, only: str) -> Iterator[tuple[str, dict[str, Any]]]:
    before, floor = before_package(python), floor_package(python)
    layers = {tuple(package.layers_of(function.name)) for function in template.functions()}
    sites = {
        each: package.lay_out(list(each), WORK / "-".join(each), python) for each in sorted(layers)
    }
    for function in template.functions():
        handler = function.handler.split(".")[1]
        if only not in handler:
            continue
        names = client_names(function.name)
        ours, theirs = handler_code(handler, names), floor_code(names)
        site = sites[tuple(package.layers_of(function.name))]
        seconds: defaultdict[str, list[float]] = defaultdict(list)
        laps: list[list[float]] = []
        # A busy moment is no slow function: who is over a limit gets as many rounds again.
        for most in (rounds, 2 * rounds):
            for number in range(len(laps), most):
                laps.append(cpu_seconds(python, site, ours))
                seconds["floor"].append(cpu_seconds(python, floor, theirs)[-1])
                if number % BEFORE_EVERY == 0:
                    seconds["before"].append(cpu_seconds(python, before, ours)[-1])
            result = summary(seconds, laps)
            if not over_the_limit(handler, result):
                break
        yield handler, result


def summary(seconds: dict[str, list[float]], laps: list[list[float]]) -> dict[str, Any]:
    """A round is held against its own floor: what else the machine does in a moment slows both."""
    rounds = [lap[-1] for lap in laps]
    now = statistics.median(rounds)
    floor, before = (statistics.median(seconds[what]) for what in ("floor", "before"))
    paired = {
        what: statistics.median(
            one / other for one, other in zip(rounds[::every], seconds[what], strict=True)
        )
        for what, every in (("floor", 1), ("before", BEFORE_EVERY))
    }
    ends = [statistics.median(column) for column in zip(*laps, strict=True)]
    parts = [end - begin for begin, end in zip([0.0, *ends], ends, strict=False)]
    return {
        "cpu_seconds": round(now, 3),
        "floor_cpu_seconds": round(floor, 3),
        "before_cpu_seconds": round(before, 3),
        "ratio": round(paired["floor"], 2),
        "ratio_to_before": round(paired["before"], 2),
        "parts": {name: round(part, 3) for name, part in zip(PARTS, parts, strict=True)},
    }


def sizes() -> dict[str, int]:
    """`unzipped_bytes` is the largest that Lambda unpacks for one function."""
    layers = {layer: package.BUILT / layer for layer in package.LAYERS}
    return {
        "zip_bytes_per_deploy": package.stored_per_code_change(),
        "zip_bytes_of_library_layers": sum(
            package.zipped(layers[layer]) for layer in layers if layer != package.CODE
        ),
        "unzipped_bytes": sum(package.unzipped(folder) for folder in layers.values()),
    }


def over_the_limit(handler: str, result: dict[str, Any]) -> bool:
    most = MOST_OF_FLOOR_IN_A_HURRY if handler in IN_A_HURRY else MOST_OF_FLOOR
    return bool(result["ratio"] > most or result["ratio_to_before"] > MOST_OF_BEFORE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python", help="the functions' Python")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--only", default="", help="handlers that have this in their name")
    options = parser.parse_args()
    report: dict[str, Any] = {}
    for handler, result in measured(options.python, options.rounds, options.only):
        report[handler] = result
        parts = "  ".join(f"{name} {1000 * part:.0f}" for name, part in result["parts"].items())
        slow = "  OVER THE LIMIT" if over_the_limit(handler, result) else ""
        sys.stdout.write(
            f"{handler:20} {result['cpu_seconds']:.3f} s  {result['ratio']:.2f} of the floor  "
            f"{result['ratio_to_before']:.2f} of before  ms: {parts}{slow}\n"
        )
        sys.stdout.flush()
    failed = [handler for handler, result in report.items() if over_the_limit(handler, result)]
    report["package"] = sizes()
    sys.stdout.write(f"{json.dumps(report['package'])}\n")
    write("cold_start", report)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
