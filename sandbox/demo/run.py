"""Run: one scenario's release under load, and the report of what its users saw."""

import time
import urllib.request
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sandbox import article
from sandbox.app import tag_of
from sandbox.client import Client
from sandbox.cloud import (
    LOG_DELAY,
    PUBLICATION,
    SECONDS_PER_PERIOD,
    SECONDS_PER_SCHEDULE,
    Sandbox,
)
from sandbox.console import LOG
from sandbox.demo import exposure
from sandbox.demo.acts import Act, start_execution
from sandbox.demo.asking import ask
from sandbox.demo.checks import Report
from sandbox.demo.figures import Seen, Shift, Source, compared
from sandbox.demo.ramp import loads_of
from sandbox.demo.scenarios import Scenario
from sandbox.demo.view import View
from sandbox.log_driver import FLUSH_SECONDS
from stepcanary.report.facts import Facts
from stepcanary_cli.failures import Refused

LONGEST_SECONDS = 300
TOLL_SECONDS = 20
"""How long the toll of a release that is over may take; the watch counts it each second."""
SIDES = (article.CANARY, article.PRIMARY)


class Operator:
    """Does a scenario's acts, each once, when their time has come."""

    def __init__(self, sandbox: Sandbox, acts: tuple[Act, ...]) -> None:
        self._sandbox, self._acts = sandbox, list(acts)
        self._entered = self._depth = 0
        self._since = 0.0
        self.acted_at: list[float] = []
        """When each act was begun, on the monotonic clock."""
        self.started: list[str] = []
        """Other executions that came of the acts."""

    def look(self, execution: str, path: list[str], client: Client) -> None:
        if len(path) != self._depth:
            self._depth, self._since = len(path), time.monotonic()
        # One state that is entered twice is two occasions.
        if not self._acts or len(path) == self._entered or not client.total.canary:
            return
        elapsed = time.monotonic() - self._since
        if path[-1] == self._acts[0].state and self._acts[0].when(self._sandbox, elapsed):
            self._entered = len(path)
            self.acted_at.append(time.monotonic())
            if started := self._acts.pop(0).do(self._sandbox, execution):
                self.started.append(started)


def run(sandbox: Sandbox, scenario: Scenario) -> Report:
    """Release the scenario's version under load and report what the users saw."""
    sfn = sandbox.client("stepfunctions")
    print(f"\n{scenario.name}: release of {scenario.tag}, which should end {scenario.outcome}")
    if scenario.expected:
        print(f"  expected: {scenario.expected}", flush=True)
    client = Client(sandbox.url, canary=article.CANARY, rate=scenario.rate)
    operator = Operator(sandbox, scenario.acts)
    if scenario.before:
        scenario.before(sandbox)
    before, shifts = sandbox.runs("example1"), list[Shift]()
    read_at = time.time()
    scaling = sandbox.scaling()
    began, began_at = time.monotonic(), time.time()
    view = View(sandbox, client, began)
    client.start()
    try:
        while time.monotonic() - began < scenario.seconds_before:
            client.set_weight(sandbox.split()[1])
            time.sleep(0.15)
        arn = (
            scenario.begin(sandbox)
            if scenario.begin
            else start_execution(sandbox, _request(sandbox, scenario))
        )
        while True:
            execution = sfn.describe_execution(executionArn=arn)
            path = _path(sfn, arn)
            asked_at = time.time()
            split = sandbox.split()
            client.set_weight(split[1])
            if split[1] != (shifts[-1].weight if shifts else 0):
                shifts.append(Shift(read_at, time.time(), split[1]))
            read_at = asked_at
            view.show(arn)
            # Where the execution cannot, help from outside ends the release.
            others = [sfn.describe_execution(executionArn=other) for other in operator.started]
            running = [each for each in (execution, *others) if each["status"] == "RUNNING"]
            if not running and sandbox.is_free():
                view.show(arn, last=True)
                break
            operator.look(arn, path, client)
            if time.monotonic() - began > LONGEST_SECONDS:
                raise TimeoutError(
                    f"{scenario.name} did not end in {LONGEST_SECONDS} s: {path[-1:]},"
                    f" {execution.get('cause', '')}"
                )
            time.sleep(0.15)
        time.sleep(scenario.seconds_after)
    finally:
        client.close()
        view.end()
    split, record = sandbox.split(), sandbox.record(arn)
    after, fired = sandbox.runs("example1"), _fired(sandbox, began_at)
    of_client = [(began + shift.after - began_at, shift.weight) for shift in shifts]
    exposed = exposure.as_seen(began, client, tag_of(before.image), of_client)
    report: Report = {
        "name": scenario.name,
        "tag": scenario.tag,
        "execution": arn,
        "outcome": record["outcome"] or path[-1],
        "status": execution["status"],
        "cause": record["cause"] or execution.get("cause", ""),
        "split": {"primary": split[0], "canary": split[1]},
        "weights": [0, *(shift.weight for shift in shifts)],
        "exposed_seconds": round(shifts[-1].after - shifts[0].after, 1) if shifts else 0.0,
        "exposure": exposed | {"sources": _sources(sandbox, arn, fired, exposed)},
        "figures": _figures(sandbox, arn, Seen(client.answered, shifts, *SIDES))
        if scenario.measured
        else None,
        "bakes": path.count("Bake"),
        "alarms": scenario.profile.get("alarms", sandbox.profile["alarms"]),
        "fired": sorted(fired),
        "primary_image_before": before.image,
        "primary_image": after.image,
        "primary_before": asdict(before),
        "primary": asdict(after),
        "standing": sandbox.standing(arn),
        "others": [_path(sfn, other)[-1] for other in operator.started],
        "signals": sandbox.signals(arn),
        "chat": sandbox.thread(arn),
        "canary_tasks": sandbox.service("example2")["desiredCount"],
        "promotions": path.count("PromotePrimary"),
        "gates": sum(path.count(gate) for gate in ("Gate", "PromotionGate")),
        "requests": client.total.requests,
        "errors": client.total.errors,
        "errors_from_canary": client.total.errors_from_canary,
        "refused": client.total.refused,
        "refused_by_canary": client.total.refused_by_canary,
        "scaled": _scaled(sandbox, began_at),
        "scaling_before": scaling,
        "scaling": sandbox.scaling(),
        "versions": dict(sorted(client.total.by_version.items())),
        "failing_versions": sorted(+client.total.errors_by_version),
        "canary_answers": dict(sorted(client.total.by_canary_version.items())),
        "errors_began": _since(began, client.first_error_at),
        "errors_ended": _since(began, client.last_error_at),
        "acts": [_since(began, at) for at in operator.acted_at],
        "look_seconds": SECONDS_PER_SCHEDULE,
        "rest": loads_of(client.rest),
        "steps": [
            {
                "weight": weight,
                "requests": count.requests,
                "canary_requests": count.canary,
                "per_task": loads_of(count),
            }
            for weight, count in sorted(client.steps.items())
        ],
        "seconds": round(time.monotonic() - began, 1),
    }
    print(f"  {report['cause']}", *exposure.told(report["exposure"]), sep="\n  ")
    for scaled in report["scaled"]:
        print(f"{scaled['at']:6.1f} s  autoscaling: {scaled['service']} to {scaled['tasks']} tasks")
    return report


def _figures(sandbox: Sandbox, execution: str, seen: Seen) -> Report | None:
    """What its report says beside what its client saw, and what of it is wrong; None of a release
    that never began."""
    over = time.monotonic() + TOLL_SECONDS
    while not sandbox.has_counted() and time.monotonic() < over:
        time.sleep(0.1)
    try:
        facts = Facts.gathered(partial(ask, sandbox), execution)
    except Refused:
        return None
    source = Source(
        readings=list(sandbox.meter.readings),
        period=round(SECONDS_PER_PERIOD),
        late=SECONDS_PER_PERIOD - PUBLICATION.revised,
        missing=PUBLICATION.late_one_in,
        delivered=FLUSH_SECONDS + LOG_DELAY[1],
    )
    found, wrong = compared(facts, seen, source)
    return found | {"wrong": wrong}


def _scaled(sandbox: Sandbox, began: float) -> list[dict[str, Any]]:
    """What autoscaling has done since, oldest first."""
    answer = sandbox.client("application-autoscaling").describe_scaling_activities(
        ServiceNamespace="ecs"
    )
    activities = reversed(answer["ScalingActivities"])
    return [
        {
            "at": round(activity["StartTime"].timestamp() - began, 1),
            "service": activity["ResourceId"].rpartition("/")[2],
            "tasks": int(activity["Description"].rstrip(".").rpartition(" ")[2]),
        }
        for activity in activities
        if activity["StartTime"].timestamp() >= began
    ]


def _fired(sandbox: Sandbox, began: float) -> dict[str, float]:
    """The alarms that have fired since, and after how many seconds each did first."""
    items = sandbox.client("cloudwatch").describe_alarm_history(
        HistoryItemType="StateUpdate", StartDate=datetime.fromtimestamp(began, UTC)
    )["AlarmHistoryItems"]
    # The newest comes first.
    return {
        item["AlarmName"]: item["Timestamp"].timestamp() - began
        for item in items
        if item["HistorySummary"].endswith("to ALARM")
    }


def _sources(
    sandbox: Sandbox, execution: str, fired: dict[str, float], exposed: Report
) -> list[Report]:
    """What tells that a version is bad, and what each had seen of it in the end."""
    if exposed["first_bad"] is None:
        return []
    alarms = [
        {"source": name, "seconds": round(at - exposed["first_bad"], 2)}
        for name, at in sorted(fired.items())
    ]
    counted = sandbox.counted(execution).items()
    metrics = [
        {"source": metric, "requests": requests, "bad": bad} for metric, (requests, bad) in counted
    ]
    return alarms + metrics


def _since(began: float, at: float | None) -> float | None:
    """Seconds; None for what never happened."""
    return None if at is None else round(at - began, 2)


def _request(sandbox: Sandbox, scenario: Scenario) -> dict[str, Any]:
    request: dict[str, Any] = {"service": "checkout"}
    if not scenario.crashes:
        request["images"] = {"app": article.image(scenario.tag)}
    else:
        request["task_definitions"] = {
            "primary": sandbox.register("example1", scenario.tag, CRASH="1"),
            "canary": sandbox.register("example2", scenario.tag),
        }
    if scenario.steps is not None:
        request["profile"] = {**sandbox.profile, "steps": scenario.steps, **scenario.profile}
    if scenario.drain_seconds:
        traffic = [
            {**t, "drain_seconds": scenario.drain_seconds} for t in sandbox.profile["traffic"]
        ]
        request["profile"]["traffic"] = traffic
    return request


def _path(sfn: Any, arn: str) -> list[str]:
    """Names of the states that the execution entered, in order."""
    events = sfn.get_execution_history(executionArn=arn)["events"]
    return [e["stateEnteredEventDetails"]["name"] for e in events if "Entered" in e["type"]]


def wait_until_ready(sandbox: Sandbox) -> None:
    """The primary's tasks take a moment to start, and a fired alarm one to clear."""
    profile = sandbox.profile
    for _ in range(300):
        primary = sandbox.service(profile["primary"])
        complete = primary["runningCount"] >= primary["desiredCount"]
        if complete and _is_clear(sandbox, profile["alarms"][0]) and _answers(sandbox.url):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing answers at {sandbox.url}, or its alarm fires; see {LOG}")


def _is_clear(sandbox: Sandbox, name: str) -> bool:
    [alarm] = sandbox.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    # One for which silence says nothing has no state before the first request.
    silent = alarm["StateValue"] != "ALARM" and alarm.get("TreatMissingData") == "missing"
    return bool(alarm["StateValue"] == "OK" or silent)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
