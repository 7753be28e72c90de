"""Releases of the demo, with real requests: the figures of their reports are those that their
client has counted, and all that the dashboard names is there."""

import pytest

from sandbox.cloud import Sandbox
from sandbox.demo import dashboard
from sandbox.demo.judge import judged
from sandbox.demo.scenarios import JUDGED, SCENARIOS

CHOSEN = ("low-traffic", "no-data", "budget", "slow", "gate", "queue")
"""A release that is held and then released; one without data; one that fails requests; one that is
slow; one that waits for a person; and ones that wait for their turn."""


@pytest.mark.timeout(400)
def test_the_figures_are_those_of_the_client_and_the_dashboard_has_its_metrics() -> None:
    scenarios = {scenario.name: scenario for scenario in (*SCENARIOS, *JUDGED)}
    exposures = {}
    with Sandbox() as sandbox:
        for name in CHOSEN:
            scenario = scenarios[name]
            with scenario.around():
                report, problems = judged(sandbox, scenario)
            assert problems == [], name
            if scenario.measured:
                exposures[name] = report["figures"]["counts"].get("the exposure")
        missing = dashboard.missing(sandbox, dashboard.published(sandbox))
    failed = exposures["budget"]
    assert failed is not None
    assert failed["report"][1] > 20
    assert exposures["low-traffic"] is not None
    assert exposures["gate"] is None
    # No more is left out than is said, and no less.
    assert {name.partition(" ")[0] for name in missing} == dashboard.RARE.keys()
