"""Deploy canary: the new version, derived from the canary's own task definition."""

from typing import Any

from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.states import FencedInput
from stepcanary.observability import logger
from stepcanary.release import rollout


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@event_parser(model=FencedInput)
def lambda_handler(event: FencedInput, _context: LambdaContext) -> dict[str, Any]:
    started = rollout.deploy_canary(event.release, event.fence)
    logger.info("canary deployment started", extra={"deployment": started.model_dump()})
    return started.model_dump()
