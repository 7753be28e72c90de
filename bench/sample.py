"""Sample: what a good release of AWS's own sample costs, counted along its definition.

With the steps of its README, and the same deployment as in `bench.cost`. See
https://github.com/aws/aws-app-mesh-examples/tree/main/blogs/ecs-canary-deployments-pipeline
"""

import math
from collections.abc import Iterator

from bench.report import Figures

TRANSITION_DOLLARS = 0.025 / 1_000
INVOCATION_DOLLARS = 0.20 / 1_000_000
ARM_DOLLARS, X86_DOLLARS = 0.0000133334, 0.0000166667
"""Of a GB and a second. All are list prices of us-east-1, from memory."""
SAMPLE_GB = 128 / 1_024
SAMPLE_PERCENT, SAMPLE_POLL_SECONDS, SAMPLE_DEPLOY_SECONDS = 10, 30, 120
SAMPLE_CALL_SECONDS = 0.04


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
