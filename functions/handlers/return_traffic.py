"""Return traffic: weights back to the primary once it can carry them."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Attempt, answers
from stepcanary.contracts.states import ReturnInput
from stepcanary.observability import logger
from stepcanary.release import promotion


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: ReturnInput, _context: LambdaContext) -> Attempt:
    attempt = promotion.return_traffic(
        event.release, event.fence, event.attempt, event.since, restored=event.restored
    )
    logger.info("return tried", extra={"attempt": attempt.model_dump()})
    return attempt
