"""Measure: the same bad release again and again, and what each time reached users, as JSON.

python -m sandbox.demo.measure --source alarm --weight 5 --rate 240 --share 100 --runs 10
"""

import argparse
import json
from pathlib import Path
from typing import Any

from sandbox import article
from sandbox.cloud import LOG_DELAY, PUBLICATION, SECONDS_PER_PERIOD, Sandbox
from sandbox.console import exit_with, quiet
from sandbox.demo import acts, checks
from sandbox.demo.acts import Act
from sandbox.demo.judge import judged
from sandbox.demo.scenarios import Scenario, by_judge, by_logs
from sandbox.fronts.names import FRONTS
from sandbox.log_driver import FLUSH_SECONDS

SOURCES: dict[str, dict[str, Any]] = {
    "alarm": {},
    "judge": {"alarms": [article.SLOW], "judge": by_judge(kind="errors")},
    "logs": {"alarms": [article.SLOW], "judge": by_logs()},
}
"""What tells that the version is bad, as changes of the profile: the article's alarm, the judge by
the router's metrics, or the judge by the canary's log."""


def scenario(given: argparse.Namespace, number: int) -> Scenario:
    """One release, of a version of its own; it is bad at first, or turns bad in its bake."""
    fault = "bad" if given.turns else "fail"
    return Scenario(
        f"{given.source} {number}",
        f"v{100 + number}-{fault}{given.share}",
        "Reverted",
        checks.at_rest,
        steps=[{"weight": given.weight, "bake_seconds": 120}],
        acts=(Act("Bake", acts.turn_canary_bad),) if given.turns else (),
        profile=SOURCES[given.source],
        rate=given.rate,
    )


def trial(report: checks.Report) -> dict[str, Any]:
    exposure = report["exposure"]
    return {
        "bad_requests": exposure["failed_requests"],
        "seconds_to_weight_0": exposure.get("seconds_to_weight_0"),
        "seconds_to_last_bad": exposure.get("seconds_to_last_bad"),
        "canary_requests": sum(step["canary_requests"] for step in report["steps"]),
        "sources": exposure["sources"],
    }


def whole(least: int, most: int) -> Any:
    """A type of argument: a whole number between the two."""

    def read(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"{number} is not within {least}..{most}")
        return number

    return read


def main() -> int:
    parser = argparse.ArgumentParser(prog="measure", description=__doc__.splitlines()[0])
    parser.add_argument("--source", choices=sorted(SOURCES), default="alarm")
    parser.add_argument("--router", choices=sorted(FRONTS), default="appmesh")
    parser.add_argument("--weight", type=whole(1, 100), default=5, help="of the first step")
    parser.add_argument("--rate", type=whole(1, 400), default=240, help="requests a second")
    parser.add_argument("--share", type=whole(1, 100), default=100, help="of bad answers, in %%")
    parser.add_argument("--turns", action="store_true", help="bad in the bake, not from the start")
    parser.add_argument("--runs", type=whole(1, 1000), default=10)
    parser.add_argument("--json", type=Path, default=Path("build/measured/report.json"))
    given = parser.parse_args()
    quiet()
    trials, wrong = [], []
    with Sandbox(FRONTS[given.router]()) as sandbox:
        for number in range(given.runs):
            report, problems = judged(sandbox, scenario(given, number))
            trials.append(trial(report))
            wrong += [f"run {number}: {problem}" for problem in problems]
    measured = {
        **{name: getattr(given, name) for name in ("source", "router", "weight", "rate", "share")},
        "turns": given.turns,
        "seconds_per_period": SECONDS_PER_PERIOD,
        "published_after_seconds": PUBLICATION.after,
        "log_flush_seconds": FLUSH_SECONDS,
        "log_delay_seconds": LOG_DELAY,
        "runs": trials,
    }
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(measured, indent=2) + "\n")
    print(*(f"WRONG: {problem}" for problem in wrong), f"report: {given.json}", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    exit_with(main)
