"""Revert: all weight to the primary, before anything else."""

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.aws.warmth import may_be_warmed
from stepcanary.contracts.answers import Attempt, answers
from stepcanary.contracts.states import FencedInput
from stepcanary.observability import logger, metrics
from stepcanary.release import revert


@may_be_warmed
@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@metrics.log_metrics
@answers
def lambda_handler(event: FencedInput, _context: LambdaContext) -> Attempt:
    attempt = revert.revert(event.release, event.fence)
    metrics.add_metric(name="Reverts", unit=MetricUnit.Count, value=1)
    logger.warning("reverting", extra={"attempt": attempt.model_dump()})
    return attempt
