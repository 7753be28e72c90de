"""Index profiles: which services each repository and each pipeline is about."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Nothing, answers
from stepcanary.control import triggers
from stepcanary.observability import logger


@logger.inject_lambda_context(clear_state=True)
@answers
def lambda_handler(_event: dict[str, Any], _context: LambdaContext) -> Nothing:
    """`_event` is the schedule's."""
    logger.info("profiles indexed", extra={"profiles": triggers.index_profiles()})
    return Nothing()
