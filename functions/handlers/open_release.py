"""Open release: take the split, and write down what a revert will need."""

from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.aws import eventbridge
from stepcanary.contracts.answers import OpenAnswer, answers
from stepcanary.contracts.states import OpenInput
from stepcanary.domain import events
from stepcanary.errors import LeaseHeld, RequestRejected, SplitTaken
from stepcanary.observability import logger
from stepcanary.release.opening import open_release


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@event_parser(model=OpenInput)
@answers
def lambda_handler(event: OpenInput, _context: LambdaContext) -> OpenAnswer:
    try:
        lease = open_release(event.release, event.request)
    except (LeaseHeld, RequestRejected) as refused:
        logger.warning("release not opened", extra={"cause": str(refused)})
        again = isinstance(refused, SplitTaken)
        told = events.rejected(event.release.execution, event.request, str(refused))
        if told is not None and not again:
            eventbridge.publish(told)
        return OpenAnswer(accepted=False, again=again, cause=str(refused))
    eventbridge.publish(events.started(event.release))
    logger.info("release opened", extra={"split": lease.split, "fence": lease.fence})
    return OpenAnswer(accepted=True, fence=lease.fence)
