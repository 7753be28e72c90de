"""Open release: take the split, and write down what a revert will need."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import OpenAnswer, answers
from stepcanary.contracts.states import OpenInput
from stepcanary.errors import RequestRejected, SplitTaken
from stepcanary.observability import logger
from stepcanary.release import telling
from stepcanary.release.concurrency import give_up_place
from stepcanary.release.opening import open_release
from stepcanary.release.rejection import publish_rejection


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: OpenInput, _context: LambdaContext) -> OpenAnswer:
    try:
        lease = open_release(event.release, event.request)
    except SplitTaken as taken:
        logger.info("release is planned again", extra={"cause": str(taken)})
        return OpenAnswer(accepted=False, again=True, cause=str(taken))
    except RequestRejected as rejected:
        give_up_place(event.release)
        publish_rejection(event.release.execution, event.request, rejected)
        return OpenAnswer(accepted=False, cause=str(rejected))
    telling.started(event.release)
    return OpenAnswer(accepted=True, fence=lease.fence)
