"""Check deployment: is one side steady and known to its router?"""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import SteadyAnswer, answers
from stepcanary.contracts.states import CheckInput
from stepcanary.observability import logger
from stepcanary.release import deploy


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: CheckInput, _context: LambdaContext) -> SteadyAnswer:
    answer = deploy.check(
        event.release, event.fence, event.side, event.deployment, restoring=event.restoring
    )
    logger.info("deployment checked", extra={"side": event.side, "steady": answer.steady})
    return answer
