"""Plan release: check everything before anything is touched, and fix the release."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import PlanAnswer, answers
from stepcanary.contracts.states import PlanInput
from stepcanary.domain.members import named
from stepcanary.errors import RequestRejected
from stepcanary.observability import logger
from stepcanary.release import starting
from stepcanary.release.concurrency import plan_in_turn
from stepcanary.release.rejection import publish_rejection


@logger.inject_lambda_context(correlation_id_path="execution", clear_state=True)
@answers
def lambda_handler(event: PlanInput, _context: LambdaContext) -> PlanAnswer:
    """A rejection is an answer, not an exception: its cause is for a person to read."""
    try:
        if not event.begins and (seconds := starting.wait_seconds(event.execution, event.request)):
            logger.info("release waits for its turn", extra={"seconds": seconds})
            return PlanAnswer(accepted=False, later=True, wait_seconds=seconds)
        planned = plan_in_turn(
            event.execution,
            event.request,
            waited=event.waited,
            begins=event.begins,
            may_be_lost=named(event.may_be_lost),
            last_try=event.last_try,
        )
    except RequestRejected as rejected:
        publish_rejection(event.execution, event.request, rejected)
        return PlanAnswer(accepted=False, cause=str(rejected))
    did = "release planned" if planned.accepted else "release waits for its split"
    logger.info(did, extra={"wait_seconds": planned.wait_seconds})
    return planned
