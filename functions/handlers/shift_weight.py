"""Shift weight: give the canary the weight of its step, and confirm the route took it."""

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.aws import eventbridge
from stepcanary.contracts.answers import ShiftAnswer, answers
from stepcanary.contracts.states import ShiftInput
from stepcanary.domain import events
from stepcanary.observability import logger, metrics
from stepcanary.release import promotion, rollout


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@metrics.log_metrics
@answers
def lambda_handler(event: ShiftInput, _context: LambdaContext) -> ShiftAnswer:
    release, number = event.release, event.step
    if event.attempt is None:
        step = release.steps[number]
        splits = rollout.shift_weight(release, event.fence, step.weight, event.since)
    else:
        step = release.return_steps[number]
        splits = promotion.shift_back(release, event.fence, event.attempt, step.weight, event.since)
    eventbridge.publish(events.shifted(release, step.weight))
    metrics.add_metric(name="CanaryWeight", unit=MetricUnit.Percent, value=step.weight)
    logger.info(
        "weight shifted", extra={"weight": step.weight, "splits": [str(split) for split in splits]}
    )
    # Step Functions requires TimeoutSeconds >= 1.
    return ShiftAnswer(weight=step.weight, bake_seconds=max(1, step.bake_seconds))
