"""Promote primary: the same version to the primary while the canary carries the traffic."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import answers
from stepcanary.contracts.states import PromotionInput
from stepcanary.domain.deployment import Started
from stepcanary.observability import logger
from stepcanary.release import promotion, telling


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: PromotionInput, _context: LambdaContext) -> Started:
    started = promotion.promote_primary(event.release, event.fence, event.attempt, event.since)
    telling.promoting(event.release)
    logger.info("primary deployment started", extra={"deployment": started.model_dump()})
    return started
