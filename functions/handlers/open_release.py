"""Open release: take the lease on the split and write down what a revert will need."""

from typing import Any

from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from canary.aws import ledger
from canary.contracts import ReleaseInput
from canary.errors import LeaseHeld
from canary.observability import logger


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@event_parser(model=ReleaseInput)
def lambda_handler(event: ReleaseInput, _context: LambdaContext) -> dict[str, Any]:
    try:
        fence = ledger.take_lease(event.release)
    except LeaseHeld as held:
        logger.warning("release rejected", extra={"cause": str(held)})
        return {"accepted": False, "cause": str(held)}
    ledger.record(event.release, outcome="Running", cause="")
    return {"accepted": True, "fence": fence}
