"""Revert: all weight to the primary, before anything else."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from canary import rollout
from canary.contracts import RevertInput
from canary.failure import sentence
from canary.observability import logger, metrics


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@metrics.log_metrics
@event_parser(model=RevertInput)
def lambda_handler(event: RevertInput, _context: LambdaContext) -> dict[str, Any]:
    cause = sentence(event.failure.error, event.failure.cause)
    split = rollout.give_back(event.release, event.fence)
    metrics.add_metric(name="Reverts", unit=MetricUnit.Count, value=1)
    logger.warning("reverted", extra={"split": str(split), "cause": cause})
    return {"split": str(split)}
