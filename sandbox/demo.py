"""Demo: real releases with real requests, watched live and reported as JSON."""

import argparse
import json
import math
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.__main__ import quiet
from sandbox.client import Client
from sandbox.cloud import LOG, Sandbox

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop"
CONFIDENCE = 0.999
Report = dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """One release. `check` returns what is wrong with its report, or an empty list."""

    name: str
    tag: str
    outcome: str
    check: Callable[[Report], list[str]]
    steps: list[dict[str, int]] | None = None


def binomial_interval(n: int, share: float, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """The central interval of a binomial count: each tail outside it is at most half the rest."""
    tail = (1 - confidence) / 2
    terms = [
        math.exp(
            math.lgamma(n + 1)
            - math.lgamma(k + 1)
            - math.lgamma(n - k + 1)
            + k * math.log(share)
            + (n - k) * math.log1p(-share)
        )
        for k in range(n + 1)
    ]
    low, below = 0, terms[0]
    while below <= tail:
        low += 1
        below += terms[low]
    high, above = n, terms[n]
    while above <= tail:
        high -= 1
        above += terms[high]
    return low, high


def _released(report: Report) -> list[str]:
    wrong = []
    if report["split"] != {"primary": 100, "canary": 0}:
        wrong.append(f"the split is {report['split']}")
    if not report["primary_image"].endswith(f":{report['tag']}"):
        wrong.append(f"the primary runs {report['primary_image']}")
    if report["errors"]:
        wrong.append(f"{report['errors']} requests failed")
    return wrong


def _reverted(report: Report) -> list[str]:
    wrong = []
    if report["split"] != {"primary": 100, "canary": 0}:
        wrong.append(f"the split is {report['split']}")
    if report["primary_image"].endswith(f":{report['tag']}"):
        wrong.append("the primary runs the bad version")
    if not report["errors_from_canary"]:
        wrong.append("the bad version failed no request, so nothing was shown")
    if report["errors"] != report["errors_from_canary"]:
        wrong.append("requests failed that the canary did not serve")
    return wrong


def _article(report: Report) -> list[str]:
    step = next((s for s in report["steps"] if s["weight"] == 5), None)
    if step is None or step["requests"] < 2_000:
        return [f"too few requests at 95:5: {step}"]
    low, high = binomial_interval(step["requests"], 0.05)
    report["interval"] = {"low": low, "high": high, "confidence": CONFIDENCE}
    if not low <= step["canary_requests"] <= high:
        return [f"{step['canary_requests']} of {step['requests']} lie outside {low}..{high}"]
    return _released(report)


SCENARIOS = [
    Scenario("good", "v2", "Released", _released),
    Scenario("bad", "v3-fail30", "Reverted", _reverted),
    Scenario(
        "article",
        "v4",
        "Released",
        _article,
        steps=[{"weight": 5, "bake_seconds": 14}, {"weight": 100, "bake_seconds": 2}],
    ),
]


class View:
    """One line that changes on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._last = ""

    def show(self, began: float, state: str, split: tuple[int, int], client: Client) -> None:
        total = client.total
        versions = "  ".join(
            f"{version}: {count} ({total.errors_by_version[version]} errors)"
            for version, count in sorted(total.by_version.items())
        )
        key = f"{state} {split}"
        seconds = time.monotonic() - began
        line = f"{seconds:6.1f} s  {state:<15} {split[0]:>3}:{split[1]:<3}  {versions}"
        if self._live:
            end = "\n" if key != self._last else ""
            print(f"\r\x1b[K{line}", end=end, flush=True)
        elif key != self._last:
            print(line, flush=True)
        self._last = key

    def end(self) -> None:
        if self._live:
            print()


def run(sandbox: Sandbox, scenario: Scenario) -> Report:
    """Release the scenario's version under load and report what the users saw."""
    sfn = sandbox.client("stepfunctions")
    request: dict[str, Any] = {
        "service": "checkout",
        "images": {"app": f"{REPOSITORY}:{scenario.tag}"},
    }
    if scenario.steps is not None:
        stored = sandbox.client("ssm").get_parameter(Name="/stepcanary/profiles/checkout")
        profile = json.loads(stored["Parameter"]["Value"])
        request["profile"] = {**profile, "steps": scenario.steps}
    print(f"\n{scenario.name}: release of {scenario.tag}, which should end {scenario.outcome}")
    client, view = Client(sandbox.url, canary="example2"), View()
    began = time.monotonic()
    client.start()
    try:
        arn = sfn.start_execution(
            stateMachineArn=sandbox.machine,
            name=f"{scenario.name}-{time.time_ns()}",
            input=json.dumps(request),
        )["executionArn"]
        while True:
            execution = sfn.describe_execution(executionArn=arn)
            split = sandbox.split()
            client.set_weight(split[1])
            state = _state(sfn, arn)
            view.show(began, state, split, client)
            if execution["status"] != "RUNNING":
                break
            if time.monotonic() - began > 240:
                raise TimeoutError(f"{scenario.name} did not end in 240 s, it is in {state}")
            time.sleep(0.15)
    finally:
        client.close()
        view.end()
    split = sandbox.split()
    report: Report = {
        "name": scenario.name,
        "tag": scenario.tag,
        "outcome": state,
        "cause": execution.get("cause", ""),
        "split": {"primary": split[0], "canary": split[1]},
        "primary_image": sandbox.image("example1"),
        "requests": client.total.requests,
        "errors": client.total.errors,
        "errors_from_canary": client.total.errors_from_canary,
        "steps": [
            {"weight": weight, "requests": count.requests, "canary_requests": count.canary}
            for weight, count in sorted(client.steps.items())
        ],
        "seconds": round(time.monotonic() - began, 1),
    }
    if report["cause"]:
        print(f"  {report['cause']}")
    return report


def _state(sfn: Any, arn: str) -> str:
    """Name of the state that the execution entered last."""
    events = sfn.get_execution_history(executionArn=arn)["events"]
    entered = [e["stateEnteredEventDetails"]["name"] for e in events if "Entered" in e["type"]]
    return entered[-1] if entered else ""


def wait_until_ready(sandbox: Sandbox) -> None:
    """The primary's tasks take a moment to start, and a fired alarm one to clear."""
    cloudwatch = sandbox.client("cloudwatch")
    for _ in range(300):
        alarm = cloudwatch.describe_alarms(AlarmNames=["example2-5xx"])["MetricAlarms"][0]
        if alarm["StateValue"] == "OK" and _answers(sandbox.url):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing answers at {sandbox.url}, or its alarm fires; see {LOG}")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--all", action="store_true", help="run every scenario")
    folder = Path("build/scenarios" if parser.parse_args().all else "build/demo")
    quiet()
    folder.mkdir(parents=True, exist_ok=True)
    reports, wrong = [], []
    with Sandbox() as sandbox:
        print(f"AWS API {sandbox.endpoint}  gateway {sandbox.url}")
        for scenario in SCENARIOS:
            wait_until_ready(sandbox)
            report = run(sandbox, scenario)
            problems = scenario.check(report)
            if report["outcome"] != scenario.outcome:
                problems.insert(0, f"it ended {report['outcome']}, not {scenario.outcome}")
            print(
                f"  {report['outcome']}: {report['requests']} requests, {report['errors']} errors"
            )
            wrong += [f"{scenario.name}: {problem}" for problem in problems]
            reports.append(report)
    path = folder / "report.json"
    path.write_text(json.dumps({"scenarios": reports}, indent=2) + "\n")
    print(f"\nreport: {path}")
    for problem in wrong:
        print(f"WRONG {problem}")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\ninterrupted; the sandbox is closed and nothing of it runs any more")
        sys.exit(130)
