"""Judge canary: the alarms' verdict on the step that has just baked."""

from typing import Any

from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from canary import rollout
from canary.contracts import JudgeInput
from canary.observability import logger
from canary.verdict import progress


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@event_parser(model=JudgeInput)
def lambda_handler(event: JudgeInput, _context: LambdaContext) -> dict[str, Any]:
    verdict = rollout.judge_canary(event.release, event.release.holds - event.holds)
    logger.info("canary judged", extra={"decision": verdict.decision, "reason": verdict.reason})
    return progress(verdict, event.step, event.holds, len(event.release.steps))
