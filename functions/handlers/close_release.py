"""Close release: write down the outcome, free the split and say why in one sentence."""

from typing import Any

from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from canary.aws import ledger
from canary.contracts import CloseInput
from canary.failure import explain
from canary.observability import logger


@logger.inject_lambda_context(correlation_id_path="release.execution", clear_state=True)
@event_parser(model=CloseInput)
def lambda_handler(event: CloseInput, _context: LambdaContext) -> dict[str, Any]:
    cause = explain(event.outcome, event.failure.error, event.failure.cause)
    ledger.record(event.release, event.outcome, cause)
    ledger.free_lease(event.release)
    logger.info("release closed", extra={"outcome": event.outcome, "cause": cause})
    return {"cause": cause}
