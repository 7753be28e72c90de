"""Announce release: the events of a release go to the topic that a chat listens to."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.aws import sns
from stepcanary.chat.amazon_q import to_amazon_q
from stepcanary.contracts.answers import Nothing, answers
from stepcanary.contracts.events import BusEvent
from stepcanary.observability import logger
from stepcanary.store import settings


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@answers
def lambda_handler(event: BusEvent, _context: LambdaContext) -> Nothing:
    sns.publish(settings.of_stack().announcement_topic, to_amazon_q(event.release_event))
    return Nothing()
