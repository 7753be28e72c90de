"""Write report: the page of a release goes into the bucket of the reports, when it has ended and
when its toll is counted."""

from aws_lambda_powertools.utilities.typing import LambdaContext

from stepcanary.contracts.answers import Nothing, answers
from stepcanary.contracts.events import BusEvent
from stepcanary.control import reporting
from stepcanary.observability import logger


@logger.inject_lambda_context(correlation_id_path="id", clear_state=True)
@answers
def lambda_handler(event: BusEvent, _context: LambdaContext) -> Nothing:
    reporting.write(event.release_event)
    return Nothing()
