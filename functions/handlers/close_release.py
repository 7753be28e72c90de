"""Close release: write down the outcome, free the split and say why in one sentence."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Closed, answers
from stepcanary.contracts.states import CloseInput
from stepcanary.observability import count, logger
from stepcanary.release import telling
from stepcanary.release.closing import close_release


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: CloseInput, _context: LambdaContext) -> Closed:
    closed = close_release(
        event.release, event.fence, event.outcome, event.ending, parked=event.parked
    )
    count("StrandedSplits", closed.stranded)
    telling.ended(event.release, closed.outcome, closed.cause)
    return closed
