"""Deploy canary: the new version, derived from the canary's own task definition."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import answers
from stepcanary.contracts.states import FencedInput
from stepcanary.domain.deployment import Started
from stepcanary.observability import decided, logger
from stepcanary.release import rollout


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: FencedInput, _context: LambdaContext) -> Started:
    started = rollout.deploy_canary(event.release, event.fence)
    release, deployment = event.release, started.model_dump()
    decided("deployed", release.execution, release.service, deployment=deployment)
    return started
