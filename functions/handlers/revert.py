"""Revert: all weight to the primary, before anything else."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.aws.warmth import may_be_warmed
from stepcanary.contracts.answers import Attempt, answers
from stepcanary.contracts.states import FencedInput
from stepcanary.observability import decided, logger
from stepcanary.release import revert


@may_be_warmed
@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: FencedInput, _context: LambdaContext) -> Attempt:
    attempt = revert.revert(event.release, event.fence)
    release, tried = event.release, attempt.model_dump()
    decided("reverting", release.execution, release.service, attempt=tried)
    return attempt
