"""Plan release: check everything before anything is touched, and fix the release."""

from typing import Any

from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from canary.contracts import PlanInput
from canary.errors import RequestRejected
from canary.observability import logger
from canary.plan import plan_release


@logger.inject_lambda_context(correlation_id_path="execution", clear_state=True)
@event_parser(model=PlanInput)
def lambda_handler(event: PlanInput, _context: LambdaContext) -> dict[str, Any]:
    """A rejection is an answer, not an exception: its cause is for a person to read."""
    try:
        release = plan_release(event.execution, event.request)
    except RequestRejected as rejected:
        logger.warning("release rejected", extra={"cause": str(rejected)})
        return {"accepted": False, "cause": str(rejected)}
    logger.info("release planned", extra={"released_service": release.service})
    return {"accepted": True, "release": release.model_dump(mode="json")}
