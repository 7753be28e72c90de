"""Post to Slack: the events of a release go into its thread, a gate with its buttons."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.chat.slack.messages import post
from stepcanary.contracts.answers import Nothing, answers
from stepcanary.contracts.events import BusEvent
from stepcanary.observability import logger


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@answers
def lambda_handler(event: BusEvent, _context: LambdaContext) -> Nothing:
    post(event.release_event, int(event.time.timestamp()))
    return Nothing()
