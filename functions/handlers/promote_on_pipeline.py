"""Promote on pipeline: a pipeline that succeeded promotes the services whose profiles say so."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Triggered, answers
from stepcanary.contracts.events import PipelineSucceeded
from stepcanary.control import triggers
from stepcanary.observability import logger


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@answers
def lambda_handler(event: PipelineSucceeded, _context: LambdaContext) -> Triggered:
    triggered = triggers.promote_on_pipeline(event)
    logger.info(
        "pipeline succeeded", extra={"pipeline": event.detail.pipeline, **triggered.model_dump()}
    )
    return triggered
