"""Restore primary: its old version back after a failed promotion; the canary serves on."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Restored, answers
from stepcanary.contracts.states import RestoreInput
from stepcanary.observability import decided, logger
from stepcanary.release import promotion


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: RestoreInput, _context: LambdaContext) -> Restored:
    restored = promotion.restore_primary(
        event.release,
        event.fence,
        event.attempt,
        event.failure,
        returned=event.returned,
        settles=event.settles,
        undecided=event.undecided,
    )
    release = event.release
    decided(
        "promotion failed",
        release.execution,
        release.service,
        error=event.failure.error,
        reason=str(event.failure),
        restored=restored.model_dump(),
    )
    return restored
