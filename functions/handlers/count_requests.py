"""Count requests: lines of a canary's log are counted, and one in doubt is reverted."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import LinesCounted, answers
from stepcanary.contracts.events import LogsEvent
from stepcanary.domain.log_lines import unpacked
from stepcanary.observability import logger
from stepcanary.release import log_counting


@logger.inject_lambda_context(clear_state=True)
@answers
def lambda_handler(event: LogsEvent, _context: LambdaContext) -> LinesCounted:
    return log_counting.count(unpacked(event.awslogs.data))
