"""Shift weight: give the canary the weight of its step, and confirm the route took it."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import ShiftAnswer, answers
from stepcanary.contracts.states import ShiftInput
from stepcanary.observability import logger
from stepcanary.release import promotion, rollout, telling


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: ShiftInput, _context: LambdaContext) -> ShiftAnswer:
    release, number = event.release, event.step
    if event.attempt is None:
        step = release.steps[number]
        rollout.shift_weight(release, event.fence, step.weight, event.since)
    else:
        step = release.return_steps[number]
        promotion.shift_back(release, event.fence, event.attempt, step.weight, event.since)
    telling.shifted(release, step.weight)
    # Step Functions requires TimeoutSeconds >= 1.
    return ShiftAnswer(weight=step.weight, bake_seconds=max(1, step.bake_seconds))
