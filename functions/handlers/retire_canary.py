"""Retire canary: scale it in, once the route was read back at rest."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Nothing, answers
from stepcanary.contracts.states import RetireInput
from stepcanary.observability import logger
from stepcanary.release import resting


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: RetireInput, _context: LambdaContext) -> Nothing:
    resting.retire_canary(event.release, event.fence, promoted=event.promoted)
    logger.info("canary retired", extra={"ecs_service": event.release.canary.service})
    return Nothing()
