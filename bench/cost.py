"""Cost: states, milliseconds of functions, and dollars of one release, beside the sample of AWS.

A good release with the default steps, on the virtual clock of `bench.load`: the definition, the
handlers and their calls are the real ones, and what a call takes is taken for granted. The
sample is that of `bench.sample`.
"""

import sys
from dataclasses import dataclass
from typing import Any

from bench import fleet
from bench.load import run
from bench.report import Figures, write
from bench.sample import (
    ARM_DOLLARS,
    SAMPLE_CALL_SECONDS,
    SAMPLE_DEPLOY_SECONDS,
    dollars,
    of_sample,
)
from emulator import template


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
