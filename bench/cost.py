"""Cost: states, milliseconds of functions, and dollars of one release, beside the sample of AWS.

A good release with the default steps, on the virtual clock of `bench.load`: the definition, the
handlers and their calls are the real ones, and what a call takes is taken for granted. The sample
is [AWS's own](https://github.com/aws/aws-app-mesh-examples/tree/main/blogs/ecs-canary-deployments-pipeline):
its states are counted along its definition, with the steps of its README and the same deployment.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench import fleet
from bench.load import run
from bench.report import Figures, write
from emulator import template

TRANSITION_DOLLARS = 0.025 / 1_000
INVOCATION_DOLLARS = 0.20 / 1_000_000
ARM_DOLLARS, X86_DOLLARS = 0.0000133334, 0.0000166667
"""Of a GB and a second. All are list prices of us-east-1, from memory."""
SAMPLE_GB = 128 / 1_024
SAMPLE_PERCENT, SAMPLE_POLL_SECONDS, SAMPLE_DEPLOY_SECONDS = 10, 30, 120
SAMPLE_CALL_SECONDS = 0.04


@dataclass(frozen=True)
class Default(fleet.Pair):
    """A service whose profile leaves out what it can."""

    @property
    def profile(self) -> dict[str, Any]:
        whole = super().profile
        return {key: whole[key] for key in whole.keys() - {"steps", "promotion"}}


def of_stepcanary() -> Figures:
    load = run([Default(0, fleet.GOOD)])
    by_clock = {*template.schedules(), *template.schedules(template.EVERY_FIVE_MINUTES)}
    durations = {name: took for name, took in load.seen.durations.items() if name not in by_clock}
    memory = template.document()["Globals"]["Function"]["MemorySize"] / 1_024
    states = sum(load.tally.by_function["transition"].values())
    calls = sum(
        count
        for call, by_function in load.tally.by_function.items()
        for function, count in by_function.items()
        if call != "transition" and function not in by_clock
    )
    invocations = sum(len(took) for took in durations.values())
    seconds = sum(sum(took) for took in durations.values())
    return {
        "release_seconds": round(load.ends["shop-0000"].seconds),
        "states": states,
        "invocations": invocations,
        "calls": calls,
        "function_ms": round(1_000 * seconds),
        "dollars": dollars(states, invocations, seconds * memory * ARM_DOLLARS),
    }


def sample_states() -> Iterator[tuple[str, float]]:
    """Each state that a good release of the sample enters, and the seconds of its function."""
    deploy = SAMPLE_POLL_SECONDS * math.ceil(SAMPLE_DEPLOY_SECONDS / SAMPLE_POLL_SECONDS)
    call = SAMPLE_CALL_SECONDS
    yield "Check Deployment Version", call
    # Its waiters wait inside the function.
    yield "Deploy New Version/CFN", 2 * call + deploy
    for weight in range(SAMPLE_PERCENT, 100 + SAMPLE_PERCENT, SAMPLE_PERCENT):
        yield "Canary & Switch traffic", 2 * call
        yield "Traffic Totally Switched?", 0
        if weight < 100:
            yield "Wait", 0
            yield "Gather Healthcheck Status", call
            yield "Is Healthy?", 0
    yield "Deployment Succeeded?", 0
    yield "Was first Deployment?", 0
    yield "Remove Old Version", 3 * call + deploy
    yield "Update Deployment Version", call
    yield "Deployment Succeeded", 0


def of_sample() -> Figures:
    entered = list(sample_states())
    invocations = sum(1 for _, seconds in entered if seconds)
    seconds = sum(seconds for _, seconds in entered)
    return {
        "release_seconds": round(seconds + 60 * (100 // SAMPLE_PERCENT - 1)),
        "states": len(entered),
        "invocations": invocations,
        "function_ms": round(1_000 * seconds),
        "dollars": dollars(len(entered), invocations, seconds * SAMPLE_GB * X86_DOLLARS),
    }


def dollars(states: int, invocations: int, of_functions: float) -> float:
    """Without the table, the log and what is left of the free tier."""
    return round(states * TRANSITION_DOLLARS + invocations * INVOCATION_DOLLARS + of_functions, 5)


def main() -> int:
    figures = {
        "stepcanary": of_stepcanary(),
        "sample": of_sample(),
        "taken_for_granted": {
            "seconds_of_a_call": fleet.CALL_SECONDS,
            "seconds_of_a_call_to_the_table": fleet.TABLE_SECONDS,
            "seconds_of_a_deployment": {
                "stepcanary": fleet.DEPLOY_SECONDS,
                "sample": SAMPLE_DEPLOY_SECONDS,
            },
            "seconds_of_a_call_of_the_sample": SAMPLE_CALL_SECONDS,
        },
    }
    path = write("cost", figures)
    for name in ("stepcanary", "sample"):
        said = ", ".join(f"{figure} {value:,}" for figure, value in figures[name].items())
        print(f"{name}: {said}")
    print(f"report: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
