"""Judge canary: the verdict on the step that has just baked."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import answers
from stepcanary.contracts.states import JudgeInput
from stepcanary.domain.verdict import Progress
from stepcanary.observability import logger
from stepcanary.release import promotion, rollout, telling


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@answers
def lambda_handler(event: JudgeInput, _context: LambdaContext) -> Progress:
    if event.returning:
        progress = promotion.judge_return(
            event.release, event.fence, event.step, event.holds, event.moment
        )
    else:
        progress = rollout.judge_canary(
            event.release,
            event.fence,
            event.step,
            event.holds,
            event.moment,
            approved=event.approved,
            unanswered=event.unanswered,
        )
    telling.judged(event.release, event.step, progress)
    return progress
