"""Watch releases: both sides of those that bake are compared, and one in doubt is reverted."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Watched, answers
from stepcanary.observability import count, logger
from stepcanary.release.watch import watch


@logger.inject_lambda_context(clear_state=True)
@answers
def lambda_handler(_event: dict[str, Any], _context: LambdaContext) -> Watched:
    """`_event` is the schedule's."""
    watched = watch()
    count("Unseen", len(watched.unseen))
    logger.info("watched", extra=watched.model_dump())
    return watched
