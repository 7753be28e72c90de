"""Dashboard: whether the sandbox's CloudWatch has every metric that the stack's dashboard names."""

import json
from collections.abc import Iterable

from emulator import dashboard
from emulator.dashboard import Series
from sandbox.cloud import Sandbox
from sandbox.stack import NAME

RARE = {
    "PromotionFailed": "nobody answers a failed promotion for a minute or more",
    "RevertFailed": "AWS refuses a revert for a minute or more, or somebody else moves the split"
    " again and again",
}
"""What is made by no release that goes as it should, and why. tests/statemachine/test_telling.py
makes both, in time that is pretended."""


def published(sandbox: Sandbox) -> set[Series]:
    """What the stack's functions have put so far."""
    pages = sandbox.client("cloudwatch").get_paginator("list_metrics")
    return {
        series
        for page in pages.paginate(Namespace="StepCanary")
        for series in dashboard.series_of(page["Metrics"])
    }


def missing(sandbox: Sandbox, found: Iterable[Series]) -> list[str]:
    """The metrics that a graph names, with these dimensions, and that there are none of."""
    there = set(found)
    body = sandbox.client("cloudwatch").get_dashboard(DashboardName=f"{NAME}-releases")
    graphs = dashboard.named(json.loads(body["DashboardBody"])["widgets"])
    return sorted(
        f"{graph.name} by {', '.join(sorted(graph.dimensions))}"
        for graph in graphs
        if not any(map(graph.is_met_by, there))
    )


def unexplained(names: Iterable[str]) -> list[str]:
    """Those of them that are not rare."""
    return [name for name in names if name.partition(" ")[0] not in RARE]


def told(names: Iterable[str]) -> list[str]:
    """Each with why there is none, or that nobody knows, in lines for people."""
    lines = [
        f"  {name}: {RARE.get(name.partition(' ')[0], 'WRONG: these releases should make it')}"
        for name in names
    ]
    return ["On the dashboard, and in no metric of these releases:", *lines] if lines else []
