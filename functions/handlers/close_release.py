"""Close release: write down the outcome, free the split and say why in one sentence."""

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.aws import eventbridge
from stepcanary.contracts.answers import Closed, answers
from stepcanary.contracts.states import CloseInput
from stepcanary.domain import events
from stepcanary.observability import logger, metrics
from stepcanary.release.closing import close_release


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@metrics.log_metrics
@answers
def lambda_handler(event: CloseInput, _context: LambdaContext) -> Closed:
    closed = close_release(
        event.release, event.fence, event.outcome, event.ending, parked=event.parked
    )
    metrics.add_metric(name="StrandedSplits", unit=MetricUnit.Count, value=closed.stranded)
    eventbridge.publish(events.ended(event.release, closed.outcome, closed.cause))
    logger.info("release closed", extra={"closed": closed.model_dump()})
    return closed
