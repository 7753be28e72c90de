"""Await signal: leave the task token where signals find it; one that came before ends the wait."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Nothing, answers
from stepcanary.contracts.states import WaitInput
from stepcanary.observability import logger
from stepcanary.release import signalling, telling


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: WaitInput, _context: LambdaContext) -> Nothing:
    signal = signalling.await_signal(event)
    if signal is None:
        telling.waits(event.release, event.wait, list(event.ends_on))
    logger.info("waiting" if signal is None else "signal found", extra={"signal": str(signal)})
    return Nothing()
