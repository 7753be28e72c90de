"""Restore primary: its old version back after a failed promotion; the canary serves on."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Restored, answers
from stepcanary.contracts.states import RestoreInput
from stepcanary.observability import logger
from stepcanary.release import promotion


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: RestoreInput, _context: LambdaContext) -> Restored:
    restored = promotion.restore_primary(
        event.release,
        event.fence,
        event.attempt,
        event.failure.error,
        returned=event.returned,
        settles=event.settles,
        undecided=event.undecided,
    )
    logger.warning("promotion failed", extra={"restored": restored.model_dump()})
    return restored
