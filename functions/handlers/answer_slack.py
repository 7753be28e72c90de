"""Answer Slack: commands and buttons, from people who may give them."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.chat.slack.endpoint import answer
from stepcanary.observability import logger


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """`event` is a function URL's; the answer is its response."""
    return answer(event, context)
