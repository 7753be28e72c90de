"""Judge: one scenario's release, and what is wrong with how it went."""

from sandbox.cloud import Sandbox
from sandbox.demo.checks import Report
from sandbox.demo.run import run, wait_until_ready
from sandbox.demo.scenarios import Scenario


def judged(sandbox: Sandbox, scenario: Scenario) -> tuple[Report, list[str]]:
    """The report, and what is wrong with it."""
    wait_until_ready(sandbox)
    report = run(sandbox, scenario)
    problems = scenario.check(report)
    if report["figures"]:
        problems += report["figures"]["wrong"]
    if report["outcome"] != scenario.outcome:
        problems.insert(0, f"it ended {report['outcome']}, not {scenario.outcome}")
    refused = f", {report['refused']} of them refused" if report["refused"] else ""
    errors = f"{report['errors']} errors{refused}"
    print(f"  {report['outcome']}: {report['requests']} requests, {errors}")
    return report, problems
