"""Return traffic: weights back to the primary once it can carry them."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from canary import rollout
from canary.contracts import FencedInput
from canary.observability import logger, metrics


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@metrics.log_metrics
@event_parser(model=FencedInput)
def lambda_handler(event: FencedInput, _context: LambdaContext) -> dict[str, Any]:
    split = rollout.move_weight(event.release, event.fence, 0, receiver="primary")
    metrics.add_metric(name="CanaryWeight", unit=MetricUnit.Percent, value=0)
    logger.info("traffic returned", extra={"split": str(split)})
    return {"split": str(split)}
