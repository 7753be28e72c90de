"""Demo: real releases with real requests, watched live and reported as JSON."""

import argparse
import json
import math
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from emulator.template import ROOT
from sandbox import article
from sandbox.client import Client
from sandbox.cloud import Sandbox
from sandbox.console import LOG, exit_with, quiet
from sandbox.fronts.chain import Chain
from sandbox.fronts.front import Front
from sandbox.fronts.names import FRONTS

CONFIDENCE = 0.999
LONGEST_SECONDS = 240
Report = dict[str, Any]
Steps = list[dict[str, int]]


@dataclass(frozen=True)
class Act:
    """What somebody does once the execution is in this state and the canary serves.

    The answer is another execution to wait for, if that began one.
    """

    state: str
    do: Callable[[Sandbox, str], str | None]


@dataclass(frozen=True)
class Scenario:
    """One release. `check` returns what is wrong with its report, or an empty list.

    `acts` happen one after the other; `primary_tag` is what the primary gets where it differs;
    `front` is what stands before the service, if not the router's own; `begin` starts it, if an
    execution with a request does not.
    """

    name: str
    tag: str
    outcome: str
    check: Callable[[Report], list[str]]
    steps: Steps | None = None
    acts: tuple[Act, ...] = ()
    primary_tag: str | None = None
    front: type[Front] | None = None
    begin: Callable[[Sandbox], str] | None = None


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


def _at_rest(report: Report) -> list[str]:
    """What is true of every end of a release, good or bad."""
    wrong = []
    if report["split"] != {"primary": 100, "canary": 0}:
        wrong.append(f"the split is {report['split']}")
    if report["canary_tasks"]:
        wrong.append(f"the canary still has {report['canary_tasks']} tasks")
    return wrong


def _released(report: Report) -> list[str]:
    wrong = _at_rest(report) + _no_errors(report)
    if report["status"] != "SUCCEEDED":
        wrong.append(f"the execution is {report['status']}")
    if not report["primary_image"].endswith(f":{report['tag']}"):
        wrong.append(f"the primary runs {report['primary_image']}")
    return wrong


def _no_errors(report: Report) -> list[str]:
    return [f"{report['errors']} requests failed"] if report["errors"] else []


def _old_version(report: Report) -> list[str]:
    if report["primary_image"] != report["primary_image_before"]:
        return [f"the primary runs {report['primary_image']}"]
    return []


def _bad(report: Report) -> list[str]:
    wrong = _at_rest(report) + _old_version(report)
    if "revert by alarm example2-5xx" not in report["cause"]:
        wrong.append("it was not the alarm's event that ended the bake")
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


def _stopped(report: Report) -> list[str]:
    wrong = _at_rest(report) + _old_version(report) + _no_errors(report)
    if report["status"] != "ABORTED":
        wrong.append(f"the execution is {report['status']}, so nobody had to help it")
    if report["weights"] != [0, 50, 0]:
        wrong.append(f"the canary's weight went {report['weights']}")
    return wrong


def _failed_promotion(report: Report) -> list[str]:
    wrong = _at_rest(report) + _old_version(report) + _no_errors(report)
    if report["weights"] != [0, 50, 100, 0]:
        wrong.append(f"the canary's weight went {report['weights']}")
    if report["promotions"] != 2:
        wrong.append(f"it tried to promote {report['promotions']} times, not twice")
    full = next((s for s in report["steps"] if s["weight"] == 100), None)
    if full is None or full["canary_requests"] != full["requests"]:
        wrong.append(f"not all traffic was on the canary: {full}")
    return wrong


def _flow(report: Report) -> list[str]:
    """The canary served everything for a while, and the event of `main` promoted it."""
    full = next((s for s in report["steps"] if s["weight"] == 100), None)
    if full is None or full["canary_requests"] != full["requests"]:
        return [f"not all traffic was on the canary at its gate: {full}"]
    wrong = _at_rest(report) + _no_errors(report)
    if report["told"] != ["promote by pipeline checkout-main"]:
        wrong.append(f"the ledger says {report['told']}")
    if not report["primary_image"].endswith(example("obey_image")["detail"]["image-digest"]):
        wrong.append(f"the primary runs {report['primary_image']}")
    return wrong


def _gated(report: Report) -> list[str]:
    told = [] if report["told"] == ["resume by jane"] else [f"the ledger says {report['told']}"]
    return told + _released(report)


def _chatted(report: Report) -> list[str]:
    wrong = _released(report)
    if report["told"] != ["promote by jane (Slack U2CERLKJA)"]:
        wrong.append(f"the ledger says {report['told']}")
    titles = [title.partition(": ")[2] for title in report["chat"]]
    if titles[:1] != ["a release has started"] or titles[-1:] != ["Released"]:
        wrong.append(f"the thread in Slack is {titles}")
    return wrong


def _superseded(report: Report) -> list[str]:
    wrong = _at_rest(report) + _no_errors(report)
    if report["others"] != ["Released"]:
        wrong.append(f"the newer release ended {report['others']}")
    if not report["primary_image"].endswith(":v10"):
        wrong.append(f"the primary runs {report['primary_image']}")
    return wrong


def _queued(report: Report) -> list[str]:
    wrong = _at_rest(report) + _no_errors(report)
    if report["others"] != ["Rejected", "Released"]:
        wrong.append(f"those that waited ended {report['others']}")
    if not report["primary_image"].endswith(":v13"):
        wrong.append(f"the primary runs {report['primary_image']}")
    return wrong


def _stop(sandbox: Sandbox, execution: str) -> None:
    sandbox.client("stepfunctions").stop_execution(executionArn=execution)


def _signal(kind: str) -> Callable[[Sandbox, str], None]:
    def send(sandbox: Sandbox, _execution: str) -> None:
        detail = {"service": "checkout", "signal": kind, "by": "demo"}
        entry = {
            "Source": "stepcanary",
            "DetailType": "Release Signal",
            "Detail": json.dumps(detail),
        }
        sandbox.client("events").put_events(Entries=[entry])

    return send


def _take(action: str, **more: object) -> Callable[[Sandbox, str], None]:
    """As somebody in the console would: an execution whose input has an action."""

    def take(sandbox: Sandbox, _execution: str) -> None:
        _start(sandbox, {"service": "checkout", "action": action, "by": "jane", **more})

    return take


def _click(action: str) -> Callable[[Sandbox, str], None]:
    """Jane clicks a button of the newest message that has one, as soon as it is there."""

    def click(sandbox: Sandbox, _execution: str) -> None:
        for _ in range(100):
            asking = [message for message in sandbox.slack.messages if message.buttons]
            if asking:
                assert sandbox.slack.click(asking[-1], action)["statusCode"] == 200
                return
            time.sleep(0.1)
        raise TimeoutError("no message asks for a decision")

    return click


def _release(tag: str, **profile: object) -> Callable[[Sandbox, str], str]:
    def release(sandbox: Sandbox, _execution: str) -> str:
        return _start(
            sandbox,
            {
                "service": "checkout",
                "images": {"app": article.image(tag)},
                "profile": {**sandbox.profile, "steps": QUICK, **profile},
            },
        )

    return release


def _start(sandbox: Sandbox, request: dict[str, Any]) -> str:
    execution: str = sandbox.client("stepfunctions").start_execution(
        stateMachineArn=sandbox.machine, input=json.dumps(request)
    )["executionArn"]
    return execution


def _command(text: str) -> Callable[[Sandbox], str]:
    """Jane writes a command; the answer is the execution that comes of it."""

    def write(sandbox: Sandbox) -> str:
        store(sandbox, steps=QUICK, promotion={"approval": True})
        assert sandbox.slack.command(text)["statusCode"] == 200
        return _started(sandbox, "slack-")

    return write


def _push(tag: str) -> Callable[[Sandbox], str]:
    """ECR tells of an image that was pushed; the answer is the execution that comes of it."""

    def push(sandbox: Sandbox) -> str:
        triggers = {
            "repository": "shop",
            "container": "app",
            "release_tags": ["v*"],
            "promote_pipelines": ["checkout-main"],
        }
        store(sandbox, steps=QUICK, promotion={"approval": True}, triggers=triggers)
        event = example("obey_image")
        event["detail"]["image-tag"] = tag
        # At least once is what EventBridge promises.
        sandbox.bus.deliver(event)
        sandbox.bus.deliver(event)
        return _started(sandbox, event["id"])

    return push


def store(sandbox: Sandbox, **changed: object) -> None:
    """The service's profile, with these changes."""
    sandbox.client("ssm").put_parameter(
        Name="/stepcanary/profiles/checkout",
        Value=json.dumps({**sandbox.profile, **changed}),
        Overwrite=True,
    )


def _started(sandbox: Sandbox, mark: str) -> str:
    """The one execution with this in its name, once there is one."""
    sfn = sandbox.client("stepfunctions")
    for _ in range(100):
        answer = sfn.list_executions(stateMachineArn=sandbox.machine)
        found = [e["executionArn"] for e in answer["executions"] if mark in e["name"]]
        if found:
            assert len(found) == 1, "one asking, one release"
            return str(found[0])
        time.sleep(0.1)
    raise TimeoutError(f"no execution has {mark} in its name")


def _pipeline_succeeds(sandbox: Sandbox, _execution: str) -> None:
    sandbox.bus.deliver(example("obey_pipeline"))


def example(name: str) -> dict[str, Any]:
    """An event as AWS sends it now."""
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return {**event, "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}


QUICK = [{"weight": 50, "bake_seconds": 2}, {"weight": 100, "bake_seconds": 2}]
LONG = [{"weight": 50, "bake_seconds": 60}]
DEMO = [
    Scenario("good", "v2", "Released", _released),
    Scenario(
        "bad",
        "v3-fail30",
        "Reverted",
        _bad,
        # Far longer than the alarm needs: it is the alarm's event that ends it.
        steps=[{"weight": 5, "bake_seconds": 60}],
    ),
    Scenario(
        "article",
        "v4",
        "Released",
        _article,
        steps=[{"weight": 5, "bake_seconds": 14}, {"weight": 100, "bake_seconds": 2}],
    ),
]
SCENARIOS = [
    *DEMO,
    Scenario(
        "stopped",
        "v5",
        "Reverted",
        _stopped,
        steps=[{"weight": 50, "bake_seconds": 60}],
        acts=(Act("Bake", _stop),),
    ),
    Scenario(
        "failed-promotion",
        "v6",
        "Reverted",
        _failed_promotion,
        steps=[{"weight": 50, "bake_seconds": 2}, {"weight": 100, "bake_seconds": 2}],
        acts=(Act("PromotionGate", _signal("retry")), Act("PromotionGate", _signal("revert"))),
        primary_tag="v6-crash",
    ),
    Scenario(
        "gate",
        "v7",
        "Released",
        _gated,
        steps=[{"weight": 50, "bake_seconds": 2, "approval": True}, QUICK[1]],
        acts=(Act("Gate", _take("resume")),),
    ),
    Scenario(
        "rollback",
        "v4",
        "Released",
        _released,
        begin=lambda sandbox: _start(
            sandbox, {"service": "checkout", "action": "rollback", "by": "jane"}
        ),
    ),
    Scenario(
        "supersede",
        "v9",
        "Reverted",
        _superseded,
        steps=LONG,
        acts=(Act("Bake", _release("v10", concurrency="supersede")),),
    ),
    Scenario(
        "queue",
        "v11",
        "Released",
        _queued,
        steps=[{"weight": 50, "bake_seconds": 6}, QUICK[1]],
        acts=(
            Act("Bake", _release("v12", concurrency="queue")),
            Act("Bake", _release("v13", concurrency="queue")),
        ),
    ),
    Scenario(
        "article-flow",
        "v14",
        "Released",
        _flow,
        begin=_push("v14"),
        acts=(Act("Gate", _pipeline_succeeds),),
    ),
    Scenario(
        "slack",
        "v15",
        "Released",
        _chatted,
        begin=_command(f"release checkout app={article.image('v15')}"),
        acts=(Act("Gate", _click("promote")),),
    ),
]
CHAIN = [
    Scenario("chain", "v2", "Released", _released, front=Chain),
    Scenario(
        "chain-bad",
        "v3-fail30",
        "Reverted",
        _bad,
        steps=[{"weight": 5, "bake_seconds": 60}],
        front=Chain,
    ),
]
"""A release deep in the mesh; only a mesh has a deep."""


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


class Operator:
    """Does a scenario's acts, each once, when their time has come."""

    def __init__(self, sandbox: Sandbox, acts: tuple[Act, ...]) -> None:
        self._sandbox, self._acts = sandbox, list(acts)
        self._entered = 0
        self.started: list[str] = []
        """Other executions that came of the acts."""

    def look(self, execution: str, path: list[str], client: Client) -> None:
        # One state that is entered twice is two occasions.
        if not self._acts or len(path) == self._entered or not client.total.canary:
            return
        if path[-1] == self._acts[0].state:
            self._entered = len(path)
            if started := self._acts.pop(0).do(self._sandbox, execution):
                self.started.append(started)


def run(sandbox: Sandbox, scenario: Scenario) -> Report:
    """Release the scenario's version under load and report what the users saw."""
    sfn = sandbox.client("stepfunctions")
    print(f"\n{scenario.name}: release of {scenario.tag}, which should end {scenario.outcome}")
    client, view = Client(sandbox.url, canary="example2"), View()
    operator = Operator(sandbox, scenario.acts)
    image_before, weights = sandbox.image("example1"), [0]
    began = time.monotonic()
    client.start()
    try:
        arn = (
            scenario.begin(sandbox)
            if scenario.begin
            else _start(sandbox, _request(sandbox, scenario))
        )
        while True:
            execution = sfn.describe_execution(executionArn=arn)
            path = _path(sfn, arn)
            split = sandbox.split()
            client.set_weight(split[1])
            if split[1] != weights[-1]:
                weights.append(split[1])
            stopped = execution["status"] == "ABORTED"
            view.show(began, "(stopped)" if stopped else path[-1] if path else "", split, client)
            # Where the execution cannot, help from outside ends the release.
            others = [sfn.describe_execution(executionArn=other) for other in operator.started]
            running = [each for each in (execution, *others) if each["status"] == "RUNNING"]
            if not running and sandbox.is_free():
                break
            operator.look(arn, path, client)
            if time.monotonic() - began > LONGEST_SECONDS:
                raise TimeoutError(
                    f"{scenario.name} did not end in {LONGEST_SECONDS} s: {path[-1:]},"
                    f" {execution.get('cause', '')}"
                )
            time.sleep(0.15)
    finally:
        client.close()
        view.end()
    split, record = sandbox.split(), sandbox.record(arn)
    report: Report = {
        "name": scenario.name,
        "tag": scenario.tag,
        "outcome": record["outcome"] or path[-1],
        "status": execution["status"],
        "cause": record["cause"] or execution.get("cause", ""),
        "split": {"primary": split[0], "canary": split[1]},
        "weights": weights,
        "primary_image_before": image_before,
        "primary_image": sandbox.image("example1"),
        "others": [_path(sfn, other)[-1] for other in operator.started],
        "told": sandbox.signals(arn),
        "chat": _chat(sandbox, arn),
        "canary_tasks": sandbox.service("example2")["desiredCount"],
        "promotions": path.count("PromotePrimary"),
        "requests": client.total.requests,
        "errors": client.total.errors,
        "errors_from_canary": client.total.errors_from_canary,
        "steps": [
            {"weight": weight, "requests": count.requests, "canary_requests": count.canary}
            for weight, count in sorted(client.steps.items())
        ],
        "seconds": round(time.monotonic() - began, 1),
    }
    print(f"  {report['cause']}")
    return report


def _chat(sandbox: Sandbox, arn: str) -> list[str]:
    """What Slack was told; the end is told a moment after the execution's."""
    for _ in range(30):
        told = sandbox.slack.thread(arn)
        if any(title.endswith((": Released", ": Reverted")) for title in told):
            break
        time.sleep(0.1)
    return told


def _request(sandbox: Sandbox, scenario: Scenario) -> dict[str, Any]:
    request: dict[str, Any] = {"service": "checkout"}
    if scenario.primary_tag is None:
        request["images"] = {"app": article.image(scenario.tag)}
    else:
        request["task_definitions"] = {
            "primary": sandbox.register("example1", scenario.primary_tag),
            "canary": sandbox.register("example2", scenario.tag),
        }
    if scenario.steps is not None:
        request["profile"] = {**sandbox.profile, "steps": scenario.steps}
    return request


def _path(sfn: Any, arn: str) -> list[str]:
    """Names of the states that the execution entered, in order."""
    events = sfn.get_execution_history(executionArn=arn)["events"]
    return [e["stateEnteredEventDetails"]["name"] for e in events if "Entered" in e["type"]]


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


def _judged(sandbox: Sandbox, scenario: Scenario) -> tuple[Report, list[str]]:
    """The report, and what is wrong with it."""
    wait_until_ready(sandbox)
    report = run(sandbox, scenario)
    problems = scenario.check(report)
    if report["outcome"] != scenario.outcome:
        problems.insert(0, f"it ended {report['outcome']}, not {scenario.outcome}")
    print(f"  {report['outcome']}: {report['requests']} requests, {report['errors']} errors")
    return report, problems


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--all", action="store_true", help="run every scenario")
    parser.add_argument("--router", choices=sorted(FRONTS), default="appmesh")
    given = parser.parse_args()
    folder = Path("build/scenarios" if given.all else "build/demo")
    quiet()
    folder.mkdir(parents=True, exist_ok=True)
    scenarios = SCENARIOS if given.all else DEMO
    if given.all and given.router == "appmesh":
        scenarios = [*scenarios, *CHAIN]
    reports: list[Report] = []
    wrong: list[str] = []
    for front, group in groupby(scenarios, lambda scenario: scenario.front):
        with Sandbox((front or FRONTS[given.router])()) as sandbox:
            print(f"AWS API {sandbox.endpoint}  gateway {sandbox.url}")
            for scenario in group:
                report, problems = _judged(sandbox, scenario)
                reports.append(report)
                wrong += [f"{scenario.name}: {problem}" for problem in problems]
    text = json.dumps({"router": given.router, "scenarios": reports}, indent=2) + "\n"
    path = folder / f"report-{given.router}.json"
    for each in (path, folder / "report.json"):
        each.write_text(text)
    print(f"\nreport: {path}")
    for problem in wrong:
        print(f"WRONG {problem}")
    return 1 if wrong else 0


if __name__ == "__main__":
    exit_with(main)
