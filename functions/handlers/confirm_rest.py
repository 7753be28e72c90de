"""Confirm rest: read the split again after the settle time, and put it right if it moved."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Rest, answers
from stepcanary.contracts.states import ConfirmInput
from stepcanary.observability import logger
from stepcanary.release import confirming, telling


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: ConfirmInput, _context: LambdaContext) -> Rest:
    rest = confirming.confirm_rest(
        event.release, event.fence, event.corrections, promoted=event.promoted
    )
    if rest.next == "retire":
        telling.shifted(event.release, 0)
    logger.info("rest confirmed", extra={"rest": rest.model_dump()})
    return rest
