"""Scenarios: the releases that the deployed stack makes, and how each has to end."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from deploycheck import pipeline
from deploycheck.deployed import Deployed
from sandbox import article
from sandbox.cloud import Sandbox
from sandbox.demo import acts, checks, evidence_checks
from sandbox.demo.acts import QUICK, Act, Steps
from sandbox.demo.checks import Report
from sandbox.demo.examples import example
from sandbox.demo.scenarios import DEMO, LOGGED, SCENARIOS, Scenario

GATE: Steps = [{"weight": 50, "bake_seconds": 2, "approval": True}, QUICK[1]]
"""It waits for as long as a deployment of the stack takes."""
SWEEP = "ReconcileFunctionEveryMinute"
"""The rule of it."""
BY_LOG: dict[str, object] = {"metrics": [{"kind": "errors"}, LOGGED]}
"""The judge by the canary's log, which is sooner than CloudWatch's minutes."""


def scenarios(package: Path, newer: Path) -> list[Scenario]:
    """One after the other, on the stack that was made of `package`."""
    good, bad, _ = DEMO
    stopped = next(scenario for scenario in SCENARIOS if scenario.name == "stopped")
    return [
        # The first ones, because their tolls are counted minutes after their ends, when others run.
        _judged("judged", "v10-fail20", "errors", {}),
        _judged("judged-by-log", "v11-fail20", "logs", BY_LOG),
        good,
        replace(bad, before=_with_event_alone),
        replace(stopped, before=_with_sweep_again),
        Scenario(
            "promoted-by-signal",
            "v6",
            "Released",
            _signalled("promote by demo (claimed)"),
            begin=_release_by_pipeline("v6"),
            acts=(Act("Gate", acts.send_signal("promote")),),
        ),
        Scenario(
            "promoted-by-pipeline",
            "v7",
            "Released",
            _signalled("promote by pipeline checkout-main"),
            begin=_release_with_triggers("v7"),
            acts=(Act("Gate", _succeed_pipeline),),
        ),
        Scenario(
            "redeployed-forwards",
            "v8",
            "Released",
            _signalled("promote by demo (claimed)"),
            steps=GATE,
            acts=(Act("Gate", _redeploy(newer, 1, acts.send_signal("promote"))),),
        ),
        # What the newer package has written is brought home by the older one.
        Scenario(
            "redeployed-back",
            "v9",
            "Reverted",
            checks.recovered,
            steps=GATE,
            acts=(Act("Gate", _redeploy(package, 2, acts.stop_execution)),),
        ),
    ]


def _signalled(signal: str) -> Callable[[Report], list[str]]:
    def check(report: Report) -> list[str]:
        wrong = checks.released(report)
        if report["signals"] != [signal]:
            wrong.append(f"the ledger says {report['signals']}")
        return wrong

    return check


def _judged(name: str, tag: str, metric: str, judge: dict[str, object]) -> Scenario:
    """A bad version, which the judge alone finds, by what this metric has counted."""

    def check(report: Report) -> list[str]:
        wrong = evidence_checks.reverted_by_judge(report)
        if report["signals"] != ["revert by the judge"]:
            wrong.append(f"the ledger says {report['signals']}")
        return wrong + evidence_checks.says(report, f"{metric}: the canary gave", "evidence")

    return Scenario(
        name,
        tag,
        "Reverted",
        check,
        # Far longer than a minute of CloudWatch needs until it is read.
        steps=[{"weight": 20, "bake_seconds": 600}],
        profile={"alarms": [article.SLOW], "judge": judge},
        rate=60,
        # Its toll is, when it is counted.
        measured=False,
    )


def _with_event_alone(sandbox: Sandbox) -> None:
    """Stop the sweep, which may find the alarm before its event has arrived, and warm the relay by
    an alarm that no release has."""
    _deployed(sandbox).switch_rule(SWEEP, on=False)
    event = example("relay_alarm")
    event["detail"]["alarmName"] = "of-nobody"
    _deployed(sandbox).invoke("RelayAlarmFunction", event)


def _with_sweep_again(sandbox: Sandbox) -> None:
    _deployed(sandbox).switch_rule(SWEEP, on=True)


def _release_by_pipeline(tag: str) -> Callable[[Sandbox], str]:
    """What the pipeline of `examples/pipeline` releases when a push to `canary` was built."""

    def begin(sandbox: Sandbox) -> str:
        pipeline.deploy(sandbox.client, sandbox.machine)
        acts.store_profile(sandbox, steps=GATE)
        given = pipeline.request("checkout", "app", article.image(tag))
        return acts.start_execution(sandbox, given)

    return begin


def _release_with_triggers(tag: str) -> Callable[[Sandbox], str]:
    """A release of a profile that was indexed, since the schedule does that every five minutes."""

    def begin(sandbox: Sandbox) -> str:
        triggers = {
            "repository": "shop",
            "container": "app",
            "promote_pipelines": ["checkout-main"],
        }
        acts.store_profile(sandbox, steps=QUICK, promotion={"approval": True}, triggers=triggers)
        _deployed(sandbox).invoke("IndexProfilesFunction", {})
        images = {"app": article.image(tag)}
        return acts.start_execution(sandbox, {"service": "checkout", "images": images})

    return begin


def _succeed_pipeline(sandbox: Sandbox, _execution: str) -> None:
    event = example("promote_on_pipeline")
    _deployed(sandbox).put_event(event["source"], event["detail-type"], event["detail"])


def _redeploy(
    package: Path, schema: int, then: Callable[[Sandbox, str], object]
) -> Callable[[Sandbox, str], None]:
    """Deploy another package under a release whose document has this schema number."""

    def act(sandbox: Sandbox, execution: str) -> None:
        deployed = _deployed(sandbox)
        if deployed.schema(execution) != schema:
            raise RuntimeError(f"the release was not begun by a package with schema {schema}")
        deployed.deploy(package)
        then(sandbox, execution)

    return act


def _deployed(sandbox: Sandbox) -> Deployed:
    assert isinstance(sandbox, Deployed)
    return sandbox
