"""Answer Slack: commands and buttons, from people who may give them."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.chat.slack.endpoint import answer
from stepcanary.contracts.answers import HttpAnswer, answers
from stepcanary.observability import logger


@logger.inject_lambda_context(clear_state=True)
@answers
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> HttpAnswer:
    """`event` is a function URL's."""
    return answer(event, context)
