"""Signal release: send a signal to the running release of a service: promote, revert and others."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from stepcanary.contracts.answers import Signalled, answers
from stepcanary.contracts.events import SignalEvent
from stepcanary.domain.request import SignalInput, explain
from stepcanary.domain.senders import claimed
from stepcanary.errors import SignalRefused
from stepcanary.observability import logger
from stepcanary.release import signalling


@logger.inject_lambda_context(correlation_id_path="service", clear_state=True)
@answers
def lambda_handler(event: Any, context: LambdaContext) -> Signalled:
    """A person gets a refusal as the answer; that of an event goes to the log."""
    if isinstance(event, dict) and "detail" in event:
        put = SignalEvent.model_validate(event)
        executions = signalling.signal_from_event(_as_claimed(put.detail), put.id, put.time)
        return Signalled(executions=executions)
    try:
        request = _as_claimed(SignalInput.model_validate(event))
        executions = signalling.signal_service(request, request_id=context.aws_request_id)
    except (ValidationError, SignalRefused) as refused:
        why = explain(refused, "signal") if isinstance(refused, ValidationError) else str(refused)
        logger.warning("signal refused", extra={"cause": why})
        return Signalled(executions=[], refused=why)
    logger.info(
        "signal kept",
        extra={"signal": request.signal, "by": request.by, "executions": executions},
    )
    return Signalled(executions=executions)


def _as_claimed(request: SignalInput) -> SignalInput:
    """Neither an event on the bus nor an invocation says who is behind it."""
    return request.model_copy(update={"by": claimed(request.by)})
