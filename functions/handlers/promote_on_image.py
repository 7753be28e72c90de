"""Promote on image: a pushed image promotes the services whose profiles say so."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Triggered, answers
from stepcanary.contracts.events import ImagePushed
from stepcanary.control import triggers
from stepcanary.observability import logger


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@answers
def lambda_handler(event: ImagePushed, _context: LambdaContext) -> Triggered:
    triggered = triggers.promote_on_image(event)
    logger.info("image pushed", extra={"tag": event.detail.image_tag, **triggered.model_dump()})
    return triggered
