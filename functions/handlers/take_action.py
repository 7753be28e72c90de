"""Take action: promote, revert, skip, pause, resume, shift manually, or report the status."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.actions import ActionAnswer
from stepcanary.contracts.answers import answers
from stepcanary.contracts.states import TakeInput
from stepcanary.control.actions import take_action
from stepcanary.domain.members import named
from stepcanary.errors import RequestRejected
from stepcanary.observability import logger


@logger.inject_lambda_context(correlation_id_path="execution", clear_state=True)
@answers
def lambda_handler(event: TakeInput, _context: LambdaContext) -> ActionAnswer:
    """A rejection is an answer, not an exception: its cause is for a person to read."""
    try:
        taken = take_action(event.execution, event.request, named(event.may_be_lost))
    except RequestRejected as rejected:
        logger.warning("action rejected", extra={"cause": str(rejected)})
        return ActionAnswer(accepted=False, cause=str(rejected))
    logger.info("action taken", extra={"taken": taken.model_dump(mode="json")})
    return ActionAnswer(accepted=True, answer=taken)
