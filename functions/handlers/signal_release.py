"""Signal release: tell the running release of a service to promote, revert or try again."""

from typing import Any

from aws_lambda_powertools.utilities.parser import event_parser
from aws_lambda_powertools.utilities.typing import LambdaContext

from canary import telling
from canary.contracts import SignalInput
from canary.observability import logger


@logger.inject_lambda_context(correlation_id_path="service", clear_state=True)
@event_parser(model=SignalInput)
def lambda_handler(event: SignalInput, _context: LambdaContext) -> dict[str, Any]:
    told = telling.tell_service(
        event.service,
        event.signal,
        reason=event.reason,
        by=event.by,
        execution=event.execution,
    )
    logger.info("signal kept", extra={"signal": event.signal, "by": event.by, "executions": told})
    return {"executions": told}
