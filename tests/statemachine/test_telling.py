"""Telling: what releases of every kind put into CloudWatch and into the log.

The dashboard, the saved queries and docs/metrics.md name nothing else, and leave nothing out.
"""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_args
from unittest.mock import patch

import pytest

from emulator import dashboard, template
from emulator.dashboard import Series, series_of
from emulator.embedded_metrics import data_of
from emulator.events import event_of
from stepcanary import observability
from stepcanary.aws import clients
from stepcanary.errors import SplitDrifted
from stepcanary.observability import METRICS, Decision, logger
from stepcanary.release import recovery, sweep
from tests.builders import FROM_ECR, TRIGGERS, profile, request
from tests.fakes import parameters
from tests.statemachine.runner import World, world
from tests.statemachine.test_actions import stored
from tests.statemachine.test_pushes import deliver, push
from tests.statemachine.timeline import later

JUDGED = [{"weight": 20, "bake_seconds": 600}, {"weight": 100, "bake_seconds": 600}]
QUERIES = {
    name: resource["Properties"]
    for name, resource in template.document()["Resources"].items()
    if resource["Type"] == "AWS::Logs::QueryDefinition"
}
BESIDE = {"attempt", "behind", "correlation_id", "deployment", "ends_on", "holds"}
BESIDE |= {"restored", "steps", "wait", "was"}
"""What some decisions say that is not needed to know what a release did."""
OF_LAMBDA = {"@timestamp"}
"""What Logs Insights knows of every line."""


@dataclass
class Told(logging.Handler):
    """What was written down: lines as CloudWatch Logs get them, data as its metrics."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    data: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.setFormatter(logger.registered_formatter)

    def __hash__(self) -> int:
        return id(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))

    def count(self, line: Mapping[str, Any]) -> None:
        self.data += [{"Namespace": namespace, **datum} for namespace, datum in data_of(line)]

    @property
    def series(self) -> set[Series]:
        return series_of(self.data)

    def values(self, name: str, **dimensions: str) -> list[float]:
        wanted = Series("StepCanary", name, frozenset(dimensions.items()))
        return [
            value
            for datum in self.data
            if series_of([datum]) == {wanted}
            for value in datum["Values"]
        ]

    def decisions(self, release: str) -> list[str]:
        """Of one release, in order."""
        return [
            line["decision"]
            for line in self.lines
            if "decision" in line and line["release"] == release
        ]


def live(here: World) -> None:
    """Releases of every kind and end, one after another."""
    here.release(request(profile=profile(steps=JUDGED, judge={})), "good")
    here.cloud.bad = lambda side, _at: 0.3 if side == "canary" else 0.001
    images = {"app": "shop:v3"}
    here.clock.after(500, lambda: here.invoke("WatchReleasesFunction", {}))
    here.release(request(images=images, profile=profile(steps=JUDGED, judge={})), "doubted")
    here.cloud.bad = lambda _side, _at: 0.001

    gate = profile(promotion={"approval": True, "gate_seconds": 7_200}, concurrency="queue")
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(gate)
    later(here, 400, partial(here.start, request(images={"app": "shop:v5"}), "queued"))
    here.clock.after(150, lambda: here.signal("pause", by="jane"))
    here.clock.after(200, lambda: here.signal("resume", by="jane"))
    here.clock.after(5_000, lambda: here.signal("revert", by="jane"))
    here.clock.after(9_000, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    here.release(request(images=images), "gated")
    here.wait(here.arn("queued"))
    here.cloud.set_alarm("example2-5xx", "INSUFFICIENT_DATA")
    here.release(request(images=images), "held")
    here.cloud.set_alarm("example2-5xx", "OK")
    # Whatever it is that starts it again.
    here.cloud.services["example2"]["desiredCount"] = 1
    here.pass_minutes(3)

    here.release(request(service="nobody-knows"), "rejected")
    here.cloud.parameters["/stepcanary/profiles/payments"] = json.dumps(profile())
    here.cloud.services["example2"]["desiredCount"] = 1
    here.clock.sleep(60)
    shift = {"service": "payments", "action": "shift", "by": "jane"}
    here.release({**shift, "weight": 30}, "by-hand")
    here.release({**shift, "weight": 0}, "by-hand-again")
    retire = here.handlers["RetireCanaryFunction"]

    def drifted(_event: Any, _context: Any) -> Any:
        raise SplitDrifted("moved, not at rest, so nothing is scaled in")

    here.handlers["RetireCanaryFunction"] = drifted
    here.release(request(images=images, profile=profile()), "stranded")
    here.handlers["RetireCanaryFunction"] = retire
    here.pass_minutes(3)
    here.cloud.broken_images = {("example1", "shop:v7")}
    staying = profile(promotion={"gate_seconds": 600, "on_failure_timeout": "stay"})
    here.release(request(images={"app": "shop:v7"}, profile=staying), "failed")
    with patch.object(recovery, "recover", side_effect=RuntimeError("no help")):
        here.invoke("ReconcileFunction", {})
    here.signal("revert")
    here.pass_minutes(3)

    stored(here, repositories=FROM_ECR, triggers=TRIGGERS)
    older = push(here, 9, ago=20)
    for execution in deliver(here, push(here, 8, ago=10)):
        here.wait(execution)
    assert deliver(here, older) == []
    assert here.signal("promote")["refused"]
    with patch.object(sweep, "look_at_rest", side_effect=RuntimeError("no look")):
        here.invoke("ReconcileFunction", {})
    clients.s3().create_bucket(Bucket=parameters.PARAMETERS["ReportBucket"])
    over = {"service": "checkout", "execution": here.arn("good"), "outcome": "Released"}
    here.invoke("WriteReportFunction", event_of("stepcanary", "Release Ended", over))


@pytest.fixture(scope="module")
def told() -> Told:
    found = Told()
    level = logger.log_level
    with world() as here, patch.object(observability, "write", found.count):
        written = logging.getLogger(logger.name)
        written.addHandler(found)
        logger.setLevel("INFO")
        try:
            live(here)
        finally:
            written.removeHandler(found)
            logger.setLevel(level)
    return found


def matching(query: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines that pass its filters, of the few forms that the template's have."""
    for field_, wanted in re.findall(r'(\w+) (?:=|in) (\[[^]]*\]|"[^"]*")', query):
        values = json.loads(wanted) if wanted.startswith("[") else [json.loads(wanted)]
        if values != ["RELEASE"]:
            lines = [line for line in lines if line.get(field_) in values]
    for field_ in re.findall(r"and ispresent\((\w+)\)", query):
        lines = [line for line in lines if field_ in line]
    return lines


def fields_of(query: str) -> set[str]:
    """What a query asks of a line; of a list, its place in the line."""
    named = re.findall(r"^fields (.*)$", query, re.M) + re.findall(r" by (\w+)$", query, re.M)
    asked = {each.strip() for some in named for each in some.split(",")}
    asked |= set(re.findall(r"(?:ispresent|avg|max)\(([\w.]+)\)", query))
    return {each.partition(".")[0] for each in asked} - OF_LAMBDA


def test_every_metric_is_put_under_its_dimensions_and_no_other(told: Told) -> None:
    def dimensions(name: str) -> set[frozenset[str]]:
        kind = METRICS[name]
        of_service = {"stack", "service", "side"} if kind.by_side else {"stack", "service"}
        sets = {"service": [of_service], "stack": [{"stack"}], "both": [{"stack"}, of_service]}
        return {frozenset(each) for each in sets[kind.scope]}

    put: dict[str, set[frozenset[str]]] = {}
    for series in told.series:
        put.setdefault(series.name, set()).add(frozenset(name for name, _ in series.dimensions))
    assert put == {name: dimensions(name) for name in METRICS}


def test_each_service_has_series_of_its_own_and_a_stranger_has_none(told: Told) -> None:
    services = {dict(series.dimensions).get("service") for series in told.series}
    assert services == {None, "checkout", "payments"}
    of_other = told.values("CanaryWeight", stack="stepcanary", service="payments")
    assert set(of_other) == {0.0, 30.0}
    assert 30.0 not in told.values("CanaryWeight", stack="stepcanary", service="checkout")
    assert sum(told.values("Rejected", stack="stepcanary")) == 1


def test_the_canarys_failures_are_counted_once(told: Told) -> None:
    """Of 20 requests a second for the canary at 20 %, three in ten were bad."""
    of_service = {"stack": "stepcanary", "service": "checkout"}
    requests = told.values("CanaryRequests", **of_service)
    failures = told.values("CanaryFailures", **of_service)
    assert len(requests) == len(failures)
    assert 0.25 < max(x / n for x, n in zip(failures, requests, strict=True)) < 0.35
    shares = told.values("ErrorShare", **of_service, side="canary")
    assert 25 < max(shares) < 35
    assert max(told.values("ErrorShare", **of_service, side="primary")) < 1


def test_the_dashboard_names_what_there_is_and_all_of_it(told: Told) -> None:
    graphs = list(dashboard.named(dashboard.body()["widgets"]))
    missing = [graph for graph in graphs if not any(map(graph.is_met_by, told.series))]
    assert missing == []
    assert {graph.name for graph in graphs} == METRICS.keys()
    assert not any(map(graphs[0].is_met_by, series_of([{**told.data[0], "Namespace": "Other"}])))


def test_another_stack_is_not_on_it(told: Told) -> None:
    graphs = list(dashboard.named(dashboard.body("other")["widgets"]))
    assert not any(graph.is_met_by(series) for graph in graphs for series in told.series)


def test_the_dashboard_has_every_alarm_of_the_stack() -> None:
    alarms = {
        resource["Properties"]["AlarmName"].replace("${AWS::StackName}", "stepcanary")
        for resource in template.document()["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }
    (widget,) = [each for each in dashboard.body()["widgets"] if each["type"] == "alarm"]
    assert {arn.rpartition(":")[2] for arn in widget["properties"]["alarms"]} == alarms


def test_each_decision_is_one_line_that_names_its_release(told: Told) -> None:
    assert told.decisions("good")[:10] == [
        "started",
        "deployed",
        "shifted",
        "judged",
        "shifted",
        "judged",
        "promoting",
        "returned",
        "shifted",
        "ended",
    ]
    assert "doubted" in told.decisions("doubted")
    assert told.decisions("queued")[:2] == ["queued", "started"]
    lines = [line for line in told.lines if "decision" in line]
    assert {line["decision"] for line in lines} == set(get_args(Decision))
    assert all(line["message"] == line["decision"] for line in lines)


def test_every_line_of_a_state_names_its_release(told: Told) -> None:
    of_executions = [
        each for each in told.lines if ":execution:" in str(each.get("correlation_id"))
    ]
    assert of_executions
    assert [line for line in of_executions if "release" not in line] == []


@pytest.mark.parametrize("name", QUERIES)
def test_a_saved_query_asks_for_what_is_logged(told: Told, name: str) -> None:
    query = QUERIES[name]["QueryString"]
    found = matching(query, told.lines)
    assert found, query
    logged = {key for line in found for key in line}
    assert fields_of(query) <= logged, fields_of(query) - logged


def test_what_a_release_did_is_asked_with_all_that_its_decisions_say(told: Told) -> None:
    (query,) = [each for name, each in QUERIES.items() if name == "WhatReleaseDidQuery"]
    lines = [line for line in told.lines if "decision" in line]
    said = set().union(*lines) - set(lines[0]).intersection(*lines)
    assert said - fields_of(query["QueryString"]) == BESIDE


def test_the_runbook_names_every_saved_query_and_no_other() -> None:
    named = re.findall(r"`STACK/([\w-]+)`", (template.ROOT / "docs/runbook.md").read_text())
    names = {query["Name"].rpartition("/")[2] for query in QUERIES.values()}
    assert set(named) == names


def test_the_page_of_metrics_has_a_row_for_each(told: Told) -> None:
    page = (template.ROOT / "docs/metrics.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]+) \|", page, re.M)
    scopes = {"service": "service", "stack": "stack", "both": "stack; service"}
    wanted = {
        name: (kind.unit.value, "service, side" if kind.by_side else scopes[kind.scope])
        for name, kind in METRICS.items()
    }
    assert {name: (unit, scope.strip()) for name, unit, scope in rows} == wanted
